"""Features as leaves of a loss's graph, and the gradients of their rows given back.

A loss such as batch-hard triplet needs the whole batch at once; a network does not. So the graph of
the loss stops at the features, and the gradient of each piece's rows is what the graph of that
piece is run backwards from. Nothing is approximated.
"""

import torch

from model.features import TrackletFeatures

Slopes = dict[tuple[str, str], torch.Tensor]


def as_leaves(features: TrackletFeatures) -> TrackletFeatures:
    """The same rows, each tensor a leaf that collects a gradient; attention maps stay behind."""
    learned = features._replace(attention_maps={})
    return TrackletFeatures(
        *(
            {name: rows.detach().requires_grad_() for name, rows in named.items()}
            for named in learned
        )
    )


def slopes_of(leaves: TrackletFeatures) -> Slopes:
    """Gradient of every leaf by (field, name); a leaf that the loss did not read has none."""
    return {
        (field, name): rows.grad
        for field, named in leaves._asdict().items()
        for name, rows in named.items()
        if rows.grad is not None
    }


def piece_of(slopes: Slopes, number: int, *, pieces: int) -> Slopes:
    """The rows of one of `pieces` equal pieces."""
    return {key: slope.chunk(pieces)[number] for key, slope in slopes.items()}


def backward_from(features: TrackletFeatures, slopes: Slopes) -> None:
    """Run the graph of `features` backwards from the gradients of its rows."""
    named = features._asdict()
    graphs = {key: named[key[0]][key[1]] for key in slopes}
    reached = [key for key, rows in graphs.items() if rows.requires_grad]
    if reached:
        torch.autograd.backward([graphs[key] for key in reached], [slopes[key] for key in reached])
