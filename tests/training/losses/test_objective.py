import pytest
import torch
from torch.nn import functional

from model.features import TrackletFeatures
from training.heads import HeadOutputs
from training.losses.centre import ClassCentres
from training.losses.circle import circle_loss
from training.losses.loss_config import LossConfig
from training.losses.objective import frame_cross_entropy, mean_over_frames, tracklet_objective
from training.losses.self_distillation import feature_distillation, logistic_distillation
from training.losses.triplet import batch_hard_triplet

DIMENSIONS = {"cnn": 8, "transformer": 5, "final": 6}


@pytest.fixture
def batch():
    """Two frame-level parts, one of the clip, and hints."""
    torch.manual_seed(0)
    branches = ("cnn", "transformer")
    frame_globals = {name: torch.randn(4, 3, DIMENSIONS[name]) for name in branches}
    frames = {name: torch.randn(4, 3, DIMENSIONS[name]) for name in branches}
    parts = {name: torch.randn(4, d) for name, d in DIMENSIONS.items()}
    clips = {name: torch.randn(4, d) for name, d in DIMENSIONS.items()}
    logits = {name: torch.randn(4, 3, 2) for name in frames} | {"final": torch.randn(4, 2)}
    hints = {name: torch.randn(4, 3, 6) for name in frames}
    features = TrackletFeatures(frame_globals, frames, clips, parts, {})
    return features, HeadOutputs(logits, hints), torch.tensor([0, 0, 1, 1])


def objective_of(features, outputs, identities, config):
    return tracklet_objective(features, outputs, identities, config, centres={})


def test_the_total_is_the_mean_of_the_base_parts_plus_the_mean_of_the_others(batch):
    terms = objective_of(*batch, LossConfig()).terms
    assert set(terms) == {
        f"{part}_{term}" for part in DIMENSIONS for term in ("identity", "triplet")
    }
    base = sum(terms[f"{part}_{term}"] for part in ("cnn", "transformer")
               for term in ("identity", "triplet")) / 2  # fmt: skip
    final = terms["final_identity"] + terms["final_triplet"]
    total = objective_of(*batch, LossConfig()).total
    torch.testing.assert_close(total, base + final)


def test_parts_of_the_clip_are_averaged_among_themselves(batch):
    features, outputs, identities = batch
    parts = {**features.parts, "cca": torch.randn(4, 3)}
    clips = {**features.tracklet_globals, "cca": torch.randn(4, 3)}
    logits = {**outputs.logits, "cca": torch.randn(4, 2)}
    more_features = features._replace(parts=parts, tracklet_globals=clips)
    more = objective_of(more_features, HeadOutputs(logits, {}), identities, LossConfig())
    one = objective_of(features, outputs, identities, LossConfig())
    final = one.terms["final_identity"] + one.terms["final_triplet"]
    cca = more.terms["cca_identity"] + more.terms["cca_triplet"]
    torch.testing.assert_close(more.total, one.total - final + (final + cca) / 2)


def test_a_model_without_frame_level_parts_has_the_final_group_alone(batch):
    features, outputs, identities = batch
    only = features._replace(frame_globals={}, frame_features={})
    objective = objective_of(
        only, HeadOutputs({"final": outputs.logits["final"]}, {}), identities, LossConfig()
    )
    expected = functional.cross_entropy(outputs.logits["final"], identities) + batch_hard_triplet(
        features.parts["final"], identities, margin=0.3
    )
    torch.testing.assert_close(objective.total, expected)


def test_a_part_without_a_classifier_is_not_supervised(batch):
    features, outputs, identities = batch
    fewer = HeadOutputs({"cnn": outputs.logits["cnn"]}, {})
    objective = objective_of(features, fewer, identities, LossConfig())
    assert set(objective.terms) == {"cnn_identity", "cnn_triplet"}


def test_branches_weigh_the_same_however_many_frames(batch):
    """The first branch once ended up weighted 1/T: every part is a mean of its own."""
    features, outputs, identities = batch
    objective = objective_of(features, outputs, identities, LossConfig(triplet=None))
    for name in features.frame_features:
        rows = outputs.logits[name]
        expected = torch.stack(
            [functional.cross_entropy(rows[:, t], identities) for t in range(3)]
        ).mean()
        torch.testing.assert_close(objective.terms[f"{name}_identity"], expected)


def test_weights_scale_their_terms(batch):
    distilled = {"logistic_weight": 0.1, "feature_weight": 0.1}
    plain = objective_of(*batch, LossConfig(distillation=distilled))
    scaled = objective_of(
        *batch,
        LossConfig(
            identity_weight=2,
            triplet={"weight": 0.5},
            distillation={"logistic_weight": 0.3, "feature_weight": 0.4},
        ),
    )
    factors = {"identity": 2, "triplet": 0.5, "logistic": 3, "feature": 4}
    for name, term in plain.terms.items():
        factor = factors[name.split("_")[0 if name.endswith("distillation") else -1]]
        torch.testing.assert_close(scaled.terms[name], term * factor)


