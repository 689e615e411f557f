import pytest
import torch
from torch.nn import functional

from model.features import TrackletFeatures
from training.heads import HeadOutputs
from training.losses.loss_config import LossConfig
from training.losses.objective import frame_cross_entropy, frame_triplet, tracklet_objective
from training.losses.self_distillation import feature_distillation, logistic_distillation
from training.losses.triplet import batch_hard_triplet

DIMENSIONS = {"cnn": 8, "transformer": 5, "final": 6}


@pytest.fixture
def batch():
    """Two frame-level parts, one of the clip, and hints."""
    torch.manual_seed(0)
    frames = {name: torch.randn(4, 3, DIMENSIONS[name]) for name in ("cnn", "transformer")}
    parts = {name: torch.randn(4, d) for name, d in DIMENSIONS.items()}
    clips = {name: torch.randn(4, d) for name, d in DIMENSIONS.items()}
    logits = {name: torch.randn(4, 3, 2) for name in frames} | {"final": torch.randn(4, 2)}
    hints = {name: torch.randn(4, 3, 6) for name in frames}
    features = TrackletFeatures(frames, frames, clips, parts, {})
    return features, HeadOutputs(logits, hints), torch.tensor([0, 0, 1, 1])


def test_the_total_is_the_mean_of_the_base_parts_plus_the_mean_of_the_others(batch):
    terms = tracklet_objective(*batch, LossConfig()).terms
    assert set(terms) == {
        f"{part}_{term}" for part in DIMENSIONS for term in ("identity", "triplet")
    }
    base = sum(terms[f"{part}_{term}"] for part in ("cnn", "transformer")
               for term in ("identity", "triplet")) / 2  # fmt: skip
    final = terms["final_identity"] + terms["final_triplet"]
    total = tracklet_objective(*batch, LossConfig()).total
    torch.testing.assert_close(total, base + final)


def test_parts_of_the_clip_are_averaged_among_themselves(batch):
    features, outputs, identities = batch
    parts = {**features.parts, "cca": torch.randn(4, 3)}
    logits = {**outputs.logits, "cca": torch.randn(4, 2)}
    more = tracklet_objective(
        features._replace(parts=parts), HeadOutputs(logits, {}), identities, LossConfig()
    )
    one = tracklet_objective(features, outputs, identities, LossConfig())
    final = one.terms["final_identity"] + one.terms["final_triplet"]
    cca = more.terms["cca_identity"] + more.terms["cca_triplet"]
    torch.testing.assert_close(more.total, one.total - final + (final + cca) / 2)


def test_a_model_without_frame_level_parts_has_the_final_group_alone(batch):
    features, outputs, identities = batch
    only = features._replace(frame_globals={}, frame_features={})
    objective = tracklet_objective(
        only, HeadOutputs({"final": outputs.logits["final"]}, {}), identities, LossConfig()
    )
    expected = functional.cross_entropy(outputs.logits["final"], identities) + batch_hard_triplet(
        features.parts["final"], identities, margin=0.3
    )
    torch.testing.assert_close(objective.total, expected)


def test_a_part_without_a_classifier_is_not_supervised(batch):
    features, outputs, identities = batch
    fewer = HeadOutputs({"cnn": outputs.logits["cnn"]}, {})
    objective = tracklet_objective(features, fewer, identities, LossConfig())
    assert set(objective.terms) == {"cnn_identity", "cnn_triplet"}


def test_branches_weigh_the_same_however_many_frames(batch):
    """The first branch once ended up weighted 1/T: every part is a mean of its own."""
    features, outputs, identities = batch
    objective = tracklet_objective(features, outputs, identities, LossConfig(triplet_weight=0))
    for name in features.frame_features:
        rows = outputs.logits[name]
        expected = torch.stack(
            [functional.cross_entropy(rows[:, t], identities) for t in range(3)]
        ).mean()
        torch.testing.assert_close(objective.terms[f"{name}_identity"], expected)


def test_weights_scale_their_terms(batch):
    distilled = {"logistic_weight": 0.1, "feature_weight": 0.1}
    plain = tracklet_objective(*batch, LossConfig(distillation=distilled))
    scaled = tracklet_objective(
        *batch,
        LossConfig(
            identity_weight=2,
            triplet_weight=0.5,
            distillation={"logistic_weight": 0.3, "feature_weight": 0.4},
        ),
    )
    factors = {"identity": 2, "triplet": 0.5, "logistic": 3, "feature": 4}
    for name, term in plain.terms.items():
        factor = factors[name.split("_")[0 if name.endswith("distillation") else -1]]
        torch.testing.assert_close(scaled.terms[name], term * factor)


def test_distillation_adds_its_weighted_terms_to_the_total(batch):
    features, outputs, _ = batch
    plain = tracklet_objective(*batch, LossConfig())
    distilled = tracklet_objective(*batch, LossConfig(distillation={"temperature": 0.3}))
    students = {name: outputs.logits[name] for name in ("cnn", "transformer")}
    logistic = logistic_distillation(outputs.logits["final"], students, temperature=0.3)
    feature = feature_distillation(
        features.tracklet_globals["final"], outputs.hints, distance="norm"
    )
    torch.testing.assert_close(distilled.total, plain.total + 0.1 * logistic + 0.1 * feature)


@pytest.mark.parametrize("left_out", ["logistic", "feature"])
def test_a_distillation_of_weight_zero_is_left_out(batch, left_out):
    config = LossConfig(distillation={f"{left_out}_weight": 0})
    terms = tracklet_objective(*batch, config).terms
    distilled = {name for name in terms if name.endswith("distillation")}
    assert distilled == {"logistic_distillation", "feature_distillation"} - {
        f"{left_out}_distillation"
    }


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
