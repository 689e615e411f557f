"""Tracklets of any data set as the table that `manifest_csv.py` reads."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from model.durable_file import durable_file
from training.data.data_set import Split
from training.data.layout_error import LayoutError
from training.data.manifest_cells import Part, frame_path, label, plain
from training.data.manifest_table import OPTIONAL, REQUIRED
from training.data.tracklet import Tracklet

_WORDS = {-1: "junk", 0: "distractor"}


def write_manifest(split: Split, path: Path) -> int:
    """Write a split as CSV or Parquet; reading it gives equal tracklets.

    The file appears whole or not at all. A query that is searched too is one tracklet, with the
    frames of the gallery: DukeMTMC-VideoReID has a second copy of them. `outfit` and `timestamp`
    are columns where any tracklet has one; when a tracklet began stands on its first row.

    Args:
        split: One of a data set's.
        path: New file, .csv or .parquet, in a folder above all frames.

    Returns:
        How many rows were written.

    Raises:
        ValueError: When the file exists or ends otherwise, when a frame is not below its folder,
            when two tracklets share a name, or when a name cannot stand in a cell.
    """
    if path.suffix not in {".csv", ".parquet"}:
        raise ValueError(
            f"expected a manifest that ends in .csv or .parquet, received {path.name!r}; rename it"
        )
    if path.exists():
        raise ValueError(
            f"expected a new file, received {path} in use; remove it or choose another"
        )
    parted = _parted(split)
    folder = _absolute(path.parent)
    rows = [row for part, tracklet in parted for row in _rows(part, tracklet, folder)]
    if not rows:
        raise ValueError(
            f"expected tracklets in split {split.name!r}, received none; choose another split"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = (*REQUIRED, *OPTIONAL)
    used = [at for at, name in enumerate(columns) if name in REQUIRED or any(r[at] for r in rows)]
    with durable_file(path) as scratch:
        writer = _write_csv if path.suffix == ".csv" else _write_parquet
        writer(scratch, [columns[at] for at in used], [[row[at] for at in used] for row in rows])
    return len(rows)


def _parted(split: Split) -> list[tuple[Part, Tracklet]]:
    """Every tracklet once, sorted by part and name."""
    query = {tracklet.name: tracklet for tracklet in split.query}
    both = {tracklet.name for tracklet in split.gallery if _same(tracklet, query)}
    parted = [
        *((Part.TRAIN, tracklet) for tracklet in split.train),
        *((Part.QUERY, tracklet) for tracklet in split.query if tracklet.name not in both),
        *((Part.BOTH if t.name in both else Part.GALLERY, t) for t in split.gallery),
    ]
    seen: set[str] = set()
    for part, tracklet in parted:
        if tracklet.name in seen:
            raise ValueError(
                f"expected each tracklet's name once, received {tracklet.name!r} again in {part}; "
                "rename one of them"
            )
        seen.add(tracklet.name)
    return sorted(parted, key=lambda each: (list(Part).index(each[0]), each[1].name))


def _same(tracklet: Tracklet, queries: Mapping[str, Tracklet]) -> bool:
    query = queries.get(tracklet.name)
    return query is not None and replace(query, frames=tracklet.frames) == tracklet


def _rows(part: Part, tracklet: Tracklet, folder: Path) -> Iterator[tuple[str, ...]]:
    identity = _WORDS.get(tracklet.identity, str(tracklet.identity))
    camera = "" if tracklet.camera is None else label(str(tracklet.camera), "camera")
    name, outfit = plain(tracklet.name, "tracklet"), plain(tracklet.outfit or "", "outfit")
    for position, frame in enumerate(tracklet.frames):
        began = "" if position or tracklet.start_s is None else repr(float(tracklet.start_s))
        yield _relative(frame, folder), identity, camera, name, part, began, outfit


def _relative(frame: Path, folder: Path) -> str:
    try:
        relative = _absolute(frame).relative_to(folder)
    except ValueError as error:
        raise LayoutError(
            f"frames below the folder of the manifest, {folder}",
            str(frame),
            "write the manifest to a folder above all frames",
            paths=[frame],
        ) from error
    return frame_path(relative.as_posix())


def _absolute(path: Path) -> Path:
    # Not resolved: a linked folder of frames is below the folder that it is linked into.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    arrays = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    parquet.write_table(pa.table(arrays, names=list(columns)), path)
