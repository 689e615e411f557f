"""Who asks and who is searched, taken from a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from training.data.data_set import DataSet, Split
from training.data.tracklet import Tracklet, hold_out_identities

GalleryRule = Literal["official", "with-queries", "without-queries"]
ALL_SPLITS = "all"


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """One retrieval to judge.

    Attributes:
        split: Name of the split it was taken from.
        query: Tracklets to ask about.
        gallery: Tracklets to search.
        asks_itself: Whether every tracklet asks about all the others.
        excludes_same_outfit: Whether the protocol also leaves out the query's outfit.
    """

    split: str
    query: tuple[Tracklet, ...]
    gallery: tuple[Tracklet, ...]
    asks_itself: bool = False
    excludes_same_outfit: bool = False

    @property
    def gallery_includes_query(self) -> bool:
        """Whether queries are searched too; they never match themselves."""
        return not {one.name for one in self.query}.isdisjoint(one.name for one in self.gallery)


@dataclass(frozen=True, slots=True)
class TaskSet:
    """The tasks of one data set.

    Attributes:
        data_set: Name in the catalogue.
        tasks: At least one.
        validation_identities: How many identities were held out, if they are what is asked about.
    """

    data_set: str
    tasks: tuple[RetrievalTask, ...]
    validation_identities: int | None = None


def distinct_tracklets(tasks: Sequence[RetrievalTask]) -> tuple[Tracklet, ...]:
    """Everyone who asks or is searched in any of the tasks, each once, sorted by name.

    Raises:
        ValueError: When two tracklets share a name but not their frames.
    """
    named: dict[str, Tracklet] = {}
    for tracklet in (one for task in tasks for one in (*task.gallery, *task.query)):
        if named.setdefault(tracklet.name, tracklet).frames != tracklet.frames:
            raise ValueError(
                f"expected one tracklet of the name {tracklet.name!r} in a data set, received two "
                "of different frames; rename one"
            )
    return tuple(named[name] for name in sorted(named))


def choose_tasks(
    data_set: DataSet,
    *,
    split: str | None = None,
    gallery: GalleryRule = "official",
    validation_identities: int | None = None,
) -> TaskSet:
    """The tasks of one split, or of all; a split without queries asks itself.

    Args:
        data_set: Where they come from.
        split: Name of a split, `all`, or none where there is only one.
        gallery: Whether queries are searched too.
        validation_identities: Ask about the last so many identities of the training tracklets, each
            tracklet against the others, instead.

    Raises:
        ValueError: When the split is unknown or not named among several, all follow different
            rules, a gallery is to be changed
            where there are no queries, or too few identities would be left.
    """
    chosen = _chosen(data_set, split)
    if validation_identities is None:
        _require_one_rule(data_set.name, chosen)
        return TaskSet(data_set.name, tuple(_task(one, gallery) for one in chosen))
    _require_official(gallery, "held-out identities")
    return TaskSet(
        data_set.name,
        tuple(
            _asking_itself(one.name, hold_out_identities(one.train, validation_identities)[1])
            for one in chosen
        ),
        validation_identities,
    )


def _chosen(data_set: DataSet, split: str | None) -> tuple[Split, ...]:
    if split == ALL_SPLITS:
        return data_set.splits
    if split is None and len(data_set.splits) > 1:
        raise ValueError(
            f"expected a split of {data_set.name} out of {[one.name for one in data_set.splits]}, "
            f"or {ALL_SPLITS!r}, received none; name it with --split"
        )
    return (data_set.split(split),)


def _require_one_rule(data_set: str, splits: Sequence[Split]) -> None:
    """General and clothes-changing splits rank by rules of their own: no mean of both is one."""
    if len({one.excludes_same_outfit for one in splits}) > 1:
        raise ValueError(
            f"expected splits under one rule about outfits to average over, received "
            f"{[one.name for one in splits]} of {data_set}; name one of them with "
            "--split, or in a matrix with DATA:SPLIT=ROOT"
        )


def _task(split: Split, gallery: GalleryRule) -> RetrievalTask:
    if not split.query:
        _require_official(gallery, f"split {split.name!r}")
        return _asking_itself(split.name, split.train)
    return RetrievalTask(
        split=split.name,
        query=split.query,
        gallery=_gallery(split, gallery),
        excludes_same_outfit=split.excludes_same_outfit,
    )


def _asking_itself(split: str, tracklets: Sequence[Tracklet]) -> RetrievalTask:
    everyone = tuple(tracklets)
    return RetrievalTask(split, query=everyone, gallery=everyone, asks_itself=True)


def _require_official(gallery: GalleryRule, where: str) -> None:
    if gallery != "official":
        raise ValueError(
            f"expected queries for a gallery {gallery}, received {where}, whose tracklets ask "
            "about each other; leave --gallery out"
        )


def _gallery(split: Split, rule: GalleryRule) -> tuple[Tracklet, ...]:
    if rule == "official":
        return split.gallery
    asked = {tracklet.name for tracklet in split.query}
    others = tuple(tracklet for tracklet in split.gallery if tracklet.name not in asked)
    if rule == "without-queries":
        return others
    return tuple(sorted((*others, *split.query), key=lambda tracklet: tracklet.name))
