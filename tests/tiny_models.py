"""A DCCT so small that it is built, run and compiled in a moment: timm's networks for tests."""

from tests.small_models import small_dcct

TINY_CNN, TINY_TRANSFORMER = "test_efficientnet", "test_vit"
# Columns of the features.
TINY_WIDTHS = {"cnn": 256, "transformer": 64}


def tiny_dcct(**changes):
    """The whole of `small_dcct` over an EfficientNet and a ViT of a few layers."""
    return small_dcct(**{"cnn": TINY_CNN, "transformer": TINY_TRANSFORMER, **changes})
