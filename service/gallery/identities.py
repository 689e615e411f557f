"""Who is who: identities renamed, merged, split, and tracklets moved from one to another.

An identity is a name that tracklets have; it is there as long as one has it. So each of these is a
change of metadata, row by row: `if_seq` guards each, and what somebody changed meanwhile is looked
at again. Embeddings and the moment of enrolment stay as they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from service.errors import Conflict, InvalidInput
from service.gallery.erasure_places import Subject, subject_of
from service.gallery.filter_tree import Equals
from service.gallery.gallery_errors import IdentityBeingErased, IdentityNotFound, TrackletNotFound
from service.gallery.guarded_changes import Found, change_found, found_in, write_unchanged
from service.gallery.index.view import View
from service.gallery.open_gallery import OpenGallery
from service.gallery.records import TrackletRecord, check_identifier
from service.gallery.stores.batch import Upsert
from service.gallery.stores.erasure_receipt import ErasureReceipt
from service.gallery.stores.row_codec import IntactRow

MOST_NAMED = 1000
"""Identities or tracklets that one request may name."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many tracklets have another identity now, and the last write that gave it."""

    tracklets: int
    seq: int
    visible: bool


def rename(gallery: OpenGallery, identity: str, to: str) -> Moved:
    """Give an identity a name that no other has.

    Raises:
        IdentityNotFound: When no tracklet is of `identity`.
        Conflict: When some are of `to` already.
        IdentityBeingErased: When either is being erased.
    """
    _check_names([identity, to])
    view = gallery.head_view()
    if _rows_of(view, [to]) and _rows_of(view, [identity]):
        raise Conflict(
            expected="a name that no identity of the gallery has",
            received=repr(to),
            remedy="merge the two, or choose another name",
        )
    return _move_all(gallery, [identity], to)


def merge(gallery: OpenGallery, identities: Sequence[str], into: str) -> Moved:
    """Make several identities one; it may be one of them.

    Raises:
        InvalidInput: When `into` is the only one of them.
        IdentityNotFound: When no tracklet is of any of them, but for `into`.
        IdentityBeingErased: When any of them is being erased.
    """
    _check_names([*identities, into])
    others = [name for name in identities if name != into]
    if not others:
        raise InvalidInput(
            expected="an identity other than the one that it is merged into",
            received=f"{into!r} alone",
            remedy="name those that are to become it",
        )
    return _move_all(gallery, others, into)


def split(gallery: OpenGallery, identity: str, tracklet_ids: Sequence[str], to: str) -> Moved:
    """Give some tracklets of an identity a name that no identity has.

    Raises:
        TrackletNotFound: When one of them is not a tracklet of `identity`; nothing is changed.
        Conflict: When another tracklet is of `to` already.
        IdentityBeingErased: When either is being erased.
    """
    _check_names([identity, to])
    view = gallery.head_view()
    for name in tracklet_ids:
        head = view.record_head(check_identifier("tracklet id", name))
        if head is None or head.metadata.identity not in {identity, to}:
            raise _not_among(f"a tracklet of identity {identity!r}", name)
    strangers = {name for name, _ in _rows_of(view, [to])} - set(tracklet_ids)
    if strangers:
        raise Conflict(
            expected="a name that no identity of the gallery has",
            received=repr(to),
            remedy="reassign the tracklets to it, or choose another name",
        )
    return _move_named(gallery, tracklet_ids, to)


def reassign(gallery: OpenGallery, tracklet_ids: Sequence[str], to: str | None) -> Moved:
    """Say of whom tracklets are; None that it is not known.

    Raises:
        TrackletNotFound: When one of them is not enrolled; nothing is changed.
        IdentityBeingErased: When an identity they have or get is being erased.
    """
    _check_names([] if to is None else [to])
    view = gallery.head_view()
    for name in tracklet_ids:
        if view.record_head(check_identifier("tracklet id", name)) is None:
            raise _not_among("the id of an enrolled tracklet", name)
    return _move_named(gallery, tracklet_ids, to)


