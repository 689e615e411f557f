import pytest
import torch

from model.complexity import measure_complexity
from model.layers.nonlocal_block import NonlocalBlock
from model.registry import build_model, parse_config
from model.related.nvan import NVAN, NVANConfig, STENVANConfig
from tests.gradient_probe import backward_through, untaught_parameters
from tests.network_laws import (
    assert_a_batch_equals_its_clips,
    assert_compiles_whole,
    assert_forward_leaves_nothing_behind,
    assert_runs_in_bfloat16,
    assert_shapes_match_the_declared_parts,
    clips_of,
    lively_network,
)

SIZE = {"height": 64, "width": 32, "backbone": "test_resnet", "clip_frames": 4}


def small(**changes):
    return NVANConfig.model_validate({**SIZE, "nonlocal_blocks": (1, 1), **changes})


def small_ste(**changes):
    return STENVANConfig.model_validate(
        {**SIZE, "nonlocal_blocks": (1, 1), "stripes": 4, **changes}
    )


VARIANTS = {
    "nvan": small(),
    "spatial": small(stripes=4),
    "temporal": small(temporal_reduction=True),
    "pairs": small(attention="pairs"),
    "ste": small_ste(),
    "ste-pairs": small_ste(attention="pairs"),
}


@pytest.fixture(params=VARIANTS)
def network(request):
    return lively_network(VARIANTS[request.param])


@pytest.fixture(scope="module")
def clips():
    return clips_of(3, 4)


def part(network, clips):
    with torch.inference_mode():
        return network(clips).parts["clip"]


def assert_same(received, expected):
    torch.testing.assert_close(received, expected, atol=1e-9, rtol=0)


def assert_different(received, other):
    assert (received - other).abs().max() > 1e-6


def put_at_the_start(network):
    for module in network.modules():
        if isinstance(module, NonlocalBlock):
            module.load_state_dict(NonlocalBlock(module.norm.num_features).state_dict())


def test_the_clip_is_the_only_part(network, clips):
    assert_shapes_match_the_declared_parts(network, clips)
    assert network.part_dimensions == {"clip": 96}
    assert network.batching_unit == "clip"
    with torch.inference_mode():
        features = network(clips)
        assert_same(network.neck(features.tracklet_globals["clip"]), features.parts["clip"])
    assert not features.frame_features
    assert not features.attention_maps


def test_a_batch_equals_its_clips(network, clips):
    assert_a_batch_equals_its_clips(network, clips)


def test_forward_leaves_nothing_behind(network, clips):
    assert_forward_leaves_nothing_behind(network, clips)


def test_it_runs_in_bfloat16(network, clips):
    assert_runs_in_bfloat16(network, clips)


@pytest.mark.parametrize("variant", ["nvan", "ste-pairs"])
def test_it_compiles_as_one_graph(clips, variant):
    assert_compiles_whole(lively_network(VARIANTS[variant]), clips)


def test_untouched_non_local_blocks_leave_the_resnet_and_a_mean(clips):
    """Its stem rectifies, as that of the backbone does."""
    network = lively_network(VARIANTS["nvan"])
    put_at_the_start(network)
    with torch.inference_mode():
        maps = network.backbone(clips.flatten(0, 1)).unflatten(0, (3, 4))
        received = network(clips).tracklet_globals["clip"]
    assert_same(received, maps.mean(dim=(1, 3, 4)))


def test_without_reduction_the_order_of_frames_does_not_matter(clips):
    for variant in ("nvan", "spatial"):
        network = lively_network(VARIANTS[variant])
        assert_same(part(network, clips[:, [2, 0, 3, 1]]), part(network, clips))


REDUCED = pytest.mark.parametrize("variant", ["ste", "temporal", "ste-pairs"])


