"""Whether a data set on disk is what its reader and its authors say it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from training.data.catalogue import CATALOGUE, known_data_set
from training.data.data_check_report import DataCheck, PartCheck, Problem, SplitCheck
from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout
from training.data.found_tree import draw_tree
from training.data.frame_decoding import Progress, corrupt_frames
from training.data.layout_error import LayoutError
from training.data.part_counts import count_part, differing_measures, published_values
from training.data.query_matches import match_queries
from training.data.tracklet import Tracklet

_FIRST = 5


def check_data_set(
    name: str, root: Path, *, decode: bool = False, progress: Progress | None = None
) -> DataCheck:
    """Read a data set and tell what is there, what is not, and what no query will find.

    Args:
        name: Of the data set in the catalogue.
        root: Where it should be; nothing is downloaded or written.
        decode: Decode every frame as well.
        progress: Called while decoding with (decoded, all).

    Raises:
        ValueError: When there is no such data set in the catalogue.
    """
    layout = CATALOGUE[known_data_set(name)]
    problems: tuple[Problem, ...] = ()
    splits: tuple[SplitCheck, ...] = ()
    frames: Sequence[Path] = ()
    try:
        data_set = layout.read(root)
        splits = tuple(_check_split(split, layout) for split in data_set.splits)
        frames = _frames_of(data_set) if decode else ()
        problems = _corrupt(corrupt_frames(frames, progress), root)
    except (ValueError, OSError) as error:
        problems = (_problem_of(error, root),)
    return DataCheck(
        name=name,
        title=layout.title,
        root=str(root),
        expected_tree=layout.expected_tree,
        found_tree=draw_tree(root),
        problems=problems,
        splits=splits,
        decoded=len(frames),
    )


def _check_split(split: Split, layout: DataSetLayout) -> SplitCheck:
    parts = {"train": split.train, "query": split.query, "gallery": split.gallery}
    learned = {tracklet.identity for tracklet in split.train if tracklet.identity > 0}
    return SplitCheck(
        name=split.name,
        parts={part: _check_part(part, found, layout) for part, found in parts.items()},
        learned_and_asked=len(learned & {tracklet.identity for tracklet in split.query}),
        matches=match_queries(split),
    )


def _check_part(part: str, tracklets: Sequence[Tracklet], layout: DataSetLayout) -> PartCheck:
    found, published = count_part(tracklets), published_values(layout.published.get(part))
    return PartCheck(
        found=found, published=published, differing=differing_measures(found, published)
    )


def _frames_of(data_set: DataSet) -> list[Path]:
    """Each frame once, sorted: splits and queries share them."""
    tracklets = (
        tracklet
        for split in data_set.splits
        for part in (split.train, split.query, split.gallery)
        for tracklet in part
    )
    return sorted({frame for tracklet in tracklets for frame in tracklet.frames})


def _corrupt(corrupt: Mapping[Path, str], root: Path) -> tuple[Problem, ...]:
    if not corrupt:
        return ()
    first = min(corrupt)
    error = LayoutError(
        "whole images",
        f"{len(corrupt)} that are not, {first.name!r} with {corrupt[first]!r}",
        "restore them from the archive, or remove them",
        paths=list(corrupt),
    )
    return (_problem_of(error, root),)


def _problem_of(error: ValueError | OSError, root: Path) -> Problem:
    paths = error.paths if isinstance(error, LayoutError) else ()
    shown = (path.relative_to(root) if root in path.parents else path for path in paths)
    return Problem(
        message=str(error),
        paths=len(paths),
        first=tuple(str(path) for _, path in zip(range(_FIRST), shown, strict=False)),
    )
