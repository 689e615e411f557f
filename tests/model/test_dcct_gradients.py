"""What each loss on DCCT teaches, and what it leaves alone."""

import pytest
import torch

from model.dcct import DCCT
from tests.gradient_probe import backward_through, untaught_parameters
from tests.tiny_models import tiny_dcct

COMBINATIONS = [
    {"spatial": spatial, "temporal": temporal}
    for spatial in ("gap", "sap", "cca")
    for temporal in ("tap", "lstm", "hta")
]
VARIANTS = [
    {"transformer_global": "gap"},
    {"pre_bn_base": True},
    {"detach_temporal_input": False, "cca": {"detach_cross_query": False}},
    {"hta": {"depth": 1}},
    {"hta": {"align_dimension": 16}},
    {"hta": {"gated_attention": False}},
    {"cca": {"self_heads": False}},
    {"cca": {"cross_heads": False}},
    {"temporal": "tap", "cnn": None, "cca": {"cross_heads": False}},
    {"temporal": "lstm", "transformer": None, "spatial": "sap"},
]


def build(**changes):
    torch.manual_seed(0)
    return DCCT(tiny_dcct(clip_frames=2, **changes)).train()


@pytest.fixture(scope="module")
def clips():
    return torch.randn(3, 2, 3, 64, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def coupled():
    """Full networks by whether gradient passes where it is cut by default."""
    return {
        detached: build(detach_temporal_input=detached, cca={"detach_cross_query": detached})
        for detached in (True, False)
    }


def taught(network, outputs):
    """Names of the children that a loss on `outputs` reaches."""
    network.zero_grad(set_to_none=True)
    backward_through(outputs)
    return {
        name
        for name, child in network.named_children()
        if any(p.grad is not None and p.grad.any() for p in child.parameters())
    }


@pytest.mark.parametrize("changes", COMBINATIONS + VARIANTS, ids=str)
def test_every_parameter_learns(changes, clips):
    network = build(**changes)
    features = network(clips)
    backward_through([*features.frame_features.values(), *features.parts.values()])
    assert untaught_parameters(network) == []


def test_the_final_loss_teaches_the_temporal_layers_alone(coupled, clips):
    final = coupled[True](clips).parts["final"]
    assert taught(coupled[True], [final]) == {"temporal", "necks"}


def test_the_final_loss_teaches_everything_where_its_input_is_not_cut(coupled, clips):
    final = coupled[False](clips).parts["final"]
    expected = {"temporal", "necks", "spatial", "cnn", "transformer"}
    assert taught(coupled[False], [final]) == expected


@pytest.mark.parametrize("detached", [True, False])
def test_the_cut_serves_the_lstm_as_well(clips, detached):
    network = build(spatial="gap", temporal="lstm", detach_temporal_input=detached)
    reached = {"temporal", "necks"} | (set() if detached else {"cnn", "transformer"})
    assert taught(network, [network(clips).parts["final"]]) == reached


@pytest.mark.parametrize(("branch", "other"), [("cnn", "transformer"), ("transformer", "cnn")])
@pytest.mark.parametrize("detached", [True, False])
def test_a_crossed_query_teaches_the_other_branch_only_where_it_is_not_cut(
    coupled, clips, branch, other, detached
):
    network = coupled[detached]
    part = network(clips).parts[f"cca_{branch}"]
    expected = {"spatial", "necks", branch} | (set() if detached else {other})
    assert taught(network, [part]) == expected


@pytest.mark.parametrize("branch", ["cnn", "transformer"])
def test_a_base_loss_teaches_its_own_backbone_alone(coupled, clips, branch):
    features = coupled[True](clips)
    losses = [features.frame_features[branch], features.parts[branch]]
    assert taught(coupled[True], losses) == {branch, "necks"}


def test_globals_before_the_necks_teach_no_neck(coupled, clips):
    features = coupled[True](clips)
    losses = [*features.frame_globals.values(), *features.tracklet_globals.values()]
    assert taught(coupled[True], losses) == {"cnn", "transformer", "spatial", "temporal"}


def test_the_biases_of_the_necks_are_frozen_at_zero(coupled):
    for neck in coupled[True].necks.values():
        assert not neck.norm.bias.requires_grad
        assert not neck.norm.bias.any()
