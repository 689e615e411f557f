"""Shapes and parameter counts of DCCT at the paper's size, where tensors have no content."""

import pytest
import torch
from torch.nn import functional

from model.dcct import DCCT
from model.dcct_config import DCCTConfig
from tests.parameter_count import all_parameters, profiled_parameters
from tests.tiny_models import TINY_WIDTHS, tiny_dcct

HEAVY = {"cnn": "densenet121", "transformer": "swin_large_patch4_window7_224"}
LIGHT = {"cnn": "mobilenetv2_100", "transformer": "deit_tiny_patch16_224"}
# CNN and Transformer: columns and grid of 256×128 pixels (spec §1.2).
PAIRS = {
    "default": ({}, (2048, (16, 8)), (768, (16, 8))),
    "light": (LIGHT, (1280, (8, 4)), (192, (16, 8))),
    "heavy": (HEAVY, (1024, (8, 4)), (1536, (8, 4))),
}


def on_meta(**settings):
    with torch.device("meta"):
        return DCCT(DCCTConfig.model_validate(settings)).eval()


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    backbones, cnn, transformer = PAIRS[request.param]
    return on_meta(**backbones), cnn, transformer


@pytest.mark.parametrize("frames", [8, 4])
def test_shapes_of_every_backbone_pair(pair, frames):
    network, (cnn, cnn_grid), (transformer, transformer_grid) = pair
    features = network(torch.empty(2, frames, 3, 256, 128, device="meta"))
    widths = {"cnn": cnn, "transformer": transformer}
    attended = {"cca_cnn": cnn, "cca_transformer": transformer}
    parts = {**widths, **attended, "final": cnn + transformer}
    for rows_of in (features.frame_globals, features.frame_features):
        assert {k: v.shape for k, v in rows_of.items()} == {
            name: (2, frames, width) for name, width in widths.items()
        }
    for rows_of in (features.tracklet_globals, features.parts):
        assert {k: v.shape for k, v in rows_of.items()} == {
            name: (2, width) for name, width in parts.items()
        }
    grids = {"cnn": cnn_grid, "transformer": transformer_grid}
    assert {k: v.shape for k, v in features.attention_maps.items()} == {
        f"{branch}_{head}": (2, frames, *grid)
        for branch, grid in grids.items()
        for head in ("self", "cross")
    }


def test_the_default_pair_has_the_parameters_of_the_specification():
    network = on_meta()
    assert {name: all_parameters(module) for name, module in network.named_children()} == {
        "cnn": 23_508_032,
        "transformer": 85_746_432,
        "spatial": 19_664_896 + 3_442_176,
        "temporal": 101_925_888,
        "necks": 3 * 2 * 2816,
    }
    # All that learns, less the three bias-free classifiers of 625 identities over 2816 columns.
    assert all_parameters(network) == 239_584_320 - 3 * 625 * 2816


@pytest.mark.parametrize(
    ("settings", "mebi"),
    [
        ({"transformer": None, "spatial": "gap", "temporal": "tap"}, 22.4229),
        ({"cnn": None, "spatial": "gap", "temporal": "tap"}, 81.6438),
        ({"spatial": "gap", "temporal": "tap"}, 104.0667),
        ({"preset": "paper", "temporal": "tap"}, 125.5408),
        ({"temporal": "tap"}, 126.1033),
        ({"preset": "paper"}, 222.5999),
    ],
)
def test_every_row_of_table_v_has_the_parameters_that_its_profiler_saw(settings, mebi):
    assert round(profiled_parameters(on_meta(**settings)) / 2**20, 4) == mebi


@pytest.mark.parametrize(
    ("backbones", "cnn", "transformer", "coupled"),
    [
        (LIGHT, 2_223_872, 5_511_360, 7_784_448 + 30_765_824),
        (HEAVY, 6_953_856, 194_987_988, 16_908_288 + 79_742_976),
    ],
)
def test_the_other_pairs_have_the_parameters_of_the_specification(
    backbones, cnn, transformer, coupled
):
    network = on_meta(**backbones)
    assert all_parameters(network.cnn) == cnn
    assert all_parameters(network.transformer) == transformer
    assert profiled_parameters(network.spatial) + profiled_parameters(network.temporal) == coupled


def test_the_reference_preset_aggregates_512_columns_of_each_branch():
    network = on_meta(preset="reference")
    assert network.part_dimensions["final"] == 1024
    assert round(profiled_parameters(network.temporal) / 2**20, 2) == 24.65


