"""The artifact directory, verified, in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.manifest import ArtifactError, Manifest, load_manifest, verify_files

_LENGTH_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Artifact:
    """A verified artifact.

    Attributes:
        directory: Where it lies.
        manifest: What it says of itself.
        golden_clip: uint8 [t, h, w, 3].
        golden_embedding: float32 [d], what the golden clip must give.
    """

    directory: Path
    manifest: Manifest
    golden_clip: NDArray[np.uint8]
    golden_embedding: NDArray[np.float32]

    @property
    def graph(self) -> Path:
        """The graph's file."""
        return self.directory / self.manifest.graph.file


def open_artifact(directory: Path) -> Artifact:
    """Read the manifest, check every digest, and load the golden clip with its embedding.

    Raises:
        ArtifactError: When the manifest or a file breaks the contract, or when the artifact asks
            for something that this service does not do.
    """
    manifest = load_manifest(directory)
    verify_files(directory, manifest)
    _require_servable(directory, manifest)
    frame = (manifest.preprocessing.height, manifest.preprocessing.width, 3)
    clip = _load(directory / manifest.golden.clip)
    if clip.dtype != np.uint8 or clip.shape[1:] != frame or len(clip) < 1:
        raise _broken_golden(manifest.golden.clip, f"uint8 [t, {frame[0]}, {frame[1]}, 3]", clip)
    embedding = _load(directory / manifest.golden.embedding)
    if embedding.dtype != np.float32 or embedding.shape != (manifest.output.dimension,):
        wanted = f"float32 [{manifest.output.dimension}]"
        raise _broken_golden(manifest.golden.embedding, wanted, embedding)
    length = float(np.linalg.norm(embedding))
    if not abs(length - 1) <= _LENGTH_TOLERANCE:
        raise ArtifactError(
            f"expected {manifest.golden.embedding!r} to be of length 1, received {length:.6f}; "
            "export the artifact again"
        )
    return Artifact(directory, manifest, clip.astype(np.uint8), embedding.astype(np.float32))


def _require_servable(directory: Path, manifest: Manifest) -> None:
    """Batches hold single frames, or clips of one length; an artifact of another kind is refused.

    A frame has no embedding but the mean of its tracklet's; a clip may be a whole tracklet.
    """
    of_clips = manifest.graph.batching_unit == "clip"
    received = {
        "input.axes": manifest.input.axes,
        "input.dynamic": manifest.input.dynamic,
        "output.normalised": manifest.output.normalised,
        "output.pooling": manifest.output.pooling,
        "preprocessing.frames_per_clip": manifest.preprocessing.frames_per_clip,
    }
    expected = {
        "input.axes": ("b", "t", "h", "w", "c") if of_clips else ("n", "h", "w", "c"),
        "input.dynamic": ("b",) if of_clips else ("n",),
        "output.normalised": True,
        "output.pooling": manifest.output.pooling if of_clips else "mean",
        "preprocessing.frames_per_clip": (
            manifest.preprocessing.frames_per_clip or "a number" if of_clips else None
        ),
    }
    for name, wanted in expected.items():
        if received[name] != wanted:
            raise ArtifactError(
                f"expected {name} {wanted!r} beside graph.batching_unit "
                f"{manifest.graph.batching_unit!r} in the manifest in {directory}, "
                f"received {received[name]!r}; use a release of the service that serves it"
            )


def _load(path: Path) -> NDArray[np.generic]:
    try:
        # A header may claim more than there is, or than fits into memory.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArtifactError(
            f"expected an array in {path}, received: {error}; export the artifact again"
        ) from error
    if not isinstance(values, np.ndarray):
        raise ArtifactError(
            f"expected one array in {path}, received an archive; export the artifact again"
        )
    return values


def _broken_golden(name: str, expected: str, received: NDArray[np.generic]) -> ArtifactError:
    return ArtifactError(
        f"expected {name!r} to be {expected}, "
        f"received {received.dtype} {list(received.shape)}; export the artifact again"
    )
