"""Snapshots of one gallery on the disk: each complete and verified, or ignored.

    <root>/<gallery id>/CURRENT                   the name of the newest verified one
                        snapshot-<seq>-<random>/  MANIFEST and one raw file an array
                        tmp-*/                    being written or removed; of no value

They are disposable: the store is the truth, and a snapshot only saves the time to read it whole.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.gallery.failpoints import failpoint
from service.gallery.gallery_errors import SnapshotFailed, SnapshotUnusable
from service.gallery.replica.snapshot_files import (
    drop_cached_pages,
    sync_directory,
    unusable,
    verify_array,
    write_array,
    write_text,
)
from service.gallery.replica.snapshot_manifest import (
    SnapshotManifest,
    read_manifest,
    write_manifest,
)
from service.gallery.stores.protocol import GalleryInfo, GalleryState

CURRENT_FILE = "CURRENT"
KEPT = 2
SPARE_BYTES = 16 * 2**20
"""Left free on the disk beside a snapshot: for its manifest, and for others who write there."""

_NAME = re.compile(r"snapshot-(\d{20})-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class SnapshotContent:
    """What a snapshot is made of.

    Attributes:
        state: What the arrays hold.
        arrays: From the name of an array to the pieces that it consists of, at least one.
        size_bytes: Of all arrays.
        quarantined: Ids of rows that were damaged in the store, and are not in the arrays.
    """

    state: GalleryState
    arrays: Mapping[str, Iterable[NDArray[np.generic]]]
    size_bytes: int
    quarantined: tuple[str, ...] = ()


class SnapshotDirectory:
    """The snapshots of one gallery; one thread at a time may use it.

    Args:
        root: Holds the directories of all galleries.
        info: Which gallery.
    """

    def __init__(self, root: Path, info: GalleryInfo) -> None:
        self.directory = root / info.gallery_id
        self._info = info

    def write(self, content: SnapshotContent) -> Path:
        """Write a snapshot, read it back, and make it the current one.

        Raises:
            SnapshotFailed: When that was not possible; the snapshots before are untouched.
        """
        temporary = self.directory / f"tmp-{secrets.token_hex(8)}"
        name = f"snapshot-{content.state.seq:020d}-{secrets.token_hex(8)}"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_room(content.size_bytes)
            temporary.mkdir(mode=0o700)
            manifest = self._write_files(temporary, content)
            temporary.rename(self.directory / name)
            sync_directory(self.directory)
            failpoint("snapshot.renamed")
            self._read_back(self.directory / name, manifest)
            self._move_current(name)
        except OSError as error:
            raise SnapshotFailed(
                expected=f"to write a snapshot in {self.directory}",
                received=error.strerror or type(error).__name__,
                remedy="mend the disk or its permissions; meanwhile starts take longer",
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        failpoint("snapshot.current_moved")
        return self.directory / name

    def newest_first(self) -> list[Path]:
        """Every snapshot by its name: the current one, then those of later writes first."""
        if not self.directory.is_dir():
            return []
        found = [path for path in self.directory.iterdir() if _NAME.fullmatch(path.name)]
        current = self._current()
        return sorted(found, key=lambda path: (path.name == current, path.name), reverse=True)

    def read_manifest(self, path: Path) -> SnapshotManifest:
        """The manifest of a snapshot, when that is one of this gallery.

        Raises:
            SnapshotUnusable: When it is damaged, or of another gallery, model or dimension.
        """
        manifest = read_manifest(path)
        held, wanted = manifest.info, self._info
        if (held.gallery_id, held.spec.model) != (wanted.gallery_id, wanted.spec.model):
            raise unusable("a snapshot of this gallery and its model", "one of another")
        return manifest

    def verify(self, path: Path) -> SnapshotManifest:
        """Read a snapshot whole and keep nothing of it.

        Raises:
            SnapshotUnusable: When one bit of it is not as written, or it is of something else.
        """
        manifest = self.read_manifest(path)
        for array in manifest.arrays:
            verify_array(path, array)
        return manifest

    def remove_garbage(self) -> int:
        """Remove what a process left that died while writing; how much there was."""
        garbage = sorted(self.directory.glob("tmp-*"))
        for path in garbage:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
        return len(garbage)

    def forget_all_but(self, kept: Sequence[Path]) -> None:
        """Remove every other snapshot, and return when their names are gone from the disk.

        Raises:
            SnapshotFailed: When one of them could not be removed.
        """
        try:
            for path in self.newest_first():
                if path not in kept:
                    # A name that says so: what is half removed is never taken for a snapshot.
                    doomed = path.rename(self.directory / f"tmp-{path.name}")
                    shutil.rmtree(doomed)
            if self.directory.is_dir():
                sync_directory(self.directory)
        except OSError as error:
            raise SnapshotFailed(
                expected=f"to remove old snapshots from {self.directory}",
                received=error.strerror or type(error).__name__,
                remedy="mend the disk or its permissions, and remove them by hand",
            ) from error

    def remove(self) -> None:
        """Remove all snapshots of the gallery, and the directory."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write_files(self, temporary: Path, content: SnapshotContent) -> SnapshotManifest:
        failpoint("snapshot.begun")
        arrays = tuple(
            write_array(temporary, name, pieces) for name, pieces in content.arrays.items()
        )
        failpoint("snapshot.arrays_written")
        manifest = SnapshotManifest(self._info, content.state, arrays, content.quarantined)
        write_manifest(temporary, manifest)
        sync_directory(temporary)
        failpoint("snapshot.manifest_written")
        return manifest

    def _read_back(self, path: Path, manifest: SnapshotManifest) -> None:
        drop_cached_pages(path)
        try:
            if self.verify(path) != manifest:
                raise unusable("the manifest as written", "another")
        except SnapshotUnusable:
            shutil.rmtree(path, ignore_errors=True)
            raise

    def _move_current(self, name: str) -> None:
        temporary = self.directory / f"tmp-{CURRENT_FILE}"
        temporary.unlink(missing_ok=True)
        write_text(temporary, f"{name}\n")
        temporary.replace(self.directory / CURRENT_FILE)
        sync_directory(self.directory)

    def _current(self) -> str | None:
        try:
            return (self.directory / CURRENT_FILE).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def _check_room(self, size_bytes: int) -> None:
        disk = os.statvfs(self.directory)
        needed, free = size_bytes + SPARE_BYTES, disk.f_bavail * disk.f_frsize
        if free < needed:
            raise SnapshotFailed(
                expected=f"{needed} free bytes for a snapshot in {self.directory}",
                received=f"{free}",
                remedy="free some space; meanwhile the log of the store is not trimmed",
            )