@REDUCED
@pytest.mark.parametrize(
    "order",
    [
        pytest.param([1, 0, 2, 3, 4, 5, 7, 6], id="frames-of-a-pair"),
        pytest.param([2, 3, 0, 1, 4, 5, 6, 7], id="pairs-of-a-four"),
        pytest.param([4, 5, 6, 7, 0, 1, 2, 3], id="fours"),
    ],
)
def test_what_is_reduced_together_may_swap(variant, order):
    network, clips = lively_network(VARIANTS[variant]), clips_of(1, 8)
    assert_same(part(network, clips[:, order]), part(network, clips))


@REDUCED
@pytest.mark.parametrize(
    "order",
    [
        pytest.param([0, 2, 1, 3, 4, 5, 6, 7], id="frames-of-different-pairs"),
        pytest.param([0, 1, 4, 5, 2, 3, 6, 7], id="pairs-of-different-fours"),
    ],
)
def test_what_is_reduced_apart_may_not_swap(variant, order):
    network, clips = lively_network(VARIANTS[variant]), clips_of(1, 8)
    assert_different(part(network, clips[:, order]), part(network, clips))


def test_reduction_keeps_the_maximum_of_adjacent_frames(clips):
    """Without non-local blocks: after layer2, and what is left after layer3."""
    network = lively_network(small(nonlocal_blocks=(0, 0), temporal_reduction=True))
    timm_network = network.backbone.network
    with torch.inference_mode():
        maps = network._see(clips[0])
        maps = timm_network.layer2(maps)
        maps = torch.stack([maps[:2].amax(0), maps[2:].amax(0)])
        maps = timm_network.layer3(maps).amax(0, keepdim=True)
        expected = timm_network.layer4(maps).mean(dim=(2, 3))
        received = network(clips[:1]).tracklet_globals["clip"]
    assert_same(received, expected)


def test_attention_in_pairs_is_a_network_of_pairs(clips):
    """No frame sees more than its partner: a clip's feature is the mean of those of its pairs."""
    network = lively_network(VARIANTS["pairs"])
    pairs = [part(network, clips[:, start : start + 2]) for start in (0, 2)]
    assert_same(part(network, clips), (pairs[0] + pairs[1]) / 2)
    whole = lively_network(VARIANTS["nvan"])
    pairs = [part(whole, clips[:, start : start + 2]) for start in (0, 2)]
    assert_different(part(whole, clips), (pairs[0] + pairs[1]) / 2)


def test_non_local_blocks_follow_the_last_residual_blocks():
    with torch.device("meta"):
        network = build_model(NVANConfig(height=64, width=32)).eval()
    ran = []
    for name, module in network.named_modules():
        if type(module).__name__ in {"Bottleneck", "NonlocalBlock"}:
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    network(torch.empty(1, 4, 3, 64, 32, device="meta"))
    shown = [
        name.replace("backbone.network.", "").replace("nonlocal_blocks.", "NL ") for name in ran
    ]
    assert shown[3:-3] == [
        "layer2.0", "layer2.1", "layer2.2", "NL layer2.0", "layer2.3", "NL layer2.1",
        "layer3.0", "layer3.1", "layer3.2", "layer3.3", "NL layer3.0",
        "layer3.4", "NL layer3.1", "layer3.5", "NL layer3.2",
    ]  # fmt: skip


@pytest.mark.parametrize("variant", ["nvan", "ste"])
def test_training_teaches_all_but_the_biases_that_cancel(clips, variant):
    """Also the norm's before a bottleneck, which begins with normalised 1×1 convolutions."""
    network = lively_network(VARIANTS[variant]).train()
    backward_through(network(clips).parts.values())
    layers = {"layer2": ("key", "value", "output", "norm"), "layer3": ("key", "value", "output")}
    assert untaught_parameters(network, noise=1e-9) == [
        f"nonlocal_blocks.{stage}.0.{layer}.bias" for stage in layers for layer in layers[stage]
    ]


