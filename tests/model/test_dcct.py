import copy
import re

import pytest
import torch

from model.dcct import DCCT
from model.dcct_config import DCCTConfig
from model.features import embedding
from tests.tiny_models import TINY_CNN, TINY_TRANSFORMER, TINY_WIDTHS, tiny_dcct


@pytest.fixture(scope="module")
def clips():
    return torch.randn(3, 4, 3, 64, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def full():
    """With both aggregations, and norms far enough from fresh for their absence to show."""
    torch.manual_seed(0)
    network = DCCT(tiny_dcct()).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return network


@pytest.fixture(scope="module", params=["student", "full", "light pair"])
def network(request, full, small_full_network):
    student = rebuilt(full, **full.config.student().model_dump())
    return {"student": student, "full": full, "light pair": small_full_network}[request.param]


def rebuilt(network, **changes):
    """Another configuration of a network on the very same tensors."""
    with torch.device("meta"):
        other = DCCT(DCCTConfig.model_validate({**network.config.model_dump(), **changes}))
    shared = network.state_dict()
    other.load_state_dict({key: shared[key] for key in other.state_dict()}, assign=True)
    return other.eval()


def close(received, expected, tolerance=1e-4):
    assert received.keys() == expected.keys()
    for name, rows in expected.items():
        torch.testing.assert_close(
            received[name], rows, atol=tolerance, rtol=tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )


@torch.inference_mode()
def test_shapes_of_every_output(full, clips):
    features = full(clips)
    cnn, transformer = TINY_WIDTHS["cnn"], TINY_WIDTHS["transformer"]
    attended = {"cca_cnn": cnn, "cca_transformer": transformer}
    dimensions = {**TINY_WIDTHS, **attended, "final": cnn + transformer}
    assert full.part_dimensions == dimensions
    shapes = {name: (3, dimension) for name, dimension in dimensions.items()}
    of_frames = {name: (3, 4, width) for name, width in TINY_WIDTHS.items()}
    assert {k: v.shape for k, v in features.tracklet_globals.items()} == shapes
    assert {k: v.shape for k, v in features.parts.items()} == shapes
    assert {k: v.shape for k, v in features.frame_globals.items()} == of_frames
    assert {k: v.shape for k, v in features.frame_features.items()} == of_frames
    assert {k: v.shape for k, v in features.attention_maps.items()} == {
        "cnn_self": (3, 4, 2, 1),
        "cnn_cross": (3, 4, 2, 1),
        "transformer_self": (3, 4, 4, 2),
        "transformer_cross": (3, 4, 4, 2),
    }
    assert full.embed(clips).shape == (3, 3 * (cnn + transformer))


@torch.inference_mode()
def test_attention_maps_sum_to_one_over_a_frame(full, clips):
    for rows in full(clips).attention_maps.values():
        torch.testing.assert_close(rows.sum((2, 3)), torch.ones(3, 4))


@torch.inference_mode()
def test_a_batch_equals_its_tracklets_one_by_one(network, clips):
    alone = [network(clip[None]).parts for clip in clips]
    joined = {name: torch.cat([parts[name] for parts in alone]) for name in alone[0]}
    close(network(clips).parts, joined)


@torch.inference_mode()
def test_the_order_of_tracklets_moves_the_outputs_along(network, clips):
    order = torch.tensor([2, 0, 1])
    straight, shuffled = network(clips), network(clips[order])
    for received, expected in zip(shuffled, straight, strict=True):
        close(received, {name: rows[order] for name, rows in expected.items()})


@torch.inference_mode()
def test_the_order_of_frames_matters_to_the_final_part_alone(full, clips):
    forward, backward = full(clips).parts, full(clips.flip(1)).parts
    final = forward.pop("final"), backward.pop("final")
    close(backward, forward)
    assert (final[0] - final[1]).abs().mean() > 1e-3


@torch.inference_mode()
def test_forward_leaves_nothing_behind(network, clips):
    state = {key: value.clone() for key, value in network.state_dict().items()}
    first = network(clips)
    network(clips[:1, :2] * 3)
    for received, expected in zip(network(clips), first, strict=True):
        close(received, expected, tolerance=0)
    close(network.state_dict(), state, tolerance=0)


@torch.inference_mode()
@pytest.mark.parametrize("length", [1, 2, 7])
def test_clips_of_any_length_are_defined(network, clips, length):
    longer = torch.cat([clips, clips], dim=1)[:, :length]
    for rows in network(longer).parts.values():
        assert rows.isfinite().all()


@torch.inference_mode()
def test_tracklet_globals_are_means_over_frames(full, clips):
    features = full(clips)
    for name, frames in features.frame_globals.items():
        torch.testing.assert_close(features.tracklet_globals[name], frames.mean(1))


@torch.inference_mode()
def test_every_part_is_its_tracklet_global_behind_its_neck(full, clips):
    features = full(clips)
    necked = {name: full.necks[name](rows) for name, rows in features.tracklet_globals.items()}
    close(features.parts, necked)
    for name, frames in features.frame_globals.items():
        torch.testing.assert_close(features.frame_features[name], full.necks[name](frames))


@torch.inference_mode()
def test_base_parts_before_their_necks_are_the_globals_and_others_stay_behind_theirs(full, clips):
    early = rebuilt(full, pre_bn_base=True)(clips)
    late = full(clips)
    base = {name: late.tracklet_globals[name] for name in ("cnn", "transformer")}
    close(early.parts, {**late.parts, **base})
    close(early.frame_features, late.frame_features)


@torch.inference_mode()
def test_a_silent_attention_reduces_to_the_global_mean(full, clips):
    network = copy.deepcopy(rebuilt(full, transformer_global="gap"))
    for attention in network.spatial.values():
        torch.nn.init.zeros_(attention.contract.weight)
        for head in attention.heads.values():
            torch.nn.init.zeros_(head.value.weight)
    means = network(clips).tracklet_globals
    for branch in ("cnn", "transformer"):
        torch.testing.assert_close(means[f"cca_{branch}"], means[branch])


@torch.inference_mode()
def test_the_cross_head_asks_with_the_other_branchs_frame_global(full, clips):
    asked = {}
    hooks = [
        attention.register_forward_pre_hook(
            lambda _, inputs, name=name: asked.update({name: inputs[1]})
        )
        for name, attention in full.spatial.items()
    ]
    frame_globals = full(clips).frame_globals
    for hook in hooks:
        hook.remove()
    assert torch.equal(asked["cnn"], frame_globals["transformer"].flatten(0, 1))
    assert torch.equal(asked["transformer"], frame_globals["cnn"].flatten(0, 1))


@torch.inference_mode()
def test_the_transformer_global_is_the_class_token_or_the_mean_of_patches(full, clips):
    tokens = full.transformer(clips.flatten(0, 1))
    expected = {"cls": tokens.class_token, "gap": tokens.patches.mean(1)}
    expected["auto"] = expected["cls"]
    for choice, rows in expected.items():
        network = rebuilt(full, transformer_global=choice)
        received = network(clips).frame_globals["transformer"]
        torch.testing.assert_close(received, rows.reshape(3, 4, -1))


@torch.inference_mode()
def test_attended_tokens_are_the_cells_of_the_map_row_by_row_without_the_class_token():
    network = DCCT(tiny_dcct(height=96, width=64)).eval()
    clips, seen = torch.randn(1, 2, 3, 96, 64), {}
    for name, attention in network.spatial.items():
        attention.register_forward_hook(
            lambda _, inputs, output, name=name: seen.update({name: (inputs[0], output.maps)})
        )
    maps = network(clips).attention_maps
    feature_map, patches = network.cnn(clips[0]), network.transformer(clips[0]).patches
    assert feature_map.shape[2:] == (3, 2)
    for row in range(3):
        for column in range(2):
            torch.testing.assert_close(
                seen["cnn"][0][:, 2 * row + column], feature_map[:, :, row, column]
            )
            for head in ("self", "cross"):
                assert torch.equal(
                    maps[f"cnn_{head}"][0, :, row, column],
                    seen["cnn"][1][head][:, 2 * row + column],
                )
    assert patches.shape[1] == 24
    torch.testing.assert_close(seen["transformer"][0], patches)


@torch.inference_mode()
@pytest.mark.parametrize("detached", [True, False])
def test_detaching_changes_no_value(full, clips, detached):
    cca = {**full.config.cca.model_dump(), "detach_cross_query": detached}
    other = rebuilt(full, detach_temporal_input=detached, cca=cca)
    close(other(clips).parts, full(clips).parts, tolerance=0)


@torch.inference_mode()
def test_depth_0_is_the_plain_mean_over_frames(full, clips):
    plain = rebuilt(full, temporal="tap", hta={})
    nothing = rebuilt(full, hta={"depth": 0})
    assert nothing.state_dict().keys() == plain.state_dict().keys()
    assert "final" not in nothing.part_dimensions
    close(nothing(clips).parts, plain(clips).parts, tolerance=0)


@torch.inference_mode()
def test_the_student_has_the_base_parts_of_the_full_model(full, clips):
    config = full.config.student()
    student = rebuilt(full, **config.model_dump())
    assert student.config == config
    parts = full(clips).parts
    assert list(student.part_dimensions) == ["cnn", "transformer"]
    close(student(clips).parts, {name: parts[name] for name in ("cnn", "transformer")})


@torch.inference_mode()
@pytest.mark.parametrize(
    ("groups", "pre_bn_base"),
    [(None, True), (["base"], False), (["cnn"], True), (["cca", "base"], False)],
)
def test_parts_of_frames_average_to_the_parts_of_their_tracklet(full, clips, groups, pre_bn_base):
    network = rebuilt(full, temporal="tap", hta={}, embedding=groups, pre_bn_base=pre_bn_base)
    assert network.batching_unit == "frame"
    of_frames = network.frame_parts(clips[0])
    assert {name: rows.shape[1] for name, rows in of_frames.items()} == network.embedding_dimensions
    assert tuple(of_frames) == network.embedding_parts
    parts = network(clips[:1]).parts
    expected = {name: parts[name] for name in network.embedding_parts}
    close({name: rows.mean(0, keepdim=True) for name, rows in of_frames.items()}, expected)


@torch.inference_mode()
def test_base_parts_of_frames_pay_for_no_attention(full, clips):
    network, calls = rebuilt(full, embedding=["base"]), []
    for attention in network.spatial.values():
        attention.register_forward_hook(lambda *_: calls.append(1))
    network.frame_parts(clips[0])
    assert calls == []


def test_a_model_that_retrieves_with_the_final_part_sees_clips(full, clips):
    assert full.batching_unit == "clip"
    message = (
        f"expected a model whose embedding is a mean over frames, received dcct of {TINY_CNN} "
        f"and {TINY_TRANSFORMER} at 64×32 with spatial cca, temporal hta, which sees clips of "
        "4 frames; give it clips, or take the backbones-only student of a DCCT"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        full.frame_parts(clips[0])


@torch.inference_mode()
@pytest.mark.parametrize("groups", [["final"], ["cca", "base"], ["transformer"]])
def test_the_embedding_holds_the_chosen_groups_in_their_order(full, clips, groups):
    network = rebuilt(full, embedding=groups)
    parts = network(clips).parts
    assert list(parts) == list(full.part_dimensions)
    chosen = {name: parts[name] for name in network.embedding_parts}
    torch.testing.assert_close(network.embed(clips), embedding(chosen))
    assert network.embedding_dimensions == {name: rows.shape[1] for name, rows in chosen.items()}


def test_a_class_token_that_does_not_exist_is_refused():
    swin = "swin_tiny_patch4_window7_224"
    config = tiny_dcct(transformer=swin, transformer_global="cls")
    message = (
        "expected a Transformer with a class token for transformer_global cls, received "
        f"{swin!r}, which has none; set transformer_global to auto or gap"
    )
    with pytest.raises(ValueError, match=re.escape(message)), torch.device("meta"):
        DCCT(config)
