import pytest
import torch
from torch.nn import functional

from model.features import TrackletFeatures
from training.config import LossConfig
from training.losses.objective import base_objective, frame_cross_entropy, frame_triplet
from training.losses.triplet import batch_hard_triplet


@pytest.fixture
def batch():
    torch.manual_seed(0)
    rows = {"cnn": torch.randn(4, 3, 8), "transformer": torch.randn(4, 3, 5)}
    logits = {name: torch.randn(4, 3, 2) for name in rows}
    parts = {name: value.mean(1) for name, value in rows.items()}
    return TrackletFeatures(rows, rows, parts), logits, torch.tensor([0, 0, 1, 1])


def test_the_total_is_the_mean_over_parts_of_the_named_terms(batch):
    objective = base_objective(*batch, LossConfig())
    assert set(objective.terms) == {
        "cnn_identity", "cnn_triplet", "transformer_identity", "transformer_triplet",
    }  # fmt: skip
    assert objective.total.item() == pytest.approx(
        sum(term.item() for term in objective.terms.values()) / 2
    )


def test_branches_weigh_the_same_however_many_frames(batch):
    """The first branch once ended up weighted 1/T: every part is a mean of its own."""
    features, logits, identities = batch
    objective = base_objective(features, logits, identities, LossConfig(triplet_weight=0))
    for name, rows in logits.items():
        expected = torch.stack(
            [functional.cross_entropy(rows[:, t], identities) for t in range(3)]
        ).mean()
        torch.testing.assert_close(objective.terms[f"{name}_identity"], expected)


def test_weights_scale_their_terms(batch):
    plain = base_objective(*batch, LossConfig())
    scaled = base_objective(*batch, LossConfig(identity_weight=2, triplet_weight=0.5))
    for name, term in plain.terms.items():
        factor = 2 if name.endswith("identity") else 0.5
        torch.testing.assert_close(scaled.terms[name], term * factor)


def test_triplets_are_formed_among_frames_of_one_index(batch):
    features, _, identities = batch
    rows = features.frame_features["cnn"]
    expected = sum(batch_hard_triplet(rows[:, t], identities, margin=0.3) for t in range(3)) / 3
    torch.testing.assert_close(frame_triplet(rows, identities, margin=0.3), expected)


def test_label_smoothing_raises_the_loss_of_a_sure_answer():
    logits = torch.tensor([[[20.0, -20.0]]])
    sure = frame_cross_entropy(logits, torch.tensor([0]), label_smoothing=0.0)
    smooth = frame_cross_entropy(logits, torch.tensor([0]), label_smoothing=0.1)
    assert sure.item() == pytest.approx(0, abs=1e-6)
    assert smooth.item() == pytest.approx(0.05 * 40)
