"""Galleries of any size out of random numbers, without the time that enrolling would take."""

import itertools
import json
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from service.gallery.index.frozen import CHUNK_ROWS, FrozenRows, thaw
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.index.row_columns import END_KNOWN, START_KNOWN, RowColumns
from service.gallery.index.scanner import Scanner
from service.gallery.index.segment import id_hash
from service.gallery.stores.protocol import GalleryState

CAMERAS = 100
ROWS_OF_AN_IDENTITY = 8

_UNIX_S = 1.7e9


def made_gallery(
    rows: int, dimension: int, *, scanner: Scanner | None = None, seed: int = 0
) -> GalleryIndex:
    """An index of so many tracklets, a hundredth of them from each camera."""
    embeddings = list(made_embeddings(rows, dimension, seed=seed))
    return thaw(made_rows(embeddings, seed=seed), embeddings, scanner=scanner)


def made_embeddings(rows: int, dimension: int, *, seed: int = 0) -> Iterator[NDArray[np.float16]]:
    """Random directions [n, d] in chunks."""
    rng = np.random.default_rng(seed)
    for start in range(0, rows, CHUNK_ROWS):
        count = min(CHUNK_ROWS, rows - start)
        values = rng.standard_normal((count, dimension), dtype=np.float32)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        yield values.astype(np.float16)


def made_rows(embeddings: Sequence[NDArray[np.float16]], *, seed: int = 0) -> FrozenRows:
    """Everything of the tracklets that have these embeddings."""
    rows = sum(len(chunk) for chunk in embeddings)
    off = max((_length_error(chunk.astype(np.float64)) for chunk in embeddings), default=0.0)
    dimension = embeddings[0].shape[1]
    rng = np.random.default_rng(seed)
    number = np.arange(rows)
    names = [f"tracklet-{value:08d}" for value in range(rows)]
    begin_s = _UNIX_S + number.astype(np.float64)
    digest = rng.integers(0, 2**63, rows, dtype=np.uint64)
    columns = RowColumns(
        camera=(rng.permutation(rows) % CAMERAS).astype(np.int32),
        identity=(number // ROWS_OF_AN_IDENTITY).astype(np.int32),
        begin_s=begin_s,
        finish_s=begin_s + 5,
        times_known=np.full(rows, START_KNOWN | END_KNOWN, np.uint8),
        expires_s=np.full(rows, np.inf),
        enrolled_s=begin_s,
        seq=number + 1,
        digest=digest,
        id_hash=np.fromiter(map(id_hash, names), np.uint64, rows),
        id_end=np.fromiter(itertools.accumulate(map(len, names)), np.int64, rows),
    )
    values = {
        "cameras": [f"camera-{code}" for code in range(CAMERAS)],
        "identities": [f"person-{code}" for code in range(rows // ROWS_OF_AN_IDENTITY + 1)],
        "attributes": {},
    }
    state = GalleryState(rows, rows, int(np.bitwise_xor.reduce(digest)), "0" * 40)
    return FrozenRows(
        state, dimension, off, columns, {}, "".join(names).encode(),
        json.dumps(values),
    )  # fmt: skip


def _length_error(vectors: NDArray[np.float64]) -> float:
    return float(np.abs(np.linalg.norm(vectors, axis=1) - 1).max())
