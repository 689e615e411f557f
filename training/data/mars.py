"""MARS image folders read as tracklets (Zheng et al., ECCV 2016).

File names are `0003C1T0001F001.jpg`: identity, camera, tracklet, frame; junk is named `00-1…` and
distractors `0000…`.
"""

import re
from collections import defaultdict
from pathlib import Path

from training.data.tracklet import Tracklet

_NAME = re.compile(r"^(00-1|\d{4})C(\d)T(\d{4})F(\d{3,})\.jpg$")


def read_mars_folder(folder: Path) -> list[Tracklet]:
    """Every tracklet under `bbox_train/<identity>/` or `bbox_test/<identity>/`, sorted by name.

    Raises:
        ValueError: When the folder holds no frame, or a .jpg not named so.
    """
    grouped: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.jpg")):
        match = _NAME.match(path.name)
        if match is None:
            raise ValueError(
                f"expected names like 0003C1T0001F001.jpg in {folder}, received {path.name!r}; "
                "remove the file or choose the right folder"
            )
        grouped[path.name[: match.start(4) - 1]].append((int(match[4]), path))
    if not grouped:
        raise ValueError(
            f"expected MARS frames under {folder}, received none; point at bbox_train or bbox_test"
        )
    return [_tracklet(name, frames) for name, frames in sorted(grouped.items())]


def _tracklet(name: str, frames: list[tuple[int, Path]]) -> Tracklet:
    identity = -1 if name.startswith("00-1") else int(name[:4])
    return Tracklet(
        name=name,
        identity=identity,
        camera=int(name[5]),
        frames=tuple(path for _, path in sorted(frames)),
    )
