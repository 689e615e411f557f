import pytest
import torch

from model.layers.self_attention_pooling import SelfAttentionPooling
from tests.gradient_probe import backward_through, untaught_parameters


@pytest.fixture
def pooling():
    torch.manual_seed(0)
    return SelfAttentionPooling(5).double()


@pytest.fixture
def tokens():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, 6, 5, dtype=torch.float64, generator=generator) * 2


def test_pooling_is_the_mean_weighted_by_the_softmax_of_one_score_per_token(pooling, tokens):
    attended = pooling(tokens)
    for frame, feature, row in zip(tokens, attended.features, attended.maps["self"], strict=True):
        score = torch.exp(frame @ pooling.score.weight[0])
        torch.testing.assert_close(row, score / score.sum())
        torch.testing.assert_close(feature, (score / score.sum()) @ frame)


def test_attention_rows_sum_to_one(pooling, tokens):
    maps = pooling(tokens).maps
    assert list(maps) == ["self"]
    torch.testing.assert_close(maps["self"].sum(1), torch.ones(3, dtype=torch.float64))


def test_without_scores_pooling_is_the_mean(pooling, tokens):
    torch.nn.init.zeros_(pooling.score.weight)
    torch.testing.assert_close(pooling(tokens).features, tokens.mean(1))


def test_the_order_of_tokens_moves_the_map_and_not_the_feature(pooling, tokens):
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    straight, shuffled = pooling(tokens), pooling(tokens[:, order])
    torch.testing.assert_close(shuffled.features, straight.features)
    torch.testing.assert_close(shuffled.maps["self"], straight.maps["self"][:, order])


def test_every_parameter_learns(pooling, tokens):
    backward_through([pooling(tokens).features])
    assert untaught_parameters(pooling, noise=1e-9) == []
