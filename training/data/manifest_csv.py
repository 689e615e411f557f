"""Anybody's own data: a table with a row per frame, as CSV or Parquet, read as tracklets.

Columns: `frame`, `identity`, `camera`, `tracklet`, `split` and perhaps `timestamp` and `outfit`;
docs/data.md shows an example.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from training.data.data_set import DataSet, Split
from training.data.data_set_layout import DataSetLayout
from training.data.data_set_root import what_is_at
from training.data.layout_error import LayoutError
from training.data.manifest_cells import Part, nobody, numbering, seconds
from training.data.manifest_rows import ManifestRow, Problems, check_frames, read_rows
from training.data.manifest_table import read_manifest_table
from training.data.tracklet import Tracklet

_NAMES = ("manifest.csv", "manifest.parquet")


def read_manifest(root: Path) -> DataSet:
    """The data set of a table, or of the folder that holds `manifest.csv` or `manifest.parquet`.

    Identities and cameras are numbers that are kept, or names that are numbered from 1 in sorted
    order. Where outfits are given, a second split leaves out what a query shares an outfit with.

    Raises:
        LayoutError: With everything that is wrong in the table, by row.
    """
    table = read_manifest_table(_find(root))
    problems = Problems(table.path)
    rows = read_rows(table, problems)
    tracklets = _group(rows, problems)
    check_frames(table.path.parent, rows, problems)
    problems.refuse()
    return _data_set(table.path.parent, tracklets)


def _find(root: Path) -> Path:
    if root.is_file() and root.suffix in {".csv", ".parquet"}:
        return root
    found = [root / name for name in _NAMES if (root / name).is_file()]
    if len(found) == 1:
        return found[0]
    raise LayoutError(
        f"{' or '.join(_NAMES)} in {root}, or the path of a .csv or .parquet",
        "both" if found else what_is_at(root),
        "set the root to the manifest, or to the folder that holds it",
        paths=[root],
    )


def _group(rows: Iterable[ManifestRow], problems: Problems) -> dict[str, list[ManifestRow]]:
    """Rows by tracklet, each in time order."""
    grouped: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        group = grouped[row.tracklet]
        if group and group[0].of_tracklet != row.of_tracklet:
            problems.add(row.number, _differs(group[0], row))
        group.append(row)
    return {name: _in_time_order(group, problems) for name, group in grouped.items()}


def _differs(first: ManifestRow, row: ManifestRow) -> str:
    names = ("identity", "camera", "split", "outfit")
    for name, before, after in zip(names, first.of_tracklet, row.of_tracklet, strict=True):
        if before != after:
            return (
                f"expected one {name} in tracklet {row.tracklet!r}, received {str(after)!r} after "
                f"{str(before)!r} in row {first.number}; give each tracklet a name of its own"
            )
    raise AssertionError("called only for rows that differ")


def _in_time_order(rows: list[ManifestRow], problems: Problems) -> list[ManifestRow]:
    """By timestamp where every frame has one; one on the first row alone says when it began."""
    timed = [row for row in rows if row.timestamp]
    if len(timed) == len(rows):
        return sorted(rows, key=lambda row: seconds(row.timestamp))
    if timed and timed != rows[:1]:
        missing = next(row for row in rows if not row.timestamp)
        problems.add(
            missing.number,
            f"expected a timestamp for every frame of tracklet {missing.tracklet!r}, or for its "
            "first row alone, received none here",
        )
    return rows


def _data_set(folder: Path, grouped: dict[str, list[ManifestRow]]) -> DataSet:
    firsts = [rows[0] for rows in grouped.values()]
    people = numbering(row.identity for row in firsts if nobody(row.identity) is None)
    cameras = numbering(row.camera for row in firsts if row.camera)
    parts: dict[Part, list[Tracklet]] = {part: [] for part in Part}
    for name, rows in sorted(grouped.items()):
        first = rows[0]
        somebody = nobody(first.identity)
        tracklet = Tracklet(
            name=name,
            identity=people[first.identity] if somebody is None else somebody,
            camera=cameras[first.camera] if first.camera else None,
            frames=tuple(folder / row.frame for row in rows),
            outfit=first.outfit or None,
            start_s=seconds(first.timestamp) if first.timestamp else None,
        )
        parts[first.part].append(tracklet)
    return DataSet("manifest", _splits(parts))


def _splits(parts: dict[Part, list[Tracklet]]) -> tuple[Split, ...]:
    def sorted_by_name(*wanted: Part) -> tuple[Tracklet, ...]:
        tracklets = [tracklet for part in wanted for tracklet in parts[part]]
        return tuple(sorted(tracklets, key=lambda tracklet: tracklet.name))

    train = sorted_by_name(Part.TRAIN)
    query, gallery = sorted_by_name(Part.QUERY, Part.BOTH), sorted_by_name(Part.GALLERY, Part.BOTH)
    general = Split("general", train=train, query=query, gallery=gallery)
    if not any(tracklet.outfit for tracklet in query):
        return (general,)
    changing = Split(
        "clothes-changing", train=train, query=query, gallery=gallery, excludes_same_outfit=True
    )
    return general, changing


MANIFEST = DataSetLayout(
    title="Own data, by a manifest",
    read=read_manifest,
    expected_tree="""\
folder/
├── manifest.csv   or manifest.parquet
└── any/folders/
    └── frame.jpg  in the column frame:
                   any/folders/frame.jpg
""",
    published={},
)
