"""Galleries and aliases in the database: created, listed, dropped and pointed at."""

import secrets
import sqlite3
import zlib

from service.gallery.gallery_errors import GalleryExists
from service.gallery.stores.log_chain import first_hash
from service.gallery.stores.protocol import GalleryInfo, GallerySpec, GalleryState
from service.gallery.stores.sqlite_damage import damaged
from service.gallery.stores.sqlite_galleries import (
    HeldGallery,
    held_galleries,
    held_gallery,
    insert,
)


def create(
    database: sqlite3.Connection, name: str, spec: GallerySpec, *, now_s: float
) -> GalleryInfo:
    """Create an empty gallery; one of this name and the same specification stays as it is."""
    for info in infos(database):
        if info.name == name and info.spec == spec:
            return info
        if info.name == name:
            raise _exists(f"{name!r}, a gallery of another specification")
    if database.execute("SELECT 1 FROM aliases WHERE alias = ?", (name,)).fetchone():
        raise _exists(f"{name!r}, an alias")
    info = GalleryInfo(secrets.token_hex(16), name, spec, now_s)
    empty = GalleryState(0, 0, 0, first_hash(info.gallery_id))
    insert(database, HeldGallery(0, info, empty, trimmed=0))
    return info


def infos(database: sqlite3.Connection) -> tuple[GalleryInfo, ...]:
    """Every gallery, by name."""
    return tuple(gallery.info for gallery in held_galleries(database))


def drop(database: sqlite3.Connection, gallery_id: str) -> None:
    """Delete the gallery, and with it everything that refers to it."""
    key = held_gallery(database, gallery_id).key
    database.execute("DELETE FROM galleries WHERE gallery_key = ?", (key,))
    database.execute("INSERT INTO dropped (gallery_id) VALUES (?)", (gallery_id,))


def give_up(database: sqlite3.Connection, gallery_id: str) -> None:
    """Remember a gallery that was lost as one that was dropped."""
    database.execute("INSERT OR IGNORE INTO dropped (gallery_id) VALUES (?)", (gallery_id,))


def was_dropped(database: sqlite3.Connection, gallery_id: str) -> bool:
    """Whether a gallery of this id was dropped."""
    found = database.execute("SELECT 1 FROM dropped WHERE gallery_id = ?", (gallery_id,))
    return found.fetchone() is not None


def aliases(database: sqlite3.Connection) -> dict[str, str]:
    """From alias to gallery id.

    Raises:
        StoreUnavailable: When one is not what was written: it could point at another gallery.
    """
    rows = database.execute(
        "SELECT alias, gallery_id, aliases.checksum "
        "FROM aliases LEFT JOIN galleries USING (gallery_key) ORDER BY alias"
    ).fetchall()
    if any(_checksum(alias, gallery_id) != checksum for alias, gallery_id, checksum in rows):
        raise damaged("an alias")
    return {alias: gallery_id for alias, gallery_id, _ in rows}


def set_alias(database: sqlite3.Connection, alias: str, gallery_id: str | None) -> None:
    """Point the alias at a gallery; None removes it."""
    if gallery_id is None:
        database.execute("DELETE FROM aliases WHERE alias = ?", (alias,))
        return
    if database.execute("SELECT 1 FROM galleries WHERE name = ?", (alias,)).fetchone():
        raise _exists(f"{alias!r}, a gallery")
    database.execute(
        "INSERT OR REPLACE INTO aliases (alias, gallery_key, checksum) VALUES (?, ?, ?)",
        (alias, held_gallery(database, gallery_id).key, _checksum(alias, gallery_id)),
    )


def _checksum(alias: str, gallery_id: str | None) -> int:
    return zlib.crc32(f"{alias}\0{gallery_id}".encode())


def _exists(received: str) -> GalleryExists:
    return GalleryExists(
        expected="a name that nothing has",
        received=received,
        remedy="choose another name, or delete what has it",
    )
