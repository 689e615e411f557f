"""Name → configuration class and model class."""

from typing import NamedTuple

from model.dcct import DCCT, DCCTConfig


class RegisteredModel(NamedTuple):
    """How one kind of model is configured and built."""

    config: type[DCCTConfig]
    network: type[DCCT]


MODELS = {"dcct": RegisteredModel(DCCTConfig, DCCT)}


def build_model(config: DCCTConfig) -> DCCT:
    """A new network with fresh (or pretrained) weights for `config`.

    Raises:
        ValueError: When no model of that kind is registered.
    """
    if config.kind not in MODELS:
        raise ValueError(
            f"expected a model kind of {sorted(MODELS)}, received {config.kind!r}; "
            "correct `model.kind` in the configuration"
        )
    return MODELS[config.kind].network(config)
