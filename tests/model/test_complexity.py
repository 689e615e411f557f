from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from model.complexity import REMAINDER, Complexity, Cost, measure_complexity, measure_modules
from model.dcct_config import DCCTConfig
from model.related.grl import GRLConfig
from model.related.nvan import NVANConfig, STENVANConfig
from tests.small_models import small_dcct


class HandMade(nn.Module):
    """Every rule of both conventions, at sizes that can be counted by hand."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(4, 6, 3, padding=1, groups=2)
        self.norms = nn.ModuleList([nn.BatchNorm2d(6), nn.LayerNorm(6)])
        self.twice = nn.Linear(6, 6)
        self.idle = nn.Linear(6, 6)
        self.layers = nn.ModuleList([nn.Linear(6, 3, bias=False)])
        self.scale = nn.Parameter(torch.ones(6))

    def forward(self, images):
        seen = self.norms[0](self.convolution(images)).flatten(2).transpose(1, 2)
        tokens = (self.twice(self.twice(self.norms[1](seen))) * self.scale).unsqueeze(1)
        attended = functional.scaled_dot_product_attention(tokens, tokens, tokens)
        return self.layers[0](attended[:, 0])


# 2 images of 5×5 = 25 tokens; 6 columns.
CONVOLUTION = 2 * 6 * 25 * (4 // 2) * 9
TWICE = 2 * (2 * 25 * 6 * 6)
DOWN = 2 * 25 * 6 * 3
ATTENTION = 2 * (2 * 25 * 25 * 6)


def hand_made(convention, device="meta"):
    with torch.device(device):
        network = HandMade().eval()
        return measure_modules(network, torch.empty(2, 4, 5, 5), convention=convention)


# A real device may fuse attention, out of sight of a counter of products.
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_the_true_convention_counts_products_and_all_parameters(device):
    assert hand_made("true", device) == {
        "convolution": Cost(CONVOLUTION, 6 * 2 * 9 + 6),
        "norms": Cost(0, 2 * 2 * 6),
        "twice": Cost(TWICE, 42),
        "idle": Cost(0, 42),
        "layers.0": Cost(DOWN, 18),
        REMAINDER: Cost(ATTENTION, 6),
    }


def test_the_paper_convention_counts_what_its_profiler_saw():
    assert hand_made("paper") == {
        "convolution": Cost(CONVOLUTION + 2 * 6 * 25, 6 * 2 * 9 + 6),
        "norms": Cost(2 * (2 * 6 * 25), 2 * 6),
        "twice": Cost(TWICE, 42),
        "layers.0": Cost(DOWN, 18),
    }


class Shared(nn.Module):
    """A layer that two modules call, and that calls nothing of its own."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(4, 4, bias=False))
        self.second = nn.Sequential(self.first[0], nn.Linear(4, 2, bias=False))

    def forward(self, rows):
        return self.second(self.first(rows))


@pytest.mark.parametrize("convention", ["true", "paper"])
def test_a_shared_layer_works_for_its_caller_and_is_owned_once(convention):
    costs = measure_modules(Shared(), torch.zeros(3, 4), convention=convention)
    assert costs == {"first": Cost(3 * 16, 16), "second": Cost(3 * (16 + 8), 8)}


@pytest.mark.parametrize("convention", ["true", "paper"])
def test_a_layer_called_past_its_parent_belongs_to_its_parent(convention):
    class Reaching(Shared):
        def forward(self, rows):
            return self.first[0](rows) + self.first(rows)

    costs = measure_modules(Reaching(), torch.zeros(3, 4), convention=convention)
    assert costs["first"] == Cost(2 * 3 * 16, 16)


