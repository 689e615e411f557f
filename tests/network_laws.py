"""Laws that every network keeps, and a network of which no layer is trivial to see them by."""

import torch
from torch import nn

from model.features import embedding
from model.registry import build_model


def clips_of(tracklets, frames, *, seed=1):
    """Clips [b, t, 3, 64, 32]."""
    return torch.randn(
        tracklets, frames, 3, 64, 32, generator=torch.Generator().manual_seed(seed)
    ).double()


def lively_network(config):
    """In double precision and evaluation mode, every batch normalisation with a history.

    A fresh one has equal entries, and sometimes zeros, behind which mistakes hide.
    """
    torch.manual_seed(0)
    network = build_model(config).double().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            enliven_norm(module)
    return network


def enliven_norm(norm):
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.running_mean, std=0.1)
    nn.init.uniform_(norm.running_var, 0.5, 1.5)
    if norm.bias.requires_grad:
        nn.init.normal_(norm.bias, std=0.1)


def tensors_of(features):
    """Every tensor of `TrackletFeatures` by field and name."""
    return {
        f"{field}.{name}": tensor
        for field, group in features._asdict().items()
        for name, tensor in group.items()
    }


def assert_same_features(received, expected, *, atol=1e-9):
    torch.testing.assert_close(tensors_of(received), tensors_of(expected), atol=atol, rtol=0)


def assert_a_batch_equals_its_clips(network, clips):
    with torch.inference_mode():
        together = tensors_of(network(clips))
        alone = [tensors_of(network(clip[None])) for clip in clips]
    singles = {name: torch.cat([one[name] for one in alone]) for name in together}
    torch.testing.assert_close(together, singles, atol=1e-9, rtol=0)


def assert_forward_leaves_nothing_behind(network, clips):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        first = network(clips)
        network(clips[:1] * 3)
        again = network(clips)
    assert_same_features(again, first, atol=0)
    torch.testing.assert_close(dict(network.state_dict()), before, atol=0, rtol=0)


def assert_shapes_match_the_declared_parts(network, clips):
    tracklets, frames = clips.shape[:2]
    with torch.inference_mode():
        features = network(clips)
    columns = network.part_dimensions
    assert list(features.parts) == list(columns)
    assert list(features.tracklet_globals) == list(columns)
    for name, tensor in tensors_of(features).items():
        field, part = name.split(".")
        if field in {"parts", "tracklet_globals"}:
            assert tensor.shape == (tracklets, columns[part])
        elif field != "attention_maps":
            assert tensor.shape == (tracklets, frames, columns[part])


def assert_compiles_whole(network, clips):
    """One graph, same numbers."""
    torch._dynamo.reset()
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert_same_features(compiled(clips), network(clips))


def assert_runs_in_bfloat16(network, clips):
    """Under autocast, close to what single precision gives."""
    network = network.float()
    parts = network.embedding_parts
    with torch.inference_mode():
        exact = network(clips.float()).parts
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = network(clips.float()).parts
    vectors = [embedding({name: found[name].float() for name in parts}) for found in (exact, rough)]
    assert (vectors[0] * vectors[1]).sum(dim=1).min() > 0.9998  # another clip: 0.997
