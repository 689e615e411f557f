import torch

from model.features import embedding


def test_every_part_and_the_whole_have_length_one():
    parts = {"cnn": torch.randn(5, 12) * 100, "transformer": torch.randn(5, 4)}
    whole = embedding(parts)
    assert whole.shape == (5, 16)
    torch.testing.assert_close(whole.norm(dim=1), torch.ones(5))
    # Two parts of length one: each carries half of the squared length.
    torch.testing.assert_close(whole[:, :12].square().sum(1), torch.full((5,), 0.5))


def test_the_scale_of_a_part_does_not_matter():
    parts = {"cnn": torch.randn(3, 8), "transformer": torch.randn(3, 4)}
    scaled = {"cnn": parts["cnn"] * 50, "transformer": parts["transformer"]}
    torch.testing.assert_close(embedding(parts), embedding(scaled))


def test_parts_are_concatenated_in_their_order():
    parts = {"a": torch.tensor([[1.0, 0.0]]), "b": torch.tensor([[0.0, 2.0]])}
    torch.testing.assert_close(embedding(parts), torch.tensor([[1.0, 0.0, 0.0, 1.0]]) / 2**0.5)
