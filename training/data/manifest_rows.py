"""Rows of a user's own table, legal each on its own, and everything wrong in one error."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from training.data.layout_error import LayoutError
from training.data.manifest_cells import (
    Part,
    frame_path,
    given,
    is_seconds,
    label,
    part,
    plain,
    seconds,
)
from training.data.manifest_table import EXPECTED_COLUMNS, ManifestTable

_SHOWN = 5
_CHECKS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "frame": frame_path,
        "identity": lambda text: label(given(text, "identity"), "identity"),
        "camera": lambda text: label(text, "camera"),
        "tracklet": lambda text: plain(given(text, "tracklet"), "tracklet"),
        "split": part,
        "timestamp": lambda text: text and seconds(text),
        "outfit": lambda text: plain(text, "outfit"),
    }
)


@dataclass(slots=True)
class Problems:
    """Everything found wrong in one table, by row."""

    path: Path
    _found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, row: int, problem: str) -> None:
        """Note what is wrong with a row."""
        self._found.append((row, problem))

    def refuse(self) -> None:
        """Go on only when nothing was wrong.

        Raises:
            LayoutError: With the first five problems and how many there are.
        """
        if not self._found:
            return
        found = sorted(self._found)
        lines = [f"  row {row}: {problem}" for row, problem in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"  and {len(found) - _SHOWN} more")
        shown = "\n".join(lines)
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        raise LayoutError(
            f"{EXPECTED_COLUMNS} with a legal value in every row of {self.path}",
            count,
            f"correct these rows:\n{shown}",
            paths=[self.path],
        )


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A legal row; `number` is what a person calls it."""

    number: int
    frame: str
    identity: str
    camera: str
    tracklet: str
    part: Part
    timestamp: str
    outfit: str

    @property
    def of_tracklet(self) -> tuple[str, str, Part, str]:
        """What all rows of one tracklet have in common."""
        return self.identity, self.camera, self.part, self.outfit


def read_rows(table: ManifestTable, problems: Problems) -> list[ManifestRow]:
    """The rows that are legal; what is wrong with the others is noted."""
    columns = {name: table.columns.get(name, [""] * len(table)) for name in _CHECKS}
    illegal = {
        row
        for name, cells in columns.items()
        for row in _check_cells(cells, _CHECKS[name], problems, table.first_row)
    }
    rows = [
        ManifestRow(
            row, frame_path(frame), identity, camera, tracklet, Part(split), timestamp, outfit
        )
        for row, (frame, identity, camera, tracklet, split, timestamp, outfit) in enumerate(
            zip(*columns.values(), strict=True), start=table.first_row
        )
        if row not in illegal
    ]
    _check_zero_of_time([row for row in rows if row.timestamp], problems)
    return rows


def check_frames(folder: Path, rows: Iterable[ManifestRow], problems: Problems) -> None:
    """Note frames that are not there, and frames that come twice."""
    listings: dict[str, set[str]] = {}
    row_of: dict[str, int] = {}
    for row in rows:
        before = row_of.setdefault(row.frame, row.number)
        if before != row.number:
            problems.add(
                row.number,
                f"expected each frame once, received {row.frame!r} again after row {before}",
            )
        inside, _, name = row.frame.rpartition("/")
        if inside not in listings:
            listings[inside] = _files_in(folder / inside)
        if name not in listings[inside]:
            problems.add(row.number, f"expected the file {row.frame!r}, received none there")


def _files_in(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}


def _check_cells(
    cells: Sequence[str], check: Callable[[str], object], problems: Problems, first_row: int
) -> set[int]:
    """Each text is judged once, however many rows have it."""
    complaints: dict[str, str] = {}
    for text in set(cells):
        try:
            check(text)
        except ValueError as error:
            complaints[text] = str(error)
    if not complaints:
        return set()
    rows = {row: text for row, text in enumerate(cells, start=first_row) if text in complaints}
    for row, text in rows.items():
        problems.add(row, complaints[text])
    return set(rows)


def _check_zero_of_time(timed: Sequence[ManifestRow], problems: Problems) -> None:
    for row in timed:
        if is_seconds(row.timestamp) != is_seconds(timed[0].timestamp):
            problems.add(
                row.number,
                f"expected timestamps of one kind, received {row.timestamp!r} after "
                f"{timed[0].timestamp!r} in row {timed[0].number}",
            )
