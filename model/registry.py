"""Name → configuration class and model class."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from model.dcct import DCCT
from model.dcct_config import DCCTConfig
from model.related.grl import GRL, GRLConfig
from model.related.nvan import NVAN, NVANConfig, STENVANConfig
from model.related.temporal_pooling import TemporalPooling, TemporalPoolingConfig
from model.tracklet_network import ModelConfig, TrackletNetwork

# The key `kind` says which one a mapping describes.
AnyModelConfig = Annotated[
    DCCTConfig | GRLConfig | NVANConfig | STENVANConfig | TemporalPoolingConfig,
    Field(discriminator="kind"),
]

MODELS: dict[str, Callable[[Any], TrackletNetwork]] = {
    "dcct": DCCT,
    "grl": GRL,
    "nvan": NVAN,
    "ste-nvan": NVAN,
    "temporal-pooling": TemporalPooling,
}


def build_model(config: ModelConfig) -> TrackletNetwork:
    """A new network with fresh (or pretrained) weights for `config`.

    Raises:
        ValueError: When no model of that kind is registered, or the configuration is impossible.
    """
    if config.kind not in MODELS:
        raise ValueError(
            f"expected a model kind of {sorted(MODELS)}, received {config.kind!r}; "
            "correct `model.kind` in the configuration"
        )
    return MODELS[config.kind](config)


def parse_config(content: object) -> ModelConfig:
    """A mapping with a `kind` → the configuration of that kind of model.

    Raises:
        ValueError: When the kind is unknown, or a value is wrong (pydantic's `ValidationError`).
    """
    config: ModelConfig = TypeAdapter(AnyModelConfig).validate_python(content)
    return config
