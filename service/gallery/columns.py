"""Metadata in columns, so that a filter is evaluated over all rows at once."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from service.gallery.filters import TrackletFilter
from service.gallery.records import TrackletMetadata

_UNKNOWN = -1
_FIRST_CAPACITY = 64
_ROW = np.dtype([("camera", "i4"), ("identity", "i4"), ("start_s", "f8"), ("end_s", "f8")])


class MetadataColumns:
    """One row for each `append`, numbered from 0."""

    def __init__(self) -> None:
        self._rows = np.zeros(_FIRST_CAPACITY, _ROW)
        self._length = 0
        self._cameras = _Codes()
        self._identities = _Codes()

    def __len__(self) -> int:
        return self._length

    def append(self, metadata: TrackletMetadata) -> None:
        """Add one row at the end."""
        start_s, end_s = metadata.interval_s() or (np.nan, np.nan)
        if self._length == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._length] = (
            self._cameras.assign(metadata.camera),
            self._identities.assign(metadata.identity),
            start_s,
            end_s,
        )
        self._length += 1

    def mask(self, chosen: TrackletFilter) -> NDArray[np.bool_]:
        """Which rows [n] pass the filter, its tracklet id left aside."""
        rows = self._rows[: self._length]
        passed = np.ones(self._length, dtype=np.bool_)
        if chosen.identity is not None:
            passed &= np.isin(rows["identity"], self._identities.known([chosen.identity]))
        if chosen.cameras is not None:
            passed &= np.isin(rows["camera"], self._cameras.known(chosen.cameras))
        if chosen.exclude_camera is not None:
            passed &= ~np.isin(rows["camera"], self._cameras.known([chosen.exclude_camera]))
        window_s = chosen.window_s()
        if window_s is not None:
            passed &= _overlap(rows, *window_s)
        return passed


class _Codes:
    """Small integers for strings; a string keeps its code as long as the columns live."""

    def __init__(self) -> None:
        self._code: dict[str, int] = {}

    def assign(self, value: str | None) -> int:
        if value is None:
            return _UNKNOWN
        return self._code.setdefault(value, len(self._code))

    def known(self, values: Iterable[str]) -> list[int]:
        return [self._code[value] for value in values if value in self._code]


def _overlap(rows: NDArray[np.void], start_s: float, end_s: float) -> NDArray[np.bool_]:
    """As the filter compares one interval; NaN, for an unknown time, compares as false."""
    begins_in_time = (rows["start_s"] < end_s) | (rows["start_s"] <= start_s)
    ends_in_time = (rows["end_s"] > start_s) | (rows["start_s"] >= start_s)
    overlap: NDArray[np.bool_] = begins_in_time & ends_in_time
    return overlap
