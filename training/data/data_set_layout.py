"""What the catalogue knows of each data set: how to read it, how it looks, what was published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.data_set import DataSet


@dataclass(frozen=True, slots=True)
class PublishedCounts:
    """What its authors say is in one part of a data set; None where we have no source for it.

    Attributes:
        identities: People, neither junk (-1) nor distractors (0).
        tracklets: All of them, junk and distractors too.
        frames: Images of all tracklets.
        cameras: How many.
        junk: Tracklets of identity -1.
        distractors: Tracklets of identity 0.
        shortest: Frames of the shortest tracklet.
        longest: Frames of the longest tracklet.
    """

    identities: int | None = None
    tracklets: int | None = None
    frames: int | None = None
    cameras: int | None = None
    junk: int | None = None
    distractors: int | None = None
    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class DataSetLayout:
    """One data set.

    Attributes:
        title: Its name in publications.
        read: Reader of a root; raises ValueError when the layout is broken.
        expected_tree: The folders and files it should have, as `tree` would print them.
        published: Part (`train`, `query`, `gallery`) → counts; the same for every split.
    """

    title: str
    read: Callable[[Path], DataSet]
    expected_tree: str
    published: Mapping[str, PublishedCounts]
