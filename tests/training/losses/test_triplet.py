import math

import pytest
import torch

from training.losses.triplet import batch_hard_triplet


def by_loops(features, identities, margin, distance):
    unit = features / features.norm(dim=1, keepdim=True)
    total = []
    for i, own in enumerate(identities):
        distances = [
            -float(unit[i] @ unit[j]) if distance == "cosine" else math.dist(features[i], row)
            for j, row in enumerate(features)
        ]
        excess = max(d for d, other in zip(distances, identities, strict=True) if other == own)
        excess -= min(d for d, other in zip(distances, identities, strict=True) if other != own)
        soft = margin == "soft"
        total.append(math.log(1 + math.exp(excess)) if soft else max(0.0, margin + excess))
    return sum(total) / len(total)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("margin", [0.3, "soft"])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_it_equals_the_loops_of_the_definition(seed, margin, distance):
    torch.manual_seed(seed)
    features = torch.randn(12, 6)
    identities = torch.randint(0, 4, (12,))
    expected = by_loops(features, identities.tolist(), margin, distance)
    received = batch_hard_triplet(features, identities, margin=margin, distance=distance)
    assert received.item() == pytest.approx(expected, abs=1e-6)


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


def test_a_soft_margin_neither_overflows_nor_loses_its_gradient():
    features = torch.tensor([[0.0], [1000.0], [1.0], [1001.0]], requires_grad=True)
    identities = torch.tensor([0, 0, 1, 1])
    loss = batch_hard_triplet(features, identities, margin="soft", distance="euclidean")
    loss.backward()
    assert loss.item() == pytest.approx(999)
    assert torch.isfinite(features.grad).all()
    assert features.grad.abs().sum() > 0.1


@pytest.mark.parametrize("margin", [0.3, "soft"])
def test_equal_rows_have_a_finite_euclidean_gradient(margin):
    features = torch.ones(4, 3, requires_grad=True)
    identities = torch.tensor([0, 0, 1, 1])
    batch_hard_triplet(features, identities, margin=margin, distance="euclidean").backward()
    assert torch.isfinite(features.grad).all()


def test_without_negatives_a_soft_margin_is_zero_with_a_finite_gradient():
    features = torch.randn(4, 3, requires_grad=True)
    identities = torch.zeros(4, dtype=torch.long)
    loss = batch_hard_triplet(features, identities, margin="soft", distance="euclidean")
    loss.backward()
    assert loss == 0
    assert torch.isfinite(features.grad).all()


def test_near_rows_far_from_the_origin_keep_their_euclidean_distance():
    """Distances through products of rows would be rounding here."""
    rows = torch.randn(40, 3) * 0.001 + 1000
    identities = torch.arange(40) // 20
    received = batch_hard_triplet(rows, identities, margin=1.0, distance="euclidean")
    expected = by_loops(rows, identities.tolist(), 1.0, "euclidean")
    assert received.item() == pytest.approx(expected, abs=1e-5)
