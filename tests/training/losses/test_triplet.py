import pytest
import torch

from training.losses.triplet import batch_hard_triplet


def by_loops(features, identities, margin):
    unit = features / features.norm(dim=1, keepdim=True)
    total = []
    for i, own in enumerate(identities):
        distance = [-float(unit[i] @ unit[j]) for j in range(len(unit))]
        positives = [d for d, other in zip(distance, identities, strict=True) if other == own]
        negatives = [d for d, other in zip(distance, identities, strict=True) if other != own]
        total.append(max(0.0, margin + max(positives) - min(negatives)))
    return sum(total) / len(total)


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_the_loops_of_the_definition(seed):
    torch.manual_seed(seed)
    features = torch.randn(12, 6)
    identities = torch.randint(0, 4, (12,))
    expected = by_loops(features, identities.tolist(), 0.3)
    assert batch_hard_triplet(features, identities, margin=0.3).item() == pytest.approx(
        expected, abs=1e-6
    )


def test_separated_identities_cost_nothing():
    features = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    loss = batch_hard_triplet(features, torch.tensor([0, 0, 1, 1]), margin=0.3)
    assert loss == 0


def test_collapsed_features_cost_the_margin():
    loss = batch_hard_triplet(torch.ones(4, 3), torch.tensor([0, 0, 1, 1]), margin=0.3)
    assert loss.item() == pytest.approx(0.3)


def test_without_negatives_it_is_zero_with_a_finite_gradient():
    features = torch.randn(4, 3, requires_grad=True)
    loss = batch_hard_triplet(features, torch.zeros(4, dtype=torch.long), margin=0.3)
    loss.backward()
    assert loss == 0
    assert torch.isfinite(features.grad).all()


def test_order_and_scale_do_not_matter():
    torch.manual_seed(0)
    features, identities = torch.randn(8, 5), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    order = torch.randperm(8)
    expected = batch_hard_triplet(features, identities, margin=0.3)
    torch.testing.assert_close(
        batch_hard_triplet(features[order] * 7, identities[order], margin=0.3), expected
    )
