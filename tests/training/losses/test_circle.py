import pytest
import torch

from training.losses.circle import circle_loss


def by_the_formula(features, identities, margin, scale):
    """Eq. 6 of the paper, row by row; its weights take no gradient."""
    cosines = torch.nn.functional.normalize(features, dim=1)
    cosines = cosines @ cosines.T
    losses = []
    for i, own in enumerate(identities):
        others = [j for j in range(len(identities)) if j != i]
        s_p = cosines[i, [j for j in others if identities[j] == own]]
        s_n = cosines[i, [j for j in others if identities[j] != own]]
        a_p, a_n = (1 + margin - s_p.detach()).relu(), (s_n.detach() + margin).relu()
        positive = (-scale * a_p * (s_p - (1 - margin))).exp().sum()
        negative = (scale * a_n * (s_n - margin)).exp().sum()
        losses.append((1 + negative * positive).log())
    return torch.stack(losses).mean()


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_formula_of_the_paper_with_its_gradient(seed):
    torch.manual_seed(seed)
    identities = torch.tensor([0, 0, 1, 1, 2, 2, 2, 1])
    expected_of = torch.randn(8, 6, dtype=torch.float64, requires_grad=True)
    received_of = expected_of.detach().clone().requires_grad_()
    expected = by_the_formula(expected_of, identities, 0.25, 16.0)
    received = circle_loss(received_of, identities, margin=0.25, scale=16.0)
    torch.testing.assert_close(received, expected)
    expected.backward()
    received.backward()
    torch.testing.assert_close(received_of.grad, expected_of.grad)


def test_a_row_without_a_positive_costs_nothing_and_counts_in_the_mean():
    """The library's own default leaves it out of the mean."""
    features, identities = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 0, 1, 1, 2])
    expected = by_the_formula(features, identities, 0.25, 16.0)
    received = circle_loss(features, identities, margin=0.25, scale=16.0)
    torch.testing.assert_close(received, expected)
    assert received > 0


def test_a_large_scale_does_not_overflow():
    features = torch.randn(8, 4, requires_grad=True)
    loss = circle_loss(features, torch.arange(8) // 2, margin=0.25, scale=1024.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(features.grad).all()
