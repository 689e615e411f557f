"""PRID-2011 (Hirzer et al., SCIA 2011): 200 people before both of two cameras, ten splits.

`prid_2011/multi_shot/{cam_a,cam_b}/person_0001/0001.png`. From person 201 on, the same number is
another person in each view. The customary splits, `splits_prid2011.json`, halve the 178 people with
enough frames. Queries are camera a's tracklets, the gallery camera b's.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout, PublishedCounts
from training.data.data_set_root import find_root
from training.data.layout_error import LayoutError
from training.data.two_views import TwoViews, read_two_views

_FRAME = re.compile(r"(?P<order>\d+)\.\w+")
_IMAGES = "prid_2011/multi_shot"
_LIST = "splits_prid2011.json"
_ROOTS = ("prid2011", "PRID2011", "prid-2011", "prid_2011")
_LAST_OF_BOTH = 200
_ENOUGH_FRAMES = 22
_SPLITS = 10
_SOURCE = "restore the customary splits, or remove the file: ten others are then drawn"


class _Halves(BaseModel):
    """One split of the list: names of people's folders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: Annotated[tuple[str, ...], Field(min_length=1)]
    test: Annotated[tuple[str, ...], Field(min_length=1)]


def read_prid2011(
    root: Path, *, people: Literal["enough-frames", "all"] = "enough-frames"
) -> DataSet:
    """Ten splits in halves: of the list beside the images or, where there is none, drawn.

    Drawn splits depend on nothing but the names of the people, so that they need not be saved.
    Departs: the specification saves them beside the images; a reader writes nothing.

    Args:
        root: Of the archive.
        people: Those of the list (more than 21 frames in both views where there is no list), or
            all 200, as GRL and DCCT count them; then the list is not read.

    Raises:
        LayoutError: When images are missing, or the list of splits is broken or names others.
    """
    root = find_root(root, title="PRID-2011", holds=[_IMAGES], names=_ROOTS)
    cameras = (root / _IMAGES / "cam_a", root / _IMAGES / "cam_b")
    views = read_two_views(cameras, frame=_FRAME, example="0001.png", last_person=_LAST_OF_BOTH)
    if people == "all":
        return DataSet("prid2011-all", _drawn_splits(views, views.people))
    if (root / _LIST).exists():
        return DataSet("prid2011", _listed_splits(views, root / _LIST))
    enough = [
        person
        for person in views.people
        if min(len(views.asked[person].frames), len(views.known[person].frames)) >= _ENOUGH_FRAMES
    ]
    return DataSet("prid2011", _drawn_splits(views, enough))


def _listed_splits(views: TwoViews, path: Path) -> tuple[Split, ...]:
    try:
        listed = TypeAdapter(Annotated[list[_Halves], Field(min_length=1)]).validate_json(
            path.read_bytes()
        )
    except ValidationError as error:
        raise LayoutError(
            f'a list of {{"train": [...], "test": [...]}} in {path}',
            f"{error.error_count()} errors, first {error.errors()[0]['msg']}",
            _SOURCE,
            paths=[path],
        ) from error
    for halves in listed:
        named = [*halves.train, *halves.test]
        unknown = sorted(set(named) - set(views.people))
        if unknown or len(set(named)) < len(named):
            raise LayoutError(
                f"people of both cameras, each once in a split of {path}",
                f"without images: {unknown[:5]}" if unknown else "repeats",
                "restore the missing people from the archive, or the list",
                paths=[path],
            )
    return tuple(
        views.split(f"split-{number:02d}", train=halves.train, test=halves.test)
        for number, halves in enumerate(listed, start=1)
    )


def _drawn_splits(views: TwoViews, people: Sequence[str]) -> tuple[Split, ...]:
    if len(people) < 2:
        raise LayoutError(
            "two people or more with enough frames in both views",
            f"{len(people)}",
            "restore the missing frames from the archive",
        )
    splits = []
    for number in range(1, _SPLITS + 1):
        drawn = sorted(people, key=partial(_lot, number))
        half = len(drawn) // 2
        splits.append(views.split(f"split-{number:02d}", train=drawn[:half], test=drawn[half:]))
    return tuple(splits)


def _lot(split: int, person: str) -> bytes:
    """What orders people at random in a split, the same under any version of any library."""
    return hashlib.sha256(f"prid2011 split {split} {person}".encode()).digest()


_TREE = """\
prid2011/
├── prid_2011/
│   └── multi_shot/
│       ├── cam_a/
│       │   └── person_0001/
│       │       └── 0001.png
│       └── cam_b/
└── splits_prid2011.json  (without it, ten splits are drawn)
"""


def _published(half: int) -> dict[str, PublishedCounts]:
    return {
        "train": PublishedCounts(identities=half, tracklets=2 * half, cameras=2),
        "query": PublishedCounts(identities=half, tracklets=half, cameras=1),
        "gallery": PublishedCounts(identities=half, tracklets=half, cameras=1),
    }


PRID2011 = DataSetLayout("PRID-2011", read_prid2011, _TREE, _published(89))
PRID2011_ALL = DataSetLayout(
    "PRID-2011, all 200 people",
    partial(read_prid2011, people="all"),
    _TREE.replace("without it, ten splits are drawn", "not read; ten splits are drawn"),
    _published(100),
)
