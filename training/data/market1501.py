"""Market-1501 read as tracklets (Zheng et al., ICCV 2015).

File names are `0002_c1s1_000451_03.jpg`: identity, camera, recording, frame, box. Boxes of one
(identity, camera, recording) are about a second apart and make one tracklet.
"""

import re
from collections import defaultdict
from pathlib import Path

from training.data.tracklet import Tracklet

_NAME = re.compile(r"^(-1|\d{4})_c(\d)s(\d)_(\d{6})_(\d{2})\.jpg$")


def read_market1501(folder: Path) -> list[Tracklet]:
    """Every tracklet of one image folder (`bounding_box_train`, say), sorted by name.

    Raises:
        ValueError: When the folder is missing or holds no file, or a file not named so.
    """
    grouped: dict[tuple[int, int, int], list[Path]] = defaultdict(list)
    for path in _images(folder):
        match = _NAME.match(path.name)
        if match is None:
            raise ValueError(
                f"expected names like 0002_c1s1_000451_03.jpg in {folder}, received {path.name!r}; "
                "remove the file or choose the right folder"
            )
        identity, camera, recording = (int(match[group]) for group in (1, 2, 3))
        grouped[identity, camera, recording].append(path)
    return [
        Tracklet(
            name=f"{identity:04d}_c{camera}s{recording}",
            identity=identity,
            camera=camera,
            # Names are read sorted, and their numbers zero-padded: they are in time order.
            frames=tuple(paths),
        )
        for (identity, camera, recording), paths in sorted(grouped.items())
    ]


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ValueError(
            f"expected a folder of Market-1501 images at {folder}, received nothing; "
            "set data.root to the folder that holds the .jpg files"
        )
    images = sorted(path for path in folder.iterdir() if path.suffix == ".jpg")
    if not images:
        raise ValueError(
            f"expected .jpg images in {folder}, received none; "
            "set data.root to the folder that holds the .jpg files"
        )
    return images
