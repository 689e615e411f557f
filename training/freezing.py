"""Parts of a network that do not learn: for the first epochs, or for the whole run."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from model.tracklet_network import TrackletNetwork
from training.optim_config import FreezingConfig


class Freezer:
    """Puts a network in training mode, but for what is frozen at that step.

    A frozen module gets no gradient and is in evaluation mode: its batch normalisations use their
    running statistics and do not move them.

    Raises:
        ValueError: When the network has no module of a frozen name.
    """

    def __init__(
        self, network: TrackletNetwork, config: FreezingConfig | None, *, steps_per_epoch: int
    ) -> None:
        self._network = network
        self._config = config or FreezingConfig()
        self._steps_per_epoch = steps_per_epoch
        self._modules = [_module(network, name) for name in self._config.modules]
        self._parameters = [
            parameter
            for module in self._modules
            for parameter in module.parameters()
            if parameter.requires_grad
        ]

    def train_mode(self, step: int) -> None:
        """Training mode for this step, frozen parts left out."""
        self._network.train()
        epochs = self._config.epochs
        frozen = epochs is None or step < epochs * self._steps_per_epoch
        for parameter in self._parameters:
            parameter.requires_grad_(not frozen)
            if frozen:
                parameter.grad = None
        for module in self._modules:
            module.train(not frozen)
        if self._config.batch_norm:
            for module in self._network.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()


def _module(network: TrackletNetwork, name: str) -> nn.Module:
    known: dict[str, nn.Module] = dict(network.named_modules())
    if not name or name not in known:
        tops = [name for name, _ in network.named_children()]
        raise ValueError(
            f"expected freezing.modules among {tops} or modules within them, received {name!r}; "
            "correct the name"
        )
    return known[name]
