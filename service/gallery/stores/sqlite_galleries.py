"""The row of a gallery in the database: what was decided for it, and where it stands."""

import sqlite3
import zlib
from dataclasses import dataclass
from typing import Any

from service.gallery.gallery_errors import GalleryNotFound
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState
from service.gallery.stores.sqlite_damage import damaged

_COLUMNS = (
    "gallery_id, name, created_s, fingerprint, dimension, max_tracklets, retention_s, "
    "seq, tracklets, digest, chain, trimmed, checksum"
)

Cells = tuple[str | int | float | None, ...]
Row = tuple[Any, ...]
"""A key and the cells of `_COLUMNS`; a checksum proves that they have their types."""


@dataclass(frozen=True, slots=True)
class HeldGallery:
    """A gallery of the database.

    Attributes:
        key: Short for its id within the file.
        trimmed: Last entry that is no longer in the log.
    """

    key: int
    info: GalleryInfo
    state: GalleryState
    trimmed: int


def insert(database: sqlite3.Connection, gallery: HeldGallery) -> int:
    """Write the row of a new gallery, and return the key that it gets."""
    cursor = database.execute(
        f"INSERT INTO galleries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 constant
        _cells(gallery),
    )
    return int(cursor.lastrowid or 0)


def save(database: sqlite3.Connection, gallery: HeldGallery) -> None:
    """Write where the gallery now stands."""
    database.execute(
        "UPDATE galleries SET seq = ?, tracklets = ?, digest = ?, chain = ?, trimmed = ?, "
        "checksum = ? WHERE gallery_key = ?",
        (*_cells(gallery)[7:], gallery.key),
    )


def held_galleries(database: sqlite3.Connection) -> tuple[HeldGallery, ...]:
    """Every gallery, by name."""
    rows = database.execute(f"SELECT gallery_key, {_COLUMNS} FROM galleries ORDER BY name")  # noqa: S608 constant
    return tuple(_held(row) for row in rows)


def held_gallery(database: sqlite3.Connection, gallery_id: str) -> HeldGallery:
    """The gallery of this id.

    Raises:
        GalleryNotFound: When there is none.
        StoreUnavailable: When its row is not what was written.
    """
    row = database.execute(
        f"SELECT gallery_key, {_COLUMNS} FROM galleries WHERE gallery_id = ?",  # noqa: S608 constant
        (gallery_id,),
    ).fetchone()
    if row is None:
        raise GalleryNotFound(
            expected="the id of a gallery in the store",
            received=repr(gallery_id),
            remedy="list the galleries; one that was dropped does not come back",
        )
    return _held(row)


def signed(digest: int) -> int:
    """The 64 bits as the integer that SQLite can hold."""
    return digest - 2**64 if digest >= 2**63 else digest


def unsigned(held: int) -> int:
    """The 64 bits of an integer from SQLite."""
    return held % 2**64


def _cells(gallery: HeldGallery) -> Cells:
    """By `_COLUMNS`, in the types in which SQLite gives them back."""
    info, spec, state = gallery.info, gallery.info.spec, gallery.state
    cells = (
        info.gallery_id,
        info.name,
        float(info.created_s),
        spec.model.fingerprint,
        spec.model.dimension,
        spec.max_tracklets,
        None if spec.retention_s is None else float(spec.retention_s),
        state.seq,
        state.tracklets,
        signed(state.digest),
        state.chain,
        gallery.trimmed,
    )
    return (*cells, _checksum(cells))


def _held(row: Row) -> HeldGallery:
    key, gallery_id, name, created_s, fingerprint, dimension, max_tracklets, *rest = row
    retention_s, seq, tracklets, digest, chain, trimmed, checksum = rest
    if _checksum(row[1:-1]) != checksum:
        raise damaged("the row of a gallery")
    spec = GallerySpec(GalleryModel(fingerprint, dimension), max_tracklets, retention_s)
    info = GalleryInfo(gallery_id, name, spec, created_s)
    state = GalleryState(seq, tracklets, unsigned(digest), chain)
    return HeldGallery(key, info, state, trimmed)


def _checksum(cells: Row) -> int:
    return zlib.crc32(repr(cells).encode("utf-8", "replace"))
