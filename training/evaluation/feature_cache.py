"""Features of tracklets on disk, so that an evaluation is ranked again without a model.

A folder of files, each holding some tracklets. What they were computed with names the folder, what
each tracklet consisted of names its row: changed weights or frames are not found, and an
interrupted run goes on where it stopped. Features of people are biometric data: files are readable
by their owner only.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from model.durable_file import durable_file
from training.data.tracklet import Tracklet
from training.evaluation.embed import PartMeans
from training.evaluation.feature_key import FeatureKey

KEY_FILE = "key.json"
_DIGESTS = "tracklet_sha256"


class CachedFeatures(NamedTuple):
    """What a cache holds.

    Attributes:
        features: Digest of a tracklet → its parts, [d] each.
        damaged: Files that were not as they had been written, and have been removed.
    """

    features: dict[str, PartMeans]
    damaged: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """The features that one model made in one way.

    Attributes:
        folder: Where its files lie.
    """

    folder: Path

    @classmethod
    def open(cls, directory: Path, key: FeatureKey) -> "FeatureCache":
        """The cache under `directory` of what `key` describes; created where there is none.

        Raises:
            ValueError: When the directory cannot be written.
        """
        folder = directory / key.digest()[:16]
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_private(folder / KEY_FILE, key.model_dump_json(indent=2).encode() + b"\n")
        except OSError as error:
            raise _cannot_write(folder, error) from error
        return cls(folder)

    def load(self) -> CachedFeatures:
        """Everything there is, every file checked against the digest in its name."""
        features: dict[str, PartMeans] = {}
        damaged = []
        for path in sorted(self.folder.glob("*.safetensors")):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == path.stem:
                features |= _unpacked(content)
            else:
                path.unlink()
                damaged.append(path)
        return CachedFeatures(features, tuple(damaged))

    def add(self, features: Mapping[str, PartMeans]) -> None:
        """Write features by tracklet digest to a file of their own, whole or not at all.

        Raises:
            ValueError: When the file cannot be written.
        """
        content = _packed(features)
        path = self.folder / f"{hashlib.sha256(content).hexdigest()}.safetensors"
        try:
            _write_private(path, content)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error


def tracklet_digest(tracklet: Tracklet) -> str:
    """SHA-256 of a tracklet's name and, per frame, its file's name, size and time of change.

    Content is not read, which would take as long as decoding it: a frame that is rewritten with the
    same size and an unchanged time is taken for the old one.

    Raises:
        ValueError: When a frame is missing, with its path.
    """
    digest = hashlib.sha256(tracklet.name.encode())
    for path in tracklet.frames:
        try:
            state = path.stat()
        except OSError as error:
            raise ValueError(
                f"expected a whole image at {path}, received: {error}; replace or remove the file"
            ) from error
        frame = f"{path.parent.name}/{path.name}"
        digest.update(f"\n{frame} {state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()


def _packed(features: Mapping[str, PartMeans]) -> bytes:
    digests = [bytes.fromhex(digest) for digest in features]
    rows = list(features.values())
    tensors = {f"part.{name}": np.stack([row[name] for row in rows]) for name in rows[0]}
    packed: bytes = save({_DIGESTS: _digest_rows(digests), **tensors})
    return packed


def _digest_rows(digests: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.stack([np.frombuffer(digest, dtype=np.uint8) for digest in digests])


def _unpacked(content: bytes) -> dict[str, PartMeans]:
    tensors = load(content)
    digests = tensors.pop(_DIGESTS)
    return {
        digest.tobytes().hex(): {
            name.removeprefix("part."): rows[row] for name, rows in tensors.items()
        }
        for row, digest in enumerate(digests)
    }


def _write_private(path: Path, content: bytes) -> None:
    with durable_file(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _cannot_write(folder: Path, error: OSError) -> ValueError:
    return ValueError(
        f"expected to keep features in {folder}, received: {error}; free some space, choose "
        "another folder with --cache, or keep none with --no-cache"
    )
