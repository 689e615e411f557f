"""Tracklets on disk: a directory of frames is one, a tree of such directories is many.

Frames are taken in the order of their names, which must be their order in time. An optional
`tracklet.json` beside them holds the metadata.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from model.manifest import FrameChoice
from service.api.schemas import MetadataBody
from service.api.validation import parse_json
from service.errors import InvalidIdentifier, InvalidMetadata, ReidError
from service.gallery.records import check_identifier

METADATA_FILE = "tracklet.json"
FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class TrackletFolderError(ValueError):
    """A directory that cannot be read as tracklets; the text says expected, received, remedy."""


@dataclass(frozen=True)
class TrackletFolder:
    """One tracklet on disk; `frames` are files in time order."""

    tracklet_id: str
    frames: tuple[Path, ...]
    metadata: MetadataBody

    def read_frames(self, most: int) -> list[bytes]:
        """The encoded frames, or `most` evenly spaced ones when there are more.

        Raises:
            TrackletFolderError: When a file cannot be read.
        """
        indices = FrameChoice(policy="evenly_spaced", most=most).indices(len(self.frames))
        return [_content(self.frames[index]) for index in indices]


def find_tracklets(root: Path) -> list[TrackletFolder]:
    """Every tracklet at or below `root`, by id: the path below `root` with dots for slashes.

    Hidden files and directories are passed over; links are followed, each directory once.

    Raises:
        TrackletFolderError: When `root` is no directory or holds no frame, two tracklets get the
            same id or an impossible one, a directory cannot be read, or a `tracklet.json` breaks
            its schema.
    """
    if not root.is_dir():
        raise TrackletFolderError(
            f"expected a directory of frames, received {root}, which is "
            f"{'a file' if root.exists() else 'not there'}; name a directory"
        )
    found: dict[str, TrackletFolder] = {}
    visited: set[str] = set()
    for folder, inner, files in os.walk(root, onerror=_refuse, followlinks=True):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if os.path.realpath(folder) in visited:  # a link that leads back, or to one seen already
            inner.clear()
            continue
        visited.add(os.path.realpath(folder))
        frames = tuple(Path(folder, name) for name in sorted(files) if _is_frame(name))
        if not frames:
            continue
        metadata = _metadata(Path(folder, METADATA_FILE))
        tracklet = TrackletFolder(_tracklet_id(root, Path(folder)), frames, metadata)
        if tracklet.tracklet_id in found:
            raise TrackletFolderError(
                f"expected one tracklet per id, received two for {tracklet.tracklet_id!r} "
                f"below {root}; rename one of the directories"
            )
        found[tracklet.tracklet_id] = tracklet
    if not found:
        raise TrackletFolderError(
            f"expected frames ({', '.join(FRAME_SUFFIXES)}) at or below {root}, received none; "
            "name the directory that holds them"
        )
    return [found[tracklet_id] for tracklet_id in sorted(found)]


def _is_frame(name: str) -> bool:
    return name.lower().endswith(FRAME_SUFFIXES) and not name.startswith(".")


def _tracklet_id(root: Path, folder: Path) -> str:
    tracklet_id = ".".join(folder.relative_to(root).parts) or root.resolve().name
    try:
        return check_identifier("tracklet id", tracklet_id)
    except InvalidIdentifier as error:
        raise TrackletFolderError(f"{str(folder)!r}: {error}; rename the directory") from error


def _refuse(error: OSError) -> None:
    raise TrackletFolderError(
        f"expected directories that can be read, received {str(error.filename)!r}: "
        f"{error.strerror}; correct its permissions or leave it out"
    ) from error


def _metadata(path: Path) -> MetadataBody:
    if not path.is_file():
        return MetadataBody()
    try:
        return parse_json(MetadataBody, _content(path), fault=InvalidMetadata)
    except ReidError as error:
        raise TrackletFolderError(f"{path}: {error}") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrackletFolderError(
            f"expected to read {path}, received {error.strerror}; check the file"
        ) from error
