"""Configurations of networks that run in a moment, and the code of the large ones."""

from model.dcct_config import DCCTConfig


def small_dcct(**changes):
    """The light pair at 64×32: coupled, with content attention and temporal aggregation."""
    settings = {
        "cnn": "mobilenetv2_100",
        "transformer": "deit_tiny_patch16_224",
        "height": 64,
        "width": 32,
        "drop_path": 0.0,
        "clip_frames": 4,
    }
    return DCCTConfig.model_validate({**settings, **changes})


def small_student(**changes):
    """The light pair's backbones alone."""
    return small_dcct(**{"spatial": "gap", "temporal": "tap", **changes})
