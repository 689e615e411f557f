import torch

from model.features import embedding
from model.normalization import FrameNormalization
from training.export.network_graph import FrameGraph


def test_mean_of_frame_features_part_by_part_is_the_tracklet_embedding(small_network):
    """The server's way to the embedding and the network's own are one."""
    frames = torch.randint(0, 256, (5, 64, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        pooled = FrameGraph(small_network).eval()(frames).mean(0, keepdim=True)
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
