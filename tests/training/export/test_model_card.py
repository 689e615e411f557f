from tests.small_models import small_student
from training.export.model_card import model_card, results_table


def test_every_method_of_the_report_is_a_row(description):
    table = results_table(description.report).splitlines()
    assert len(table) == 4
    assert table[2] == "| full | 61.25 | 80.00 | 90.00 | 95.00 | 50.50 | 40.00 |"


def test_the_card_names_where_the_weights_began(description):
    drawn = model_card(description, small_student(), least_cosine=0.99999)
    assert "Initial weights:\nrandom." in drawn
    pretrained = model_card(description, small_student(pretrained=True), least_cosine=1)
    assert "Initial weights:\nImageNet" in pretrained
    files = small_student(cnn_weights="lup/resnet50.safetensors")
    assert "Initial weights:\nresnet50.safetensors." in model_card(
        description, files, least_cosine=1
    )


def test_the_card_says_which_networks_it_is_made_of(description):
    card = model_card(description, small_student(), least_cosine=1)
    assert "mobilenetv2_100 and deit_tiny_patch16_224 at 64×32" in " ".join(card.split())
