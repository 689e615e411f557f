"""Records and filters in the words of the database."""

import json
from dataclasses import dataclass, field

import numpy as np

from service.errors import ReidError, StoreUnavailable
from service.gallery.digest import row_checksum
from service.gallery.filters import TrackletFilter
from service.gallery.records import TrackletMetadata, TrackletRecord

Value = str | int | float | bytes | None

COLUMNS = (
    "tracklet_id, identity, camera, start_s, end_s, attributes, seq, enrolled_s, checksum, "
    "embedding"
)
"""The columns of a row, in the order that `row_of` writes and `record_of` reads."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A WHERE clause and the values of its question marks."""

    clause: str
    values: list[Value] = field(default_factory=list)


def row_of(record: TrackletRecord) -> tuple[Value, ...]:
    """The record with its checksum, by `COLUMNS`."""
    metadata = record.metadata
    return (
        record.tracklet_id,
        metadata.identity,
        metadata.camera,
        metadata.start_s,
        metadata.end_s,
        json.dumps(dict(metadata.attributes)),
        record.seq,
        record.enrolled_s,
        row_checksum(record),
        record.embedding.astype("<f4").tobytes(),
    )


def record_of(row: tuple[Value, ...], dimension: int) -> TrackletRecord:
    """The record of a row by `COLUMNS`.

    Raises:
        StoreUnavailable: When the row is not what was written; names it by its `seq`.
    """
    tracklet_id, identity, camera, start_s, end_s, attributes, seq, enrolled_s, checksum, raw = row
    try:
        metadata = TrackletMetadata(identity, camera, start_s, end_s, json.loads(attributes))  # type: ignore[arg-type]
        embedding = np.frombuffer(raw, dtype="<f4").astype(np.float32)  # type: ignore[arg-type]
        embedding.flags.writeable = False
        record = TrackletRecord(tracklet_id, metadata, embedding, seq, enrolled_s)  # type: ignore[arg-type]
        intact = embedding.shape == (dimension,) and row_checksum(record) == checksum
    except (ReidError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(seq) from error
    if not intact:
        raise _damaged(seq)
    return record


def condition_of(chosen: TrackletFilter) -> Condition:
    """The filter over the columns of a row; a comparison with NULL does not pass."""
    conditions = ["1"]
    values: list[Value] = []
    for clause, wanted in (
        ("identity = ?", chosen.identity),
        ("camera IS NOT ?", chosen.exclude_camera),
        ("tracklet_id <> ?", chosen.exclude_tracklet),
    ):
        if wanted is not None:
            conditions.append(clause)
            values.append(wanted)
    if chosen.cameras is not None:
        # One JSON value, because the number of question marks is limited.
        conditions.append("camera IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(chosen.cameras)))
    window_s = chosen.window_s()
    if window_s is not None:
        conditions.append(_OVERLAP)
        values.extend((window_s[1], window_s[0], window_s[0], window_s[0]))
    return Condition(" AND ".join(conditions), values)


_START, _END = "coalesce(start_s, end_s)", "coalesce(end_s, start_s)"
_OVERLAP = f"({_START} < ? OR {_START} <= ?) AND ({_END} > ? OR {_START} >= ?)"


def _damaged(seq: Value) -> StoreUnavailable:
    return StoreUnavailable(
        expected=f"the row of write {seq!r} as it was written",
        received="one whose checksum does not match: the database file is damaged",
        remedy="restore the data directory from a backup, and check the disk",
    )