def test_distillation_adds_its_weighted_terms_to_the_total(batch):
    features, outputs, _ = batch
    plain = objective_of(*batch, LossConfig())
    distilled = objective_of(*batch, LossConfig(distillation={"temperature": 0.3}))
    students = {name: outputs.logits[name] for name in ("cnn", "transformer")}
    logistic = logistic_distillation(outputs.logits["final"], students, temperature=0.3)
    feature = feature_distillation(
        features.tracklet_globals["final"], outputs.hints, distance="norm"
    )
    torch.testing.assert_close(distilled.total, plain.total + 0.1 * logistic + 0.1 * feature)


@pytest.mark.parametrize("left_out", ["logistic", "feature"])
def test_a_distillation_of_weight_zero_is_left_out(batch, left_out):
    config = LossConfig(distillation={f"{left_out}_weight": 0})
    terms = objective_of(*batch, config).terms
    distilled = {name for name in terms if name.endswith("distillation")}
    assert distilled == {"logistic_distillation", "feature_distillation"} - {
        f"{left_out}_distillation"
    }


def test_triplets_are_formed_among_frames_of_one_index(batch):
    features, outputs, identities = batch
    rows = features.frame_features["cnn"]
    expected = sum(batch_hard_triplet(rows[:, t], identities, margin=0.3) for t in range(3)) / 3
    terms = objective_of(features, outputs, identities, LossConfig()).terms
    torch.testing.assert_close(terms["cnn_triplet"], expected)


def test_nvans_triplet_is_soft_euclidean_and_before_the_neck(batch):
    """Beside the cross-entropy of what comes after the neck, with the same weight (spec §3.3)."""
    features, outputs, identities = batch
    only = features._replace(frame_globals={}, frame_features={})
    config = LossConfig(triplet={"margin": "soft", "distance": "euclidean", "before_neck": True})
    objective = objective_of(
        only, HeadOutputs({"final": outputs.logits["final"]}, {}), identities, config
    )
    triplet = batch_hard_triplet(
        features.tracklet_globals["final"], identities, margin="soft", distance="euclidean"
    )
    torch.testing.assert_close(objective.terms["final_triplet"], triplet)
    expected = functional.cross_entropy(outputs.logits["final"], identities) + triplet
    torch.testing.assert_close(objective.total, expected)


def test_the_triplet_of_frames_can_be_before_their_neck(batch):
    features, outputs, identities = batch
    config = LossConfig(triplet={"before_neck": True})
    rows = features.frame_globals["cnn"]
    expected = sum(batch_hard_triplet(rows[:, t], identities, margin=0.3) for t in range(3)) / 3
    terms = objective_of(features, outputs, identities, config).terms
    torch.testing.assert_close(terms["cnn_triplet"], expected)


def test_without_a_triplet_there_is_no_such_term(batch):
    terms = objective_of(*batch, LossConfig(triplet=None)).terms
    assert set(terms) == {f"{part}_identity" for part in DIMENSIONS}


def test_a_circle_loss_is_a_weighted_term_of_every_part(batch):
    features, outputs, identities = batch
    plain = objective_of(*batch, LossConfig())
    config = LossConfig(circle={"weight": 0.5, "margin": 0.2, "scale": 16})
    circled = objective_of(features, outputs, identities, config)
    expected = {
        "cnn": sum(
            circle_loss(features.frame_features["cnn"][:, t], identities, margin=0.2, scale=16)
            for t in range(3)
        )
        / 3,
        "final": circle_loss(features.parts["final"], identities, margin=0.2, scale=16),
    }
    for part, value in expected.items():
        torch.testing.assert_close(circled.terms[f"{part}_circle"], 0.5 * value)
    added = {part: circled.terms[f"{part}_circle"] for part in DIMENSIONS}
    base = (added["cnn"] + added["transformer"]) / 2
    torch.testing.assert_close(circled.total, plain.total + base + added["final"])


def test_a_centre_loss_is_a_weighted_term_of_every_part_before_its_neck(batch):
    features, outputs, identities = batch
    centres = {name: ClassCentres(2, d, rate=0.5) for name, d in DIMENSIONS.items()}
    for of_part in centres.values():
        of_part.centres.normal_()
    config = LossConfig(centre={"weight": 0.01})
    objective = tracklet_objective(features, outputs, identities, config, centres=centres)
    rows = features.frame_globals["cnn"].flatten(0, 1)
    expected = 0.01 * centres["cnn"](rows, identities.repeat_interleave(3))
    torch.testing.assert_close(objective.terms["cnn_centre"], expected)
    expected = 0.01 * centres["final"](features.tracklet_globals["final"], identities)
    torch.testing.assert_close(objective.terms["final_centre"], expected)
    assert objective.total > objective_of(*batch, LossConfig()).total


def test_the_mean_over_frames_pairs_frames_of_one_index():
    rows = torch.arange(12.0).reshape(2, 3, 2)
    received = mean_over_frames(rows, lambda frame: frame[0].sum() * frame[1].sum())
    assert received == ((0 + 1) * (6 + 7) + (2 + 3) * (8 + 9) + (4 + 5) * (10 + 11)) / 3


def test_label_smoothing_raises_the_loss_of_a_sure_answer():
    logits = torch.tensor([[[20.0, -20.0]]])
    sure = frame_cross_entropy(logits, torch.tensor([0]), label_smoothing=0.0)
    smooth = frame_cross_entropy(logits, torch.tensor([0]), label_smoothing=0.1)
    assert sure.item() == pytest.approx(0, abs=1e-6)
    assert smooth.item() == pytest.approx(0.05 * 40)