@pytest.mark.parametrize("convention", ["true", "paper"])
def test_measuring_leaves_no_hooks(convention):
    network = HandMade().eval()
    measure_modules(network, torch.zeros(1, 4, 5, 5), convention=convention)
    assert not any(module._forward_hooks for module in network.modules())
    assert not any(module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("convention", ["true", "paper"])
def test_modules_sum_to_the_total_and_have_the_names_of_the_figure(convention):
    measured = measure_complexity(small_dcct(), convention=convention)
    assert list(measured.modules) == [
        "cnn", "transformer", "spatial.cnn", "spatial.transformer", "temporal", "necks",
    ]  # fmt: skip
    assert sum(cost.macs for cost in measured.modules.values()) == measured.total.macs
    assert sum(cost.params for cost in measured.modules.values()) == measured.total.params


def test_work_on_frames_doubles_with_the_clip():
    short = measure_complexity(small_dcct(clip_frames=4), convention="true").modules
    long = measure_complexity(small_dcct(clip_frames=8), convention="true").modules
    for name in ("cnn", "transformer", "spatial.cnn", "spatial.transformer"):
        assert long[name] == Cost(2 * short[name].macs, short[name].params)


def test_units_of_both_conventions():
    size = {"clip_frames": 1, "height": 1, "width": 1, "total": Cost(0, 0), "modules": {}}
    true = Complexity(convention="true", **size)
    assert true.flops_g(Cost(10**9, 0)) == 1
    assert true.params_m(Cost(0, 10**6)) == 1
    paper = Complexity(convention="paper", **size)
    assert paper.flops_g(Cost(10**10, 0)) == 1
    assert paper.params_m(Cost(0, 2**20)) == 1


def test_the_clip_has_the_size_of_the_configuration():
    measured = measure_complexity(small_dcct(clip_frames=3), convention="true")
    assert (measured.clip_frames, measured.height, measured.width) == (3, 64, 32)


def test_no_weights_are_read_or_fetched():
    config = small_dcct(pretrained=True)
    absent = config.model_copy(update={"cnn_weights": Path("absent.safetensors")})
    expected = measure_complexity(small_dcct(), convention="true").total
    assert measure_complexity(absent, convention="true").total == expected


def test_an_impossible_network_is_refused_by_the_model():
    with pytest.raises(ValueError, match="expected the name of a timm network, received 'resnt'"):
        measure_complexity(small_dcct(cnn="resnt"), convention="true")


def test_the_order_of_content_attention_changes_the_true_cost_alone():
    folded, projected = (
        {
            convention: measure_complexity(small_dcct(cca={"order": order}), convention=convention)
            for convention in ("true", "paper")
        }
        for order in ("folded", "projected")
    )
    assert folded["true"].total.macs < projected["true"].total.macs
    assert folded["true"].total.params == projected["true"].total.params
    assert folded["paper"] == projected["paper"]


def test_an_lstm_is_counted():
    lstm = measure_complexity(small_dcct(temporal="lstm"), convention="true").modules["temporal"]
    width = 1280 + 192
    assert lstm.macs == 4 * (4 * 2 * width * width)  # frames × gates × (input and state)


@pytest.mark.parametrize(
    ("branch", "backbone", "params", "gmacs_per_frame"),
    [
        ("cnn", "mobilenetv2_100", 2_223_872, 0.196),
        ("cnn", "densenet121", 6_953_856, 1.850),
        # The specification leaves out attention's products: 12 blocks, 129 tokens, 192 columns.
        ("transformer", "deit_tiny_patch16_224", 5_511_360, 0.704 + 12 * 2 * 129**2 * 192 / 1e9),
    ],
)
def test_backbones_cost_what_the_specification_says(branch, backbone, params, gmacs_per_frame):
    other = "transformer" if branch == "cnn" else "cnn"
    config = DCCTConfig.model_validate(
        {branch: backbone, other: None, "spatial": "gap", "temporal": "tap", "clip_frames": 1}
    )
    cost = measure_complexity(config, convention="true").modules[branch]
    assert cost.params == params
    assert cost.macs / 1e9 == pytest.approx(gmacs_per_frame, abs=6e-4)


@pytest.fixture(scope="module")
def full():
    config = DCCTConfig.model_validate({"cca": {"order": "projected"}})
    return measure_complexity(config, convention="true")


def test_the_full_model_costs_what_the_specification_says(full):
    gmacs = {name: cost.macs / 1e9 for name, cost in full.modules.items()}
    assert gmacs == {
        "cnn": pytest.approx(32.426, abs=5e-4),
        "transformer": pytest.approx(90.710, abs=5e-4),
        "spatial.cnn": pytest.approx(8.684, abs=5e-4),
        "spatial.transformer": pytest.approx(1.228, abs=5e-4),
        "temporal": pytest.approx(0.760, abs=5e-4),
        "necks": 0,
    }
    assert full.total.macs / 1e9 == pytest.approx(133.81, abs=5e-3)


def test_the_full_model_has_the_parameters_of_the_specification(full):
    assert {name: cost.params for name, cost in full.modules.items()} == {
        "cnn": 23_508_032,
        "transformer": 85_746_432,
        "spatial.cnn": 19_664_896,
        "spatial.transformer": 3_442_176,
        "temporal": 101_925_888,
        "necks": 3 * 2 * 2816,
    }


def test_the_student_costs_the_backbones():
    student = measure_complexity(DCCTConfig().student(), convention="true")
    assert student.total.macs / 1e9 == pytest.approx(123.14, abs=5e-3)
    assert student.total.params == 109_254_464 + 2 * 2816


def test_folding_makes_content_attention_cheap():
    modules = measure_complexity(DCCTConfig(), convention="true").modules
    assert (modules["spatial.cnn"].macs + modules["spatial.transformer"].macs) / 1e9 < 0.25


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_temporal_aggregation_has_the_closed_form_of_the_specification(depth):
    config = DCCTConfig.model_validate({"hta": {"depth": depth, "gated_attention": depth > 1}})
    c, t, f = 2048, 768, 2816
    squares = c * c + t * t + f * f
    expected = depth * (3.5 * squares + 8.5 * f) + (depth - 1) * (squares + 3 * f)
    assert measure_complexity(config, convention="paper").modules["temporal"].params == expected


def test_nvan_and_ste_nvan_cost_what_the_specification_says():
    nvan = measure_complexity(NVANConfig(), convention="true").total.macs
    reduced = measure_complexity(STENVANConfig(), convention="true").total.macs
    assert nvan / 1e9 == pytest.approx(63.565, abs=5e-4)
    assert reduced / 1e9 == pytest.approx(17.692, abs=5e-4)
    assert 100 * (1 - reduced / nvan) == pytest.approx(72.2, abs=0.5)


def test_grl_costs_what_the_specification_says():
    macs = {
        name: cost.macs / 1e9
        for name, cost in measure_complexity(GRLConfig(), convention="true").modules.items()
    }
    assert macs["backbone"] == pytest.approx(32.43, abs=5e-3)
    assert macs["correlation"] == pytest.approx(3.49, abs=5e-3)
    assert macs["reciprocal"] == pytest.approx(22.02, abs=5e-3)
    # The specification's sum leaves out the temporal attention: two projections of 8 frames.
    assert sum(macs.values()) - macs["temporal_attention"] == pytest.approx(57.94, abs=5e-3)
    assert macs["temporal_attention"] == pytest.approx(2 * 8 * 2048 * 512 / 1e9, rel=0.01)
