"""Galleries and aliases in the database."""

import secrets
import sqlite3
from dataclasses import dataclass

from service.errors import GalleryExists, GalleryNotFound
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState

_INFO = "gallery_id, name, fingerprint, dimension, max_tracklets, retention_s, created_s"
_HELD = f"gallery_key, seq, tracklets, digest, chain, trimmed, {_INFO}"


@dataclass(frozen=True, slots=True)
class HeldGallery:
    """The gallery's own row.

    Attributes:
        key: Short for its id within the file.
        trimmed: Last entry that is no longer in the log.
    """

    key: int
    info: GalleryInfo
    state: GalleryState
    trimmed: int


def create(
    database: sqlite3.Connection, name: str, spec: GallerySpec, *, now_s: float
) -> GalleryInfo:
    """Create an empty gallery; one of this name and the same specification stays as it is."""
    found = database.execute(f"SELECT {_INFO} FROM galleries WHERE name = ?", (name,)).fetchone()  # noqa: S608 constant
    if found is not None:
        held = _info(found)
        if held.spec == spec:
            return held
        raise _exists(f"{name!r}, a gallery of another specification")
    if database.execute("SELECT 1 FROM aliases WHERE alias = ?", (name,)).fetchone():
        raise _exists(f"{name!r}, an alias")
    info = GalleryInfo(secrets.token_hex(16), name, spec, now_s)
    empty = GalleryState(0, 0, 0, first_hash(info.gallery_id))
    insert(database, info, empty, trimmed=0)
    return info


def insert(
    database: sqlite3.Connection, info: GalleryInfo, state: GalleryState, *, trimmed: int
) -> int:
    """Write the row of a new gallery, and return its key."""
    spec = info.spec
    cursor = database.execute(
        f"INSERT INTO galleries (seq, tracklets, digest, chain, trimmed, {_INFO}) "  # noqa: S608 constant
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            state.seq,
            state.tracklets,
            signed(state.digest),
            state.chain,
            trimmed,
            info.gallery_id,
            info.name,
            spec.model.fingerprint,
            spec.model.dimension,
            spec.max_tracklets,
            spec.retention_s,
            info.created_s,
        ),
    )
    return int(cursor.lastrowid or 0)


def infos(database: sqlite3.Connection) -> tuple[GalleryInfo, ...]:
    """Every gallery, by name."""
    rows = database.execute(f"SELECT {_INFO} FROM galleries ORDER BY name")  # noqa: S608 constant
    return tuple(_info(row) for row in rows)


def held_gallery(database: sqlite3.Connection, gallery_id: str) -> HeldGallery:
    """The gallery of this id.

    Raises:
        GalleryNotFound: When there is none.
    """
    row = database.execute(
        f"SELECT {_HELD} FROM galleries WHERE gallery_id = ?",  # noqa: S608 constant
        (gallery_id,),
    ).fetchone()
    if row is None:
        raise GalleryNotFound(
            expected="the id of a gallery in the store",
            received=repr(gallery_id),
            remedy="list the galleries; one that was dropped does not come back",
        )
    key, seq, tracklets, digest, chain, trimmed, *described = row
    state = GalleryState(seq, tracklets, unsigned(digest), chain)
    return HeldGallery(key, _info(tuple(described)), state, trimmed)


def advance(database: sqlite3.Connection, key: int, state: GalleryState) -> None:
    """Write the state after another write."""
    database.execute(
        "UPDATE galleries SET seq = ?, tracklets = ?, digest = ?, chain = ? WHERE gallery_key = ?",
        (state.seq, state.tracklets, signed(state.digest), state.chain, key),
    )


def drop(database: sqlite3.Connection, gallery_id: str) -> None:
    """Delete the gallery, and with it everything that refers to it."""
    key = held_gallery(database, gallery_id).key
    database.execute("DELETE FROM galleries WHERE gallery_key = ?", (key,))
    database.execute("INSERT INTO dropped (gallery_id) VALUES (?)", (gallery_id,))


def was_dropped(database: sqlite3.Connection, gallery_id: str) -> bool:
    """Whether a gallery of this id was dropped."""
    found = database.execute("SELECT 1 FROM dropped WHERE gallery_id = ?", (gallery_id,))
    return found.fetchone() is not None


def aliases(database: sqlite3.Connection) -> dict[str, str]:
    """From alias to gallery id."""
    return dict(
        database.execute(
            "SELECT alias, gallery_id FROM aliases JOIN galleries USING (gallery_key) "
            "ORDER BY alias"
        ).fetchall()
    )


def set_alias(database: sqlite3.Connection, alias: str, gallery_id: str | None) -> None:
    """Point the alias at a gallery; None removes it."""
    if gallery_id is None:
        database.execute("DELETE FROM aliases WHERE alias = ?", (alias,))
        return
    if database.execute("SELECT 1 FROM galleries WHERE name = ?", (alias,)).fetchone():
        raise _exists(f"{alias!r}, a gallery")
    database.execute(
        "INSERT INTO aliases (alias, gallery_key) VALUES (?, ?) "
        "ON CONFLICT (alias) DO UPDATE SET gallery_key = excluded.gallery_key",
        (alias, held_gallery(database, gallery_id).key),
    )


def signed(digest: int) -> int:
    """The 64 bits as the integer that SQLite can hold."""
    return digest - 2**64 if digest >= 2**63 else digest


def unsigned(held: int) -> int:
    """The 64 bits of an integer from SQLite."""
    return held % 2**64


def _info(row: tuple[str, str, str, int, int | None, float | None, float]) -> GalleryInfo:
    gallery_id, name, fingerprint, dimension, max_tracklets, retention_s, created_s = row
    spec = GallerySpec(GalleryModel(fingerprint, dimension), max_tracklets, retention_s)
    return GalleryInfo(gallery_id, name, spec, created_s)


def _exists(received: str) -> GalleryExists:
    return GalleryExists(
        expected="a name that nothing has",
        received=received,
        remedy="choose another name, or delete what has it",
    )
