"""Exponential moving average of the weights: steadier than the last step, and what is exported."""

import copy

import torch

from model.tracklet_network import TrackletNetwork


class ExponentialAverage:
    """A copy of a network whose weights follow it slowly.

    After n updates the decay is min(decay, (1 + n)/(10 + n)), so that the random start is forgotten
    soon. Running statistics are averaged like weights; counters are copied.

    Attributes:
        network: The averaged network, in evaluation mode; never trained itself.
        updates: n.
    """

    def __init__(self, network: TrackletNetwork, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(requires_grad=False).eval()
        self.updates = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, network: TrackletNetwork) -> None:
        """Move towards the network by one step."""
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        current = network.state_dict()
        for name, average in self.network.state_dict().items():
            if average.is_floating_point():
                average.lerp_(current[name], 1 - decay)
            else:
                average.copy_(current[name])
        self.updates += 1

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint holds of it."""
        return {"updates": self.updates, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a checkpoint."""
        self.updates = int(str(state["updates"]))
        tensors = state["network"]
        assert isinstance(tensors, dict)  # noqa: S101  # `state_dict` wrote it
        self.network.load_state_dict(tensors)
