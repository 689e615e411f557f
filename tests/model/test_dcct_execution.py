"""DCCT computes the same wherever it runs: compiled, in half precision, on another device."""

import pytest
import torch
from torch.nn import functional

from model.dcct import DCCT
from tests.tiny_models import tiny_dcct

SPATIAL_AND_TEMPORAL = [("cca", "hta"), ("sap", "lstm"), ("gap", "tap")]


@pytest.fixture(scope="module")
def clips():
    return torch.randn(2, 4, 3, 64, 32, generator=torch.Generator().manual_seed(1))


def build(spatial, temporal):
    torch.manual_seed(0)
    return DCCT(tiny_dcct(spatial=spatial, temporal=temporal)).eval()


@torch.no_grad()
@pytest.mark.parametrize(("spatial", "temporal"), SPATIAL_AND_TEMPORAL[:2])
def test_the_compiled_network_equals_the_eager_one_without_graph_breaks(spatial, temporal, clips):
    network = build(spatial, temporal)
    torch.compiler.reset()
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    # The compiler takes an LSTM only when told to.
    with torch._dynamo.config.patch(allow_rnn=temporal == "lstm"):
        outputs = compiled(clips)
    for received, expected in zip(outputs, network(clips), strict=True):
        assert received.keys() == expected.keys()
        for name, rows in expected.items():
            torch.testing.assert_close(received[name], rows, atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("spatial", "temporal"), SPATIAL_AND_TEMPORAL)
def test_half_precision_stays_close(spatial, temporal, clips):
    network = build(spatial, temporal)
    expected = network(clips)
    with torch.autocast("cpu", torch.bfloat16):
        received = network(clips)
    for name, rows in expected.parts.items():
        assert functional.cosine_similarity(received.parts[name].float(), rows).min() > 0.99
    for name, rows in expected.attention_maps.items():
        torch.testing.assert_close(received.attention_maps[name].float(), rows, atol=0.02, rtol=0)


def test_training_in_half_precision_has_finite_gradients(clips):
    network = build("cca", "hta").train()
    with torch.autocast("cpu", torch.bfloat16):
        parts = network(clips).parts
    sum(rows.float().square().sum() for rows in parts.values()).backward()
    for parameter in network.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("spatial", ["gap", "cca"])
def test_a_transformer_without_a_class_token_gives_the_mean_of_its_patches(spatial):
    torch.manual_seed(0)
    settings = {"transformer": "swin_tiny_patch4_window7_224", "temporal": "tap"}
    network = DCCT(tiny_dcct(**settings, spatial=spatial, height=64, width=64)).eval()
    clips = torch.randn(1, 2, 3, 64, 64)
    patches = network.transformer(clips[0]).patches
    features = network(clips)
    assert patches.shape == (2, 4, 768)
    torch.testing.assert_close(features.frame_globals["transformer"][0], patches.mean(1))
    for head in ("self", "cross") if spatial == "cca" else ():
        assert features.attention_maps[f"transformer_{head}"].shape == (1, 2, 2, 2)


@pytest.mark.gpu
@torch.no_grad()
@pytest.mark.parametrize(("spatial", "temporal"), SPATIAL_AND_TEMPORAL)
def test_a_gpu_computes_what_the_cpu_computes(spatial, temporal, clips):
    network = build(spatial, temporal)
    expected = network(clips)
    received = network.to("cuda")(clips.to("cuda"))
    for name, rows in expected.parts.items():
        torch.testing.assert_close(received.parts[name].cpu(), rows, atol=1e-2, rtol=1e-2)
        cosine = functional.cosine_similarity(received.parts[name].cpu(), rows)
        assert cosine.min() > 0.9999


@pytest.mark.gpu
@torch.no_grad()
@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision_on_a_gpu_stays_close(precision, clips):
    network = build("cca", "hta")
    expected = network(clips)
    with torch.autocast("cuda", precision):
        received = network.to("cuda")(clips.to("cuda"))
    for name, rows in expected.parts.items():
        cosine = functional.cosine_similarity(received.parts[name].float().cpu(), rows)
        assert cosine.min() > 0.99
