from model.dcct import DCCTConfig
from training.export.model_card import model_card, results_table


def test_every_method_of_the_report_is_a_row(description):
    table = results_table(description.report).splitlines()
    assert len(table) == 4
    assert table[2] == "| model | 61.25 | 80.00 | 90.00 | 95.00 | 50.50 |"


def test_the_card_names_where_the_weights_began(description):
    drawn = model_card(description, DCCTConfig(), least_cosine=0.99999)
    assert "Initial weights:\nrandom." in drawn
    pretrained = model_card(description, DCCTConfig(pretrained=True), least_cosine=1)
    assert "Initial weights:\nImageNet" in pretrained