def _move_all(gallery: OpenGallery, identities: Sequence[str], to: str) -> Moved:
    if len(identities) > MOST_NAMED:
        raise _too_many(len(identities))
    moved = _move(gallery, lambda view: _rows_of(view, identities), to)
    if not moved.tracklets:
        raise IdentityNotFound(
            expected="an identity of at least one tracklet",
            received="none with such a tracklet",
            remedy="GET /galleries/{gallery}/identities lists them",
        )
    return moved


def _move_named(gallery: OpenGallery, tracklet_ids: Sequence[str], to: str | None) -> Moved:
    if not 1 <= len(tracklet_ids) <= MOST_NAMED:
        raise _too_many(len(tracklet_ids))

    def find(view: View) -> list[Found]:
        heads = [view.record_head(name) for name in dict.fromkeys(tracklet_ids)]
        return [
            (head.tracklet_id, head.seq)
            for head in heads
            if head is not None and head.metadata.identity != to
        ]

    return _move(gallery, find, to)


def _move(gallery: OpenGallery, find: Callable[[View], list[Found]], to: str | None) -> Moved:
    """Give `to` to what `find` finds, until it finds nothing."""
    moved = change_found(
        gallery.replica,
        find,
        lambda found: _move_unchanged(gallery, found, to),
        timeout_s=gallery.visible_within_s,
    )
    if not moved.complete:
        raise Conflict(
            expected="tracklets that stay as they are for a moment",
            received=f"some that were replaced again and again; {moved.tracklets} were moved",
            remedy="repeat the request when fewer are being enrolled",
        )
    return Moved(moved.tracklets, moved.seq, visible=True)


def _move_unchanged(gallery: OpenGallery, found: Sequence[Found], to: str | None) -> int:
    """Move those rows that still are what was found; how many there were."""
    seqs = dict(found)
    records = [
        row.record
        for row in gallery.rows(list(seqs))
        if isinstance(row, IntactRow) and row.record.seq == seqs[row.record.tracklet_id]
    ]
    _refuse_erased(gallery, records)
    upserts = [
        Upsert(
            record.tracklet_id,
            record.embedding,
            replace(record.metadata, identity=to),
            if_seq=record.seq,
            enrolled_s=record.enrolled_s,
        )
        for record in records
    ]
    return len(write_unchanged(lambda left: gallery.write(left).outcomes, upserts))


def _refuse_erased(gallery: OpenGallery, records: Sequence[TrackletRecord]) -> None:
    """A row that is about to be erased must not get away under another name or as a later write."""
    receipts = gallery.store.receipts(gallery.gallery_id)
    pending = [receipt for receipt in receipts if receipt.state == "erasing"]
    if any(_is_meant(receipt, record) for receipt in pending for record in records):
        raise IdentityBeingErased(
            expected="an identity or a tracklet that is not being erased",
            received="one that is",
            remedy="wait until its erasure is final",
        )


def _is_meant(receipt: ErasureReceipt, record: TrackletRecord) -> bool:
    named = {Subject(record.metadata.identity), Subject(tracklet_id=record.tracklet_id)}
    is_later = receipt.upto_seq is not None and record.seq > receipt.upto_seq
    return subject_of(receipt) in named and not is_later


def _rows_of(view: View, identities: Sequence[str]) -> list[Found]:
    if not identities:
        return []
    return found_in(view, Equals("identity", tuple(identities)))


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        check_identifier("identity", name)


def _not_among(expected: str, name: str) -> TrackletNotFound:
    return TrackletNotFound(
        expected=expected, received=repr(name), remedy="leave it out, or look its identity up"
    )


def _too_many(named: int) -> InvalidInput:
    return InvalidInput(
        expected=f"1 to {MOST_NAMED} names in one request",
        received=str(named),
        remedy="split the request",
    )
