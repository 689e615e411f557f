"""Layer-wise rates: the nearer a layer of a backbone is to the pixels, the slower it learns."""

from timm.models import group_parameters
from torch import nn

from model.tracklet_network import TrackletNetwork


def layer_scales(network: TrackletNetwork, decay: float) -> dict[nn.Parameter, float]:
    """Factor of the rate of every backbone parameter: decay^(depth of the last layer - its depth).

    Depths are timm's own (stem, then one per block); a backbone's last layer keeps its full rate.
    Parameters that are absent here, such as those of new layers, keep theirs too.

    Raises:
        ValueError: When no backbone knows its layers.
    """
    scales: dict[nn.Parameter, float] = {}
    for module in network.modules():
        matcher = getattr(module, "group_matcher", None)
        if matcher is None:
            continue
        depths = group_parameters(module, matcher(coarse=False), reverse=True)
        last = max(depths.values())
        for name, parameter in module.named_parameters():
            scales[parameter] = decay ** (last - depths[name])
    if not scales:
        raise ValueError(
            "expected a backbone whose layers timm can tell apart for optimizer.layer_decay, "
            "received none; leave layer_decay out"
        )
    return scales
