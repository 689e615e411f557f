import torch

from model.features import embedding
from model.normalization import FrameNormalization
from training.export.network_graph import (
    FrameGraph,
    network_graph,
    network_runner,
    output_of,
    preprocessing_of,
)
from training.export.resizing import AntialiasedResize

OWN = (64, 32)


def frames_of(size, count=5):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, *size, 3), dtype=torch.uint8, generator=generator)


def test_mean_of_frame_features_part_by_part_is_the_tracklet_embedding(small_network):
    """The server's way to the embedding and the network's own are one."""
    frames = frames_of(OWN)
    with torch.inference_mode():
        pooled = FrameGraph(small_network, OWN).eval()(frames).mean(0, keepdim=True)
        parts = dict(
            zip(
                small_network.part_dimensions,
                pooled.split(list(small_network.part_dimensions.values()), dim=1),
                strict=True,
            )
        )
        clip = FrameNormalization()(frames)[None]
        expected = embedding(small_network(clip).parts)
    torch.testing.assert_close(embedding(parts), expected, atol=1e-5, rtol=0)


def test_frames_of_another_size_are_resized_inside(small_network):
    outer = (96, 40)
    frames = frames_of(outer)
    received = network_runner(network_graph(small_network, outer))(frames.numpy())
    assert preprocessing_of(small_network, outer).height == 96
    assert preprocessing_of(small_network, outer).width == 40
    with torch.inference_mode():
        inner = AntialiasedResize(outer, OWN)(FrameNormalization()(frames))
        expected = torch.cat(list(small_network.frame_parts(inner).values()), dim=1)
    torch.testing.assert_close(torch.from_numpy(received), expected, atol=1e-4, rtol=0)


def test_frames_of_the_networks_own_size_are_left_alone(small_network):
    graph = network_graph(small_network, OWN)
    assert not any(isinstance(module, AntialiasedResize) for module in graph.modules())
    assert preprocessing_of(small_network) == preprocessing_of(small_network, OWN)


def test_the_output_names_the_parts_in_their_order(small_network):
    output = output_of(small_network)
    assert [(part.name, part.dimension) for part in output.parts] == [
        ("cnn", 256),
        ("transformer", 64),
    ]
    assert (output.dimension, output.pooling) == (320, "mean")
