"""A teacher's embeddings of frames on disk, one row per different file.

Rows are found by the SHA-256 of a frame's file: where data sets lie, what they call their frames
and how they are mixed changes nothing, and a frame that was changed is a frame that is missing.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from model.durable_file import durable_file
from training.data.frame_reading import read_frame
from training.data.tracklet import Tracklet
from training.teacher.teacher_graph import TeacherGraph

_GRAPH = "graph_sha256"
_TENSORS = {"frames", "embeddings"}


@dataclass(frozen=True, eq=False)
class TeacherEmbeddings:
    """What a teacher says of frames.

    Attributes:
        graph_sha256: Which teacher.
        row_of: SHA-256 of a frame's file → its row.
        rows: [n, d], L2-normalised.
    """

    graph_sha256: str
    row_of: dict[bytes, int]
    rows: torch.Tensor

    @classmethod
    def compute(
        cls,
        graph: TeacherGraph,
        tracklets: Sequence[Tracklet],
        advance: Callable[[], None] = lambda: None,
    ) -> Self:
        """Embed every different frame of the tracklets, as it is on disk.

        Args:
            graph: The teacher.
            tracklets: Whose frames.
            advance: Called after every frame.

        Raises:
            ValueError: When a frame cannot be read or its embedding has no direction, with its
                path.
        """
        row_of: dict[bytes, int] = {}
        rows: list[NDArray[np.float32]] = []
        for path in _frames(tracklets):
            digest = _digest(path)
            if digest not in row_of:
                row_of[digest] = len(rows)
                frame = read_frame(path, height=graph.given.height, width=graph.given.width)
                try:
                    rows.append(graph.embed(frame))
                except ValueError as error:
                    raise ValueError(f"{path}: {error}") from error
            advance()
        return cls(graph.sha256, row_of, torch.from_numpy(np.stack(rows)))

    def write(self, path: Path) -> None:
        """Write a new safetensors file, atomically."""
        frames = np.frombuffer(b"".join(self.row_of), np.uint8).reshape(len(self.row_of), -1)
        tensors = {"frames": torch.from_numpy(frames.copy()), "embeddings": self.rows}
        with durable_file(path) as temporary:
            save_file(tensors, temporary, metadata={_GRAPH: self.graph_sha256})

    @classmethod
    def read(cls, path: Path, *, graph_sha256: str) -> Self:
        """Read a file of the teacher with that digest.

        Raises:
            ValueError: When there is no such file, or another teacher wrote it.
        """
        try:
            with safe_open(path, framework="pt") as stored:
                wrote = (stored.metadata() or {}).get(_GRAPH)
                names = set(stored.keys())
                tensors = {name: stored.get_tensor(name) for name in _TENSORS & names}
        except (OSError, SafetensorError) as error:
            raise ValueError(
                f"expected a teacher's embeddings at {path}, received: {error}; "
                "write them with `reid-train teach`"
            ) from error
        if wrote is None or tensors.keys() != _TENSORS:
            raise ValueError(
                f"expected a teacher's embeddings at {path}, received a file of {sorted(names)}; "
                "write them with `reid-train teach`"
            )
        if wrote != graph_sha256:
            raise ValueError(
                f"expected the embeddings of the teacher {graph_sha256} in {path}, received those "
                f"of {wrote}; correct losses.teacher.graph_sha256, or run `reid-train teach` again"
            )
        frames = tensors["frames"].numpy()
        row_of = {frame.tobytes(): row for row, frame in enumerate(frames)}
        return cls(wrote, row_of, tensors["embeddings"].float())

    def of(self, tracklets: Sequence[Tracklet]) -> torch.Tensor:
        """The embeddings [n, d] of all frames of the tracklets, one tracklet after the other.

        Raises:
            ValueError: When the teacher never saw one of them, with its path.
        """
        numbers = []
        for path in _frames(tracklets):
            row = self.row_of.get(_digest(path))
            if row is None:
                raise ValueError(
                    f"expected the teacher's embedding of every training frame, received none of "
                    f"{path}; run `reid-train teach` over the data as it is now"
                )
            numbers.append(row)
        return self.rows[torch.tensor(numbers)]


def _frames(tracklets: Sequence[Tracklet]) -> list[Path]:
    return [path for tracklet in tracklets for path in tracklet.frames]


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise ValueError(
            f"expected a frame at {path}, received: {error}; restore the data set"
        ) from error
