"""Compares rows as a store has them with rows as a view has them, bit by bit."""

from collections.abc import Sequence

import numpy as np

from service.gallery.index.view import View
from service.gallery.records import TrackletRecord


def alike_in(view: View, records: Sequence[TrackletRecord]) -> list[int | None]:
    """Of each record, the `seq` of the row in the view that has the same content; else None.

    The same are metadata, time of enrolment and every bit of the embedding.
    """
    found: list[int | None] = [None] * len(records)
    places = [view.row_of(record.tracklet_id) for record in records]
    held = [number for number, place in enumerate(places) if place is not None]
    if not held:
        return found
    rows = np.array([places[number] for number in held])
    embeddings = np.stack([records[number].embedding for number in held])
    same = (view.embeddings(rows) == embeddings).all(axis=1)
    for number, head, is_same in zip(held, view.heads(rows), same, strict=True):
        record = records[number]
        if is_same and (head.metadata, head.enrolled_s) == (record.metadata, record.enrolled_s):
            found[number] = head.seq
    return found
