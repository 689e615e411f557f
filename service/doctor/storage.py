"""Whether galleries can be kept: the data directory, room on its disk, and the store."""

import os
import shutil
from pathlib import Path

from service.doctor.finding import Finding, fail, failed, ok, warn
from service.errors import ReidError
from service.gallery.directory_lock import LOCK_FILE, DirectoryLock
from service.gallery_setup import STORE_FILE, gallery_store
from service.settings import Settings

_LEAST_FREE = 256 * 2**20
_LITTLE_FREE = 5 * 2**30


def check_data_directory(settings: Settings) -> Finding:
    """The directory of snapshots, and of the galleries where the store is SQLite."""
    directory = settings.data_dir
    held = _nearest(directory)
    if not os.access(held, os.W_OK | os.X_OK):
        return fail(
            "data directory",
            f"{held} cannot be written",
            "correct its owner and permissions, or set REID_DATA_DIR to another one",
        )
    if held != directory:
        return ok("data directory", f"{directory} is made at the first start")
    return ok("data directory", f"{directory} can be written")


def check_disk(settings: Settings) -> Finding:
    """Free room where the data directory is."""
    free = shutil.disk_usage(_nearest(settings.data_dir)).free
    found = f"{free / 2**30:.1f} GiB free at {settings.data_dir}"
    if free < _LEAST_FREE:
        return fail("disk", found, "make room: enrolment and snapshots would fail")
    if free < _LITTLE_FREE:
        return warn("disk", found, "make room before galleries and snapshots need it")
    return ok("disk", found)


def check_store(settings: Settings) -> Finding:
    """Whether the store answers; SQLite's file is not opened, because a start may change it."""
    if settings.store == "redis":
        return _check_redis(settings)
    file = settings.data_dir / STORE_FILE
    if not file.exists():
        return ok("store", f"SQLite; {file} is made at the first start")
    if not os.access(file, os.R_OK | os.W_OK):
        return fail("store", f"{file} cannot be read and written", "correct its owner")
    if _is_used(settings.data_dir):
        return ok("store", f"SQLite; a running service uses {file}")
    size = file.stat().st_size / 2**20
    return ok("store", f"SQLite; {file} has {size:.1f} MiB; `reid gallery verify` reads it")


def _check_redis(settings: Settings) -> Finding:
    try:
        store = gallery_store(settings)
        store.open()
    except ReidError as error:
        return failed("store", error)
    try:
        return ok("store", f"Redis keeps what it acknowledges; {len(store.galleries())} galleries")
    finally:
        store.close()


def _is_used(directory: Path) -> bool:
    if not (directory / LOCK_FILE).exists():
        return False
    try:
        DirectoryLock(directory).release()
    except ReidError:
        return True
    return False


def _nearest(path: Path) -> Path:
    """The path, or what is there of it."""
    absolute = path.absolute()
    return next(one for one in (absolute, *absolute.parents) if one.exists())
