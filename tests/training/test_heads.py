import torch

from training.heads import IdentityHeads


def test_one_classifier_without_bias_per_part():
    heads = IdentityHeads({"cnn": 1280, "transformer": 192}, 10)
    assert sum(p.numel() for p in heads.parameters()) == (1280 + 192) * 10
    logits = heads({"cnn": torch.randn(2, 3, 1280), "transformer": torch.randn(2, 3, 192)})
    assert {name: rows.shape for name, rows in logits.items()} == {
        "cnn": (2, 3, 10),
        "transformer": (2, 3, 10),
    }


def test_classifiers_start_near_zero():
    torch.manual_seed(0)
    weight = IdentityHeads({"cnn": 500}, 100).classifiers["cnn"].weight
    assert 0.0009 < weight.std() < 0.0011
