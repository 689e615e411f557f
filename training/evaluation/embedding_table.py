"""Embedded tracklets as one table, a row per tracklet, so that nothing can slip out of step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.tracklet import Tracklet


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """n tracklets with their embeddings.

    Attributes:
        names: [n], each once; a query never matches the gallery tracklet of its own name.
        identities: [n]; -1 is junk and never ranked, 0 a distractor.
        cameras: [n]; NaN where unknown, which equals nothing, not even itself.
        outfits: [n]; empty where unknown.
        embeddings: [n, d], L2-normalised rows.

    Raises:
        ValueError: When a column has another length, a name repeats, an identity is below -1, or
            an embedding is not finite or not of length 1.
    """

    names: NDArray[np.str_]
    identities: NDArray[np.int64]
    cameras: NDArray[np.float64]
    outfits: NDArray[np.str_]
    embeddings: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2:
            raise ValueError(
                f"expected embeddings [n, d], received shape {self.embeddings.shape}; "
                "stack one row per tracklet"
            )
        self._require_one_row_each()
        _require_unique(self.names)
        _require_identities(self.names, self.identities)
        _require_unit(self.names, self.embeddings)

    @classmethod
    def of(
        cls, tracklets: Sequence[Tracklet], embeddings: NDArray[np.floating]
    ) -> "EmbeddingTable":
        """Tracklets and their embeddings [n, d], in the same order."""
        return cls(
            names=np.array([tracklet.name for tracklet in tracklets], dtype=np.str_),
            identities=np.array([tracklet.identity for tracklet in tracklets], dtype=np.int64),
            cameras=np.array(
                [np.nan if t.camera is None else float(t.camera) for t in tracklets],
                dtype=np.float64,
            ),
            outfits=np.array([tracklet.outfit or "" for tracklet in tracklets], dtype=np.str_),
            embeddings=np.ascontiguousarray(embeddings, dtype=np.float32),
        )

    def __len__(self) -> int:
        """How many tracklets there are."""
        return len(self.names)

    def take(self, rows: NDArray[np.int64]) -> "EmbeddingTable":
        """The tracklets of these rows, in that order."""
        return EmbeddingTable(
            names=self.names[rows],
            identities=self.identities[rows],
            cameras=self.cameras[rows],
            outfits=self.outfits[rows],
            embeddings=self.embeddings[rows],
        )

    def _require_one_row_each(self) -> None:
        rows = len(self.embeddings)
        for name in ("names", "identities", "cameras", "outfits"):
            column = getattr(self, name)
            if column.shape != (rows,):
                raise ValueError(
                    f"expected {name} of {rows} tracklets, as there are embeddings, received shape "
                    f"{column.shape}; a column that is out of step would compare the wrong people: "
                    "write one row per tracklet"
                )


def _require_unique(names: NDArray[np.str_]) -> None:
    known, counts = np.unique(names, return_counts=True)
    if len(known) != len(names):
        raise ValueError(
            f"expected every name once, received {str(known[counts > 1][0])!r} more than once "
            f"among {len(names)}; evaluate one data set at a time"
        )


def _require_identities(names: NDArray[np.str_], identities: NDArray[np.int64]) -> None:
    wrong = np.flatnonzero(identities < -1)
    if len(wrong):
        raise ValueError(
            f"expected identities of -1 (junk), 0 (distractor) or above, received "
            f"{identities[wrong[0]]} for {str(names[wrong[0]])!r}; number people from 1"
        )


def _require_unit(names: NDArray[np.str_], embeddings: NDArray[np.float32]) -> None:
    lengths = np.linalg.norm(embeddings, axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) < 1e-3))
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"expected finite embeddings of length 1, received length {lengths[first]} for "
            f"{str(names[first])!r}; L2-normalise the rows, "
            "and check the weights where one is not finite"
        )