def test_at_the_start_non_local_blocks_learn_their_normalisation_alone(clips):
    network = lively_network(VARIANTS["nvan"]).train()
    put_at_the_start(network)
    backward_through(network(clips).parts.values())
    untaught = untaught_parameters(network)
    assert all(name.startswith("nonlocal_blocks.") for name in untaught)
    assert not any(".norm." in name for name in untaught)
    assert len(untaught) == 2 * 8  # weight and bias of θ, φ, g and the last convolution


def test_everything_learns_at_one_rate():
    with torch.device("meta"):
        network = build_model(small())
    assert set(NVAN.backbone_modules) == dict(network.named_children()).keys()


SPATIAL, TEMPORAL = {"stripes": 16}, {"temporal_reduction": True}


@pytest.mark.parametrize(
    ("config", "gmacs"),
    [
        (NVANConfig(), 63.565),
        (NVANConfig(**SPATIAL), 33.433),
        (NVANConfig(**TEMPORAL), 42.627),
        (STENVANConfig(attention="pairs"), 17.673),
        (STENVANConfig(), 17.692),
    ],
)
def test_cost_and_parameters_are_those_of_the_specification(config, gmacs):
    measured = measure_complexity(config, convention="true")
    assert measured.total.macs / 1e9 == pytest.approx(gmacs, abs=0.001)
    assert measured.total.params - measured.modules["neck"].params == 30_866_496


def test_ste_nvan_is_nvan_with_both_reductions():
    assert parse_config({"kind": "ste-nvan"}) == STENVANConfig()
    settings = STENVANConfig().model_dump(exclude={"kind"})
    assert NVANConfig(**settings).model_dump(exclude={"kind"}) == settings
    assert NVANConfig(**SPATIAL, **TEMPORAL).model_dump(exclude={"kind"}) == settings


def test_a_backbone_that_is_no_resnet_is_refused():
    with pytest.raises(
        ValueError, match="expected a timm ResNet with stages layer1 to layer4, received 'mobilenet"
    ):
        build_model(NVANConfig(backbone="mobilenetv2_100"))


def test_more_non_local_blocks_than_residual_ones_are_refused():
    with pytest.raises(
        ValueError,
        match="expected at most 1 nonlocal_blocks in layer3 of 'test_resnet', received 3",
    ):
        build_model(small(nonlocal_blocks=(1, 3)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"stripes": 3},
            "expected stripes that divide the 8 rows of layer2 at height 64, received 3",
        ),
        (
            {"stripes": 8},
            "expected stripes that divide the 4 rows of layer3 at height 64, received 8",
        ),
        ({"stripes": 0}, "greater than or equal to 1"),
        ({"nonlocal_blocks": (-1, 0)}, "greater than or equal to 0"),
        ({"attention": "pairs", "clip_frames": 5}, "a multiple of 2 frames, received 5"),
        ({"temporal_reduction": True, "clip_frames": 6}, "a multiple of 4 frames, received 6"),
        ({"nonlocal_blocks": (0, 0), "stripes": 4}, "expected some nonlocal_blocks for stripes or"),
        ({"nonlocal_blocks": (0, 0), "attention": "pairs"}, "set stripes to null and attention to"),
    ],
)
def test_an_impossible_configuration_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        small(**wrong)


def test_stripes_bind_only_the_stages_that_have_blocks():
    assert small(stripes=8, nonlocal_blocks=(1, 0)).stripes == 8


@pytest.mark.parametrize(("variant", "frames", "multiple"), [("ste", 6, 4), ("pairs", 3, 2)])
def test_a_clip_that_does_not_split_is_refused(variant, frames, multiple):
    network = lively_network(VARIANTS[variant])
    with pytest.raises(
        ValueError, match=f"expected clips of a multiple of {multiple} frames, received {frames}"
    ):
        network(clips_of(1, frames))


def test_plain_nvan_takes_any_number_of_frames():
    assert_shapes_match_the_declared_parts(lively_network(VARIANTS["nvan"]), clips_of(2, 3))
