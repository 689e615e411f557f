import pytest
from pydantic import ValidationError

from training.data.clip_config import AugmentationConfig


@pytest.mark.parametrize("name", ["erasing_area", "erasing_aspect"])
def test_ranges_are_least_before_most(name):
    with pytest.raises(ValidationError, match=rf"augmentation.{name} as .*\[0.9, 0.1\]; swap them"):
        AugmentationConfig(**{name: (0.9, 0.1)})


def test_an_area_is_part_of_the_frame():
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        AugmentationConfig(erasing_area=(0.1, 1.5))
    with pytest.raises(ValidationError, match="greater than 0"):
        AugmentationConfig(erasing_aspect=(0, 1))
