import pytest
import torch

from model.registry import build_model
from tests.tiny_models import TINY_WIDTHS, tiny_dcct
from training.losses.loss_config import LossConfig
from training.losses.part_objective import PartObjective

IDENTITIES = torch.tensor([0, 0, 1, 1])


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_model(tiny_dcct(clip_frames=2))


@pytest.fixture(scope="module")
def features(network):
    with torch.no_grad():
        return network(torch.randn(4, 2, 3, network.config.height, network.config.width))


def objective(network, **losses):
    return PartObjective(network, 3, LossConfig.model_validate(losses))


@pytest.mark.parametrize(
    ("weights", "students"),
    [
        ({"feature_weight": 0}, ("heads.classifiers.cnn", "heads.classifiers.transformer")),
        ({"logistic_weight": 0}, ("heads.hints.cnn", "heads.hints.transformer")),
    ],
    ids=["logistic", "feature"],
)
def test_no_gradient_of_self_distillation_reaches_what_only_the_teacher_has(
    network, weights, students
):
    """With every other weight at nothing, its modules have gradients of 0 (spec §6.7)."""
    parts = objective(network, identity_weight=0, triplet=None, distillation=weights)
    clips = torch.randn(4, 2, 3, network.config.height, network.config.width)
    network.zero_grad()
    parts(network(clips), IDENTITIES).total.backward()
    for module in (network.temporal, network.necks["final"], parts.heads.classifiers["final"]):
        for name, parameter in module.named_parameters():
            assert parameter.grad is None or parameter.grad.abs().sum() == 0, name
    for name in students:
        for parameter in parts.get_submodule(name).parameters():
            assert parameter.grad is not None, name
        assert any(p.grad.abs().sum() > 0 for p in parts.get_submodule(name).parameters())
    assert network.cnn.network.conv_stem.weight.grad.abs().sum() > 0


def test_the_preset_of_the_authors_code_can_be_written(network):
    preset = {"logistic_weight": 1, "feature_weight": 1, "temperature": 0.3, "hint": "linear"}
    hints = objective(network, distillation=preset).heads.hints
    assert {name: type(hint) for name, hint in hints.items()} == dict.fromkeys(
        TINY_WIDTHS, torch.nn.Linear
    )


def test_without_feature_distillation_there_are_no_hints(network):
    assert not objective(network, distillation={"feature_weight": 0}).heads.hints
    assert not objective(network).heads.hints


def test_parts_can_be_left_without_supervision(network):
    parts = objective(network, unsupervised_parts=["cca_cnn", "cca_transformer"], centre={})
    assert set(parts.heads.classifiers) == set(parts.centres) == {"cnn", "transformer", "final"}


ALL_PARTS = ["cnn", "transformer", "cca_cnn", "cca_transformer", "final"]


@pytest.mark.parametrize("left_out", [["cnm"], ALL_PARTS], ids=["unknown", "all"])
def test_unsupervised_parts_must_exist_and_leave_some(network, left_out):
    with pytest.raises(ValueError, match=r"among \['cnn', .*received .*; correct the names"):
        objective(network, unsupervised_parts=left_out)


def test_centres_move_when_the_step_is_over_and_not_before(network, features):
    parts = objective(network, centre={"rate": 1.0})
    parts(features, IDENTITIES)
    assert parts.centres["final"].centres.abs().sum() == 0
    parts.remember(features, IDENTITIES)
    rows = features.tracklet_globals["final"]
    # Two rows of either identity, from 0: Σ x / (1 + 2).
    expected = torch.stack([rows[:2].sum(dim=0) / 3, rows[2:].sum(dim=0) / 3])
    torch.testing.assert_close(parts.centres["final"].centres[:2], expected)
    frames = features.frame_globals["cnn"]
    expected = torch.stack([frames[:2].sum(dim=(0, 1)) / 5, frames[2:].sum(dim=(0, 1)) / 5])
    torch.testing.assert_close(parts.centres["cnn"].centres[:2], expected)


def test_moved_centres_lower_their_own_term(network, features):
    parts = objective(network, centre={})
    before = parts(features, IDENTITIES).terms
    parts.remember(features, IDENTITIES)
    after = parts(features, IDENTITIES).terms
    for name in TINY_WIDTHS:
        assert after[f"{name}_centre"] < before[f"{name}_centre"]


def test_without_a_centre_loss_there_is_nothing_to_remember(network, features):
    parts = objective(network)
    before = {name: tensor.clone() for name, tensor in parts.state_dict().items()}
    parts.remember(features, IDENTITIES)
    for name, tensor in parts.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_losses_are_in_single_precision_and_heads_in_that_around_them(network, features):
    parts = objective(network, identity_weight=0)
    plain = parts(features, IDENTITIES)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = parts(features, IDENTITIES)
        assert parts.heads(features).logits["cnn"].dtype == torch.bfloat16
    torch.testing.assert_close(cast.total, plain.total, rtol=0, atol=0)
