"""The official track lists of MARS, which need no image to be read (Zheng et al., ECCV 2016).

`tracks_train_info.mat` and `tracks_test_info.mat` have a row per tracklet: first and last line in
`train_name.txt` or `test_name.txt` (both 1-based and inclusive), identity (-1 junk, 0 distractor),
camera. `query_IDX.mat` has the 1-based rows of the test list that are queries.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.layout_error import LayoutError
from training.data.mat_file import read_mat_integers

LISTS_SOURCE = "copy it from info/ of https://github.com/liangzheng06/MARS-evaluation"


@dataclass(frozen=True, slots=True)
class ListedTracklet:
    """One row of a list.

    Attributes:
        name: `train-00001` or `test-00001`, after the row.
        identity: Which person; -1 is junk, 0 a distractor.
        camera: 1 to 6.
        start: First of its lines in the list of frame names, counted from 0.
        stop: The line after its last.
    """

    name: str
    identity: int
    camera: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class MarsLists:
    """The split of MARS: 8,298 rows to train on, 12,180 to search, 1,980 of which are queries.

    Attributes:
        train: In the order of the list.
        test: In the order of the list; junk, distractors and queries are among them.
        query_rows: Positions in `test`, counted from 0, in the order of the list of queries.
    """

    train: tuple[ListedTracklet, ...]
    test: tuple[ListedTracklet, ...]
    query_rows: tuple[int, ...]

    @property
    def query(self) -> tuple[ListedTracklet, ...]:
        """The rows of `test` that are queries."""
        return tuple(self.test[row] for row in self.query_rows)


def read_mars_lists(info: Path) -> MarsLists:
    """Read the three .mat files of the folder `info`.

    Raises:
        LayoutError: When a file is missing or unreadable, or a number in it is out of range.
    """
    test = _tracklets(info / "tracks_test_info.mat", "track_test_info", part="test")
    return MarsLists(
        train=_tracklets(info / "tracks_train_info.mat", "track_train_info", part="train"),
        test=test,
        query_rows=_query_rows(info / "query_IDX.mat", len(test)),
    )


def _tracklets(path: Path, variable: str, *, part: str) -> tuple[ListedTracklet, ...]:
    rows = read_mat_integers(path, variable, source=LISTS_SOURCE)
    if rows.shape[1] != 4:
        raise LayoutError(
            f"4 columns (first, last, identity, camera) in {path}",
            f"{rows.shape[1]}",
            LISTS_SOURCE,
            paths=[path],
        )
    first, last, identity, camera = rows.T
    _refuse(path, rows, (first < 1) | (last < first), "first and last lines from 1 up")
    _refuse(path, rows, (identity < -1) | (camera < 1), "identities from -1 and cameras from 1 up")
    return tuple(
        ListedTracklet(f"{part}-{row:05d}", identity, camera, start=first - 1, stop=last)
        for row, (first, last, identity, camera) in enumerate(rows.tolist(), start=1)
    )


def _query_rows(path: Path, rows: int) -> tuple[int, ...]:
    numbers = read_mat_integers(path, "query_IDX", source=LISTS_SOURCE).reshape(-1, 1)
    _refuse(path, numbers, ((numbers < 1) | (numbers > rows))[:, 0], f"rows from 1 to {rows}")
    if len(np.unique(numbers)) != len(numbers):
        raise LayoutError(f"every query once in {path}", "repeats", LISTS_SOURCE, paths=[path])
    return tuple((numbers[:, 0] - 1).tolist())


def _refuse(path: Path, rows: NDArray[np.int64], bad: NDArray[np.bool_], expected: str) -> None:
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        received = f"{rows[at].tolist()} in row {at + 1}"
        raise LayoutError(f"{expected} in {path}", received, LISTS_SOURCE, paths=[path])
