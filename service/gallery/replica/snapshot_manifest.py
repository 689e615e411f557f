"""The manifest of a snapshot: of which gallery it is, where that stood, and what the files hold.

Two lines: the SHA-256 of the second one, and the description as JSON.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from service.gallery.replica.snapshot_files import ALLOWED_TYPES, ArrayFile, unusable, write_text
from service.gallery.stores.protocol import GalleryInfo, GalleryModel, GallerySpec, GalleryState

FORMAT = 1
MANIFEST_FILE = "MANIFEST"
MOST_MANIFEST_BYTES = 64 * 2**20

_NAME = re.compile(r"[a-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """What a snapshot says of itself.

    Attributes:
        info: The gallery.
        state: Where it stood; the digest is that of the rows in the files.
        arrays: The files.
        quarantined: Ids of rows that were damaged in the store, and are in no file.
    """

    info: GalleryInfo
    state: GalleryState
    arrays: tuple[ArrayFile, ...]
    quarantined: tuple[str, ...] = ()


def write_manifest(directory: Path, manifest: SnapshotManifest) -> None:
    """Write it as a new file, and sync it."""
    described = json.dumps({"format": FORMAT, **asdict(manifest)}, separators=(",", ":"))
    write_text(directory / MANIFEST_FILE, f"{_checksum(described)}\n{described}\n")


def read_manifest(directory: Path) -> SnapshotManifest:
    """The manifest of a snapshot.

    Raises:
        SnapshotUnusable: When it is missing, damaged, or of another format.
    """
    path = directory / MANIFEST_FILE
    try:
        if path.stat().st_size > MOST_MANIFEST_BYTES:
            raise unusable(f"a manifest of {MOST_MANIFEST_BYTES} bytes at most", "a larger file")
        lines = path.read_bytes().decode("ascii").split("\n")
    except OSError as error:
        raise unusable("a readable manifest", error.strerror or "none") from error
    except UnicodeDecodeError as error:
        raise unusable("a manifest in ASCII", "other bytes") from error
    if len(lines) != 3 or lines[2] or _checksum(lines[1]) != lines[0]:
        raise unusable("a manifest that agrees with its checksum", "one that does not")
    return _parsed(lines[1])


def _parsed(described: str) -> SnapshotManifest:
    try:
        fields = json.loads(described)
        written = fields.pop("format")
        if written != FORMAT:
            raise unusable(f"a snapshot of format {FORMAT}", f"format {str(written)[:20]}")
        info, spec = fields["info"], fields["info"]["spec"]
        spec = GallerySpec(**{**spec, "model": GalleryModel(**spec["model"])})
        fields["info"] = GalleryInfo(**{**info, "spec": spec})
        fields["state"] = GalleryState(**fields["state"])
        fields["arrays"] = tuple(_array(array) for array in fields["arrays"])
        fields["quarantined"] = tuple(_text(name) for name in fields["quarantined"])
        return SnapshotManifest(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise unusable("a manifest of this release", type(error).__name__) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _array(fields: dict[str, object]) -> ArrayFile:
    array = ArrayFile(**fields)  # type: ignore[arg-type]
    shape, checksums = tuple(array.shape), tuple(array.checksums)
    numbers = all(isinstance(number, int) and number >= 0 for number in (*shape, *checksums))
    if not (_NAME.fullmatch(array.name) and array.dtype in ALLOWED_TYPES and numbers):
        raise ValueError(array.name)
    return ArrayFile(array.name, array.dtype, shape, checksums)


def _checksum(described: str) -> str:
    return hashlib.sha256(described.encode()).hexdigest()
