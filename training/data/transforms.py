"""Clip-consistent augmentation: every frame of a clip gets the same flip, crop and erasing.

torchvision's v2 transforms draw their parameters once per call and apply them to every leading
dimension, so a clip [t, 3, h, w] is augmented as one.
"""

import torch
from torchvision.transforms import v2

from model.normalization import IMAGENET_MEAN, IMAGENET_STD
from training.data.clip_config import AugmentationConfig


def training_transform(config: AugmentationConfig, *, height: int, width: int) -> v2.Transform:
    """Transform of a uint8 clip [t, 3, height, width] to a normalised float clip (spec §1.8).

    Flip, pad and random crop, normalise, erase with 0 (area 0.02–0.4, aspect 0.3–3.33).
    """
    steps: list[v2.Transform] = [v2.RandomHorizontalFlip(p=config.flip)]
    if config.pad_px:
        steps.append(v2.RandomCrop((height, width), padding=config.pad_px))
    steps += [
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        v2.RandomErasing(p=config.erasing, scale=(0.02, 0.4), ratio=(0.3, 3.33), value=0),
    ]
    return v2.Compose(steps)