def tiny_on_meta(**settings):
    with torch.device("meta"):
        return DCCT(tiny_dcct(**settings)).eval()


def tiny_parts(network):
    """Columns of the parts that come out."""
    features = network(torch.empty(1, 4, 3, 64, 32, device="meta"))
    return {name: rows.shape[1] for name, rows in features.parts.items()}


@pytest.mark.parametrize("branch", ["cnn", "transformer"])
def test_an_attention_ratio_changes_its_own_branch(branch):
    network = tiny_on_meta(cca={f"{branch}_ffn_ratio": 0.25})
    hidden = {name: attention.expand.out_features for name, attention in network.spatial.items()}
    assert hidden == {**TINY_WIDTHS, branch: TINY_WIDTHS[branch] // 4}


@pytest.mark.parametrize(
    ("removed", "heads"), [("self_heads", ["cross"]), ("cross_heads", ["self"])]
)
def test_a_removed_head_is_not_built_in_either_branch(removed, heads):
    network = tiny_on_meta(cca={removed: False})
    maps = network(torch.empty(1, 2, 3, 64, 32, device="meta")).attention_maps
    assert list(maps) == [f"{branch}_{head}" for branch in TINY_WIDTHS for head in heads]


@pytest.mark.parametrize("order", ["folded", "projected"])
@pytest.mark.parametrize("detached", [True, False])
def test_settings_of_the_attention_reach_both_branches(order, detached):
    network = tiny_on_meta(cca={"order": order, "detach_cross_query": detached})
    for attention in network.spatial.values():
        assert attention.detach_cross_query == detached
        assert {head.order for head in attention.heads.values()} == {order}


def test_settings_of_the_temporal_aggregation_reach_every_layer():
    hta = {"depth": 3, "align_dimension": 16, "ffn_ratios": (1.0, 2.0, 4.0), "activation": "gelu"}
    temporal = tiny_on_meta(clip_frames=5, hta=hta).temporal
    assert temporal.dimension == 32
    for name, width in (("cnn", 16), ("transformer", 16)):
        hidden = [block.expand.out_features for block in temporal.temporal[name]]
        assert hidden == [width, 2 * width, 4 * width]
    for block in temporal.aggregated:
        assert block.positions.shape == (1, 5, 32)
        assert block.activate is functional.gelu
    assert len(temporal.gates) == 2


@pytest.mark.parametrize(
    ("switch", "children"),
    [
        ("temporal_transformers", "temporal"),
        ("aggregated_transformer", "aggregated"),
        ("gated_attention", "gates"),
    ],
)
def test_a_part_of_the_temporal_aggregation_switched_off_is_not_built(switch, children):
    temporal = tiny_on_meta(hta={switch: False}).temporal
    built = {name for name in ("temporal", "aggregated", "gates") if len(getattr(temporal, name))}
    assert built == {"temporal", "aggregated", "gates"} - {children}


@pytest.mark.parametrize("spatial", ["gap", "sap", "cca"])
@pytest.mark.parametrize("temporal", ["tap", "lstm", "hta"])
def test_every_pair_of_aggregations_has_its_parts(spatial, temporal):
    network = tiny_on_meta(spatial=spatial, temporal=temporal)
    attended = {f"{spatial}_{name}": width for name, width in TINY_WIDTHS.items()}
    final = {"final": sum(TINY_WIDTHS.values())} if temporal != "tap" else {}
    expected = {**TINY_WIDTHS, **(attended if spatial != "gap" else {}), **final}
    assert tiny_parts(network) == network.part_dimensions == expected
    assert set(network.necks) == set(expected)


@pytest.mark.parametrize("branch", TINY_WIDTHS)
@pytest.mark.parametrize("spatial", ["gap", "sap", "cca"])
@pytest.mark.parametrize("temporal", ["tap", "lstm"])
def test_a_single_branch_has_its_own_parts_alone(branch, spatial, temporal):
    (other,) = TINY_WIDTHS.keys() - {branch}
    cca = {"cca": {"cross_heads": False}} if spatial == "cca" else {}
    network = tiny_on_meta(**{other: None}, spatial=spatial, temporal=temporal, **cca)
    attended = [f"{spatial}_{branch}"] if spatial != "gap" else []
    names = [branch, *attended, *(["final"] if temporal == "lstm" else [])]
    assert tiny_parts(network) == dict.fromkeys(names, TINY_WIDTHS[branch])
    assert not hasattr(network, other)
