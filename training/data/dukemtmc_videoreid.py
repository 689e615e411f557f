"""DukeMTMC-VideoReID (Wu et al., CVPR 2018), which its authors have withdrawn.

`{train,query,gallery}/<identity>/<tracklet>/0001_C6_F0099_X30823.jpg`: identity, camera, frame of
the tracklet, moment of the camera; older copies leave the underscores out. The gallery already
contains the queries.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.data_set_root import find_root
from training.data.frame_folders import NamedFrame, folders_in, read_frame_folders
from training.data.layout_error import LayoutError, first_of
from training.data.tracklet import Tracklet

_FRAME = re.compile(r"(?P<identity>\d{4})_?C(?P<camera>\d)_?F(?P<order>\d+)_?X(?P<moment>\d+)\.\w+")
_EXAMPLE = "0001_C6_F0099_X30823.jpg"
_FOLDER = "DukeMTMC-VideoReID"
_ROOTS = (
    _FOLDER,
    "dukemtmc-vidreid",
    f"dukemtmc-vidreid/{_FOLDER}",
    "dukemtmcvidreid",
    f"dukemtmcvidreid/{_FOLDER}",
)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A tracklet, its folder, and when its frames were taken: (identity, camera, moment) each."""

    tracklet: Tracklet
    folder: Path
    moments: tuple[tuple[int, int, int], ...]


def read_dukemtmc_videoreid(root: Path) -> DataSet:
    """The official split; a query has the name of the gallery tracklet that it is.

    Raises:
        LayoutError: When a folder is missing or empty, or a frame is not where its name says.
    """
    root = find_root(
        root, title="DukeMTMC-VideoReID", holds=["train", "query", "gallery"], names=_ROOTS
    )
    train, query, gallery = (_read_part(root / part) for part in ("train", "query", "gallery"))
    split = Split(
        "official",
        train=_each_once(train),
        query=_each_once(_named_as_in(gallery, query)),
        gallery=_each_once(gallery),
    )
    return DataSet("dukemtmcvidreid", (split,))


def _read_part(part: Path) -> list[_Recorded]:
    folders = [tracklet for identity in folders_in(part) for tracklet in folders_in(identity)]
    read = read_frame_folders(folders, _FRAME, example=_EXAMPLE)
    misplaced = [folder for folder, frames in read.items() if not _belong_to(folder, frames)]
    if misplaced:
        raise LayoutError(
            "frames of one camera, and of the identity that their folder is named after",
            f"others in {first_of(misplaced)}",
            "restore the folder from the archive",
            paths=misplaced,
        )
    return [_recorded(folder, frames) for folder, frames in read.items()]


def _belong_to(folder: Path, frames: Sequence[NamedFrame]) -> bool:
    identities = {match["identity"] for match, _ in frames}
    return identities == {folder.parent.name} and len({m["camera"] for m, _ in frames}) == 1


def _recorded(folder: Path, frames: Sequence[NamedFrame]) -> _Recorded:
    first = frames[0][0]
    identity, camera = int(first["identity"]), int(first["camera"])
    tracklet = Tracklet(
        name=f"{identity:04d}C{camera}X{int(first['moment']):06d}",
        identity=identity,
        camera=camera,
        frames=tuple(path for _, path in frames),
    )
    moments = tuple((identity, camera, int(match["moment"])) for match, _ in frames)
    return _Recorded(tracklet, folder, moments)


def _named_as_in(gallery: Sequence[_Recorded], query: Sequence[_Recorded]) -> list[_Recorded]:
    """The queries under the names of the gallery tracklets with which they share a moment.

    A person is before a camera once at a moment, even where one copy lacks a few frames.
    """
    name_at = {moment: found.tracklet.name for found in gallery for moment in found.moments}
    named = []
    for asked in query:
        names = [name_at[moment] for moment in asked.moments if moment in name_at]
        name = names[0] if names else asked.tracklet.name
        named.append(replace(asked, tracklet=replace(asked.tracklet, name=name)))
    return named


def _each_once(part: Sequence[_Recorded]) -> tuple[Tracklet, ...]:
    ordered = sorted(part, key=lambda found: found.tracklet.name)
    times = Counter(found.tracklet.name for found in ordered)
    repeats = [found.folder for found in ordered if times[found.tracklet.name] > 1]
    if repeats:
        raise LayoutError(
            "each tracklet in one folder",
            f"the frames of {first_of(repeats)} in another one too",
            "remove the copies",
            paths=repeats,
        )
    return tuple(found.tracklet for found in ordered)


DUKEMTMC_VIDEOREID = DataSetLayout(
    title="DukeMTMC-VideoReID",
    read=read_dukemtmc_videoreid,
    expected_tree="""\
DukeMTMC-VideoReID/
├── train/
│   └── 0001/
│       └── 0001/
│           └── 0001_C6_F0001_X30725.jpg
├── query/
│   └── 0002/
│       └── 0001/
└── gallery/  (the queries too)
    └── 0002/
        └── 0001/
""",
    published={
        "train": PublishedCounts(identities=702, tracklets=2196),
        "query": PublishedCounts(identities=702, tracklets=702),
        # 702 people who are asked about and 408 others.
        "gallery": PublishedCounts(identities=702 + 408, tracklets=2636),
    },
)
