"""Tracklets and identities of a gallery, a page at a time, in the order of their names."""

import heapq
from dataclasses import dataclass

import numpy as np

from service.errors import InvalidQuery
from service.gallery.cursor import Listed, cursor_after, last_name
from service.gallery.filter_tree import Exists, Filter
from service.gallery.open_gallery import OpenGallery
from service.gallery.records import TrackletRecord
from service.gallery.stores.row_codec import IntactRow


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page.

    Attributes:
        cursor: `next_cursor` of the page before; None for the first.
        limit: Names on a page at most.

    Raises:
        InvalidQuery: When `limit` is below 1.
    """

    cursor: str | None
    limit: int

    def __post_init__(self) -> None:
        """Refuse pages of nothing."""
        if self.limit < 1:
            raise InvalidQuery(
                expected="`limit` of at least 1", received=str(self.limit), remedy="ask for more"
            )


@dataclass(frozen=True, slots=True)
class Page:
    """Records by id; `next_cursor` is None on the last page, `seq` that of the view listed."""

    records: tuple[TrackletRecord, ...]
    next_cursor: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class IdentityCount:
    """An identity and how many tracklets it has."""

    identity: str
    tracklets: int


@dataclass(frozen=True, slots=True)
class IdentityPage:
    """As `Page`, of identities."""

    identities: tuple[IdentityCount, ...]
    next_cursor: str | None
    seq: int


def list_tracklets(
    gallery: OpenGallery, chosen: Filter, paging: Paging, *, min_seq: int | None, within_s: float
) -> Page:
    """Records that pass the filter, by id, after those of the page before.

    A tracklet that is enrolled from the first page to the last is on exactly one of them.

    Args:
        gallery: Which gallery.
        chosen: Which tracklets.
        paging: Which page.
        min_seq: A write that the page must show.
        within_s: How long to wait for that.

    Raises:
        InvalidQuery: When the cursor is not one of this gallery.
        ReplicaBehind: When the write is not shown in time.
    """
    after = _after(paging, gallery.gallery_id, "tracklets")
    view = gallery.view(min_seq=min_seq, within_s=within_s)
    now_s = gallery.now_s()
    names = view.page(chosen, after=after, limit=paging.limit + 1, now_s=now_s)
    shown = names[: paging.limit]
    # As they are now: a row that was replaced or deleted meanwhile is shown so, or not at all.
    records = tuple(
        row.record
        for row in gallery.rows(shown)
        if isinstance(row, IntactRow) and _passes(row.record, chosen, now_s)
    )
    more = len(names) > paging.limit
    return Page(
        records,
        cursor_after(gallery.gallery_id, "tracklets", shown[-1]) if more else None,
        view.state.seq,
    )


def list_identities(
    gallery: OpenGallery, paging: Paging, *, min_seq: int | None, within_s: float
) -> IdentityPage:
    """Identities by name, with the number of their tracklets; otherwise as `list_tracklets`."""
    after = _after(paging, gallery.gallery_id, "identities")
    view = gallery.view(min_seq=min_seq, within_s=within_s)
    rows = view.select(Exists("identity"), now_s=gallery.now_s()).rows()
    codes, counts = np.unique(view.identity_codes(rows), return_counts=True)
    named = (
        IdentityCount(identity, int(count))
        for identity, count in zip(map(view.identity_of, codes.tolist()), counts, strict=True)
        if identity is not None and (after is None or identity > after)
    )
    found = heapq.nsmallest(paging.limit + 1, named, key=lambda one: one.identity)
    shown = tuple(found[: paging.limit])
    more = len(found) > paging.limit
    return IdentityPage(
        shown,
        cursor_after(gallery.gallery_id, "identities", shown[-1].identity) if more else None,
        view.state.seq,
    )


def _after(paging: Paging, gallery_id: str, listed: Listed) -> str | None:
    return None if paging.cursor is None else last_name(paging.cursor, gallery_id, listed)


def _passes(record: TrackletRecord, chosen: Filter, now_s: float) -> bool:
    metadata = record.metadata
    return not metadata.has_expired(now_s) and chosen.matches(record.tracklet_id, metadata)
