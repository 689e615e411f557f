"""The exact index: FAISS finds candidates, float64 ranks them, and a bound proves none is missing.

One thread may call it: FAISS crashes when rows are added while another thread searches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from service.errors import ReidError, TrackletNotFound
from service.gallery.columns import MetadataColumns
from service.gallery.digest import record_digest
from service.gallery.filters import TrackletFilter
from service.gallery.records import TrackletMetadata, TrackletRecord
from service.gallery.store import GalleryState

Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]

_SPARE = 16
"""Candidates beyond those asked for, so that the bound usually holds at the first attempt."""

_RANKED_AT_ONCE = 1024
"""Rows widened to float64 together: 12 MB at 1,472 dimensions."""

_FIRST_CAPACITY = 64


@dataclass(frozen=True, slots=True)
class Hit:
    """A row and its cosine similarity to the query, both of one version of the tracklet."""

    tracklet_id: str
    metadata: TrackletMetadata
    similarity: float


@dataclass(frozen=True, slots=True)
class _Row:
    tracklet_id: str
    metadata: TrackletMetadata
    digest: int


class FlatIndex:
    """Embeddings and metadata of one gallery in memory.

    Args:
        dimension: Values of an embedding.
        threads: Threads of one search. OpenMP keeps this number for the calling thread only, so
            the index must be built by the thread that uses it.
    """

    def __init__(self, dimension: int, *, threads: int) -> None:
        faiss.omp_set_num_threads(threads)
        self._dimension = dimension
        # A float32 sum of d products of two unit vectors is off by at most d roundings of 2**-24.
        # Their lengths are off by one each, the similarity by one, and one is left for safety.
        self._coarse_error = (dimension + 4) * 2.0**-24
        self._seq = 0
        self._digest = 0
        self._row_of: dict[str, int] = {}
        self._alive: Mask = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self._fill([], np.empty((0, dimension), np.float32))

    @property
    def state(self) -> GalleryState:
        """Where the index stands; equal to the store's when it holds the same rows."""
        return GalleryState(self._seq, len(self._row_of), self._digest)

    @property
    def rows(self) -> int:
        """Rows in memory, those of deleted tracklets included until the next compaction."""
        return len(self._rows)

    def load(self, records: Iterable[TrackletRecord], *, seq: int) -> None:
        """Take in the records of a whole gallery whose last write was `seq`."""
        for record in records:
            self._add(record)
        self._seq = seq

    def put(self, record: TrackletRecord) -> None:
        """Take in one write, in place of any earlier row of its id."""
        if record.tracklet_id in self._row_of:
            self._bury(record.tracklet_id)
        self._add(record)
        self._compact()
        # Last: after a failure anywhere above, the state differs from the store's.
        self._seq = record.seq

    def remove(self, tracklet_ids: Iterable[str], *, seq: int) -> None:
        """Take in the delete `seq` of tracklets that are held."""
        for tracklet_id in tracklet_ids:
            self._bury(tracklet_id)
        self._compact()
        self._seq = seq

    def metadata(self, tracklet_id: str) -> TrackletMetadata:
        """Metadata of a tracklet.

        Raises:
            TrackletNotFound: When it is not held.
        """
        return self._rows[self._row(tracklet_id)].metadata

    def embedding(self, tracklet_id: str) -> Vectors:
        """Embedding [d] of a tracklet.

        Raises:
            TrackletNotFound: When it is not held.
        """
        return self._vectors(np.array([self._row(tracklet_id)])).reshape(-1)

    def select(self, filters: Sequence[TrackletFilter]) -> Mask:
        """Which rows [n] hold a tracklet that passes every filter."""
        passed = self._alive[: self.rows].copy()
        for chosen in filters:
            passed &= self._columns.mask(chosen)
            excluded = self._row_of.get(chosen.exclude_tracklet or "")
            if excluded is not None:
                passed[excluded] = False
        return passed

    def nearest(self, query: Vectors, selected: Mask, k: int) -> list[Hit]:
        """The k selected rows nearest to query [d]: highest similarity first, then smallest id.

        The result is exact. FAISS sums in float32, so its candidates are ranked again in float64,
        and it is asked for more until no row it left out can belong to the first k.

        Raises:
            ReidError: When FAISS answers with a row that was not selected.
        """
        count = int(np.count_nonzero(selected))
        k = min(k, count)
        asked = min(k + _SPARE, count)
        while k:
            rows, least_coarse = self._candidates(query, selected, asked)
            hits = self._ranked(query, rows)[:k]
            if asked == count or least_coarse + self._coarse_error < hits[-1].similarity:
                return hits
            asked = min(2 * asked, count)
        return []

    def _candidates(
        self, query: Vectors, selected: Mask, asked: int
    ) -> tuple[NDArray[np.int64], float]:
        """Rows [asked] in no useful order, and the least similarity that FAISS gave to one."""
        similarities, rows = _scan(self._faiss, query, selected, asked)
        strangers = np.count_nonzero((rows < 0) | ~selected[rows])
        if strangers:
            raise ReidError(
                expected="only rows that pass the filter from FAISS",
                received=f"{strangers} others of {asked}",
                remedy="install the FAISS build that this release names",
            )
        return rows, float(similarities.min())

    def _ranked(self, query: Vectors, rows: NDArray[np.int64]) -> list[Hit]:
        wide = query.astype(np.float64)
        hits: list[Hit] = []
        for start in range(0, len(rows), _RANKED_AT_ONCE):
            chunk = rows[start : start + _RANKED_AT_ONCE]
            similarities = _cosines(self._vectors(chunk).astype(np.float64), wide)
            for row, similarity in zip(chunk, similarities, strict=True):
                held = self._rows[row]
                hits.append(Hit(held.tracklet_id, held.metadata, float(similarity)))
        return sorted(hits, key=lambda hit: (-hit.similarity, hit.tracklet_id))

    def _row(self, tracklet_id: str) -> int:
        row = self._row_of.get(tracklet_id)
        if row is None:
            raise TrackletNotFound(
                expected="the id of an enrolled tracklet",
                received=repr(tracklet_id),
                remedy="enroll it first, or search by frames",
            )
        return row

    def _add(self, record: TrackletRecord) -> None:
        digest = record_digest(record)
        row = self.rows
        self._faiss.add(record.embedding[None])
        self._columns.append(record.metadata)
        self._rows.append(_Row(record.tracklet_id, record.metadata, digest))
        if row == len(self._alive):
            self._alive = np.concatenate([self._alive, np.zeros_like(self._alive)])
        self._alive[row] = True
        self._row_of[record.tracklet_id] = row
        self._digest ^= digest

    def _bury(self, tracklet_id: str) -> None:
        """Hide the row and overwrite its embedding; the row itself stays until compaction."""
        row = self._row_of.pop(tracklet_id)
        self._alive[row] = False
        self._digest ^= self._rows[row].digest
        _storage(self._faiss)[row] = 0

    def _compact(self) -> None:
        """Move the living rows together once they are fewer than the dead ones."""
        if 2 * len(self._row_of) >= self.rows:
            return
        living = np.flatnonzero(self._alive[: self.rows])
        self._fill([self._rows[row] for row in living], self._vectors(living))

    def _fill(self, rows: list[_Row], vectors: Vectors) -> None:
        """Hold these rows and embeddings [n, d], all alive, and nothing else."""
        self._faiss = faiss.IndexFlatIP(self._dimension)
        self._faiss.add(vectors)
        self._columns = MetadataColumns()
        for row in rows:
            self._columns.append(row.metadata)
        self._rows = rows
        self._alive = np.zeros(max(_FIRST_CAPACITY, 2 * len(rows)), dtype=np.bool_)
        self._alive[: len(rows)] = True
        self._row_of = {row.tracklet_id: number for number, row in enumerate(rows)}

    def _vectors(self, rows: NDArray[np.int64]) -> Vectors:
        """A copy of the embeddings [n, d] of these rows."""
        return _storage(self._faiss)[rows]


def require_honoured_filter() -> None:
    """Search a tiny index under a filter; some FAISS indexes ignore the filter without a word.

    Raises:
        ReidError: When this build of FAISS does.
    """
    probe = faiss.IndexFlatIP(1)
    probe.add(np.arange(1, 20, dtype=np.float32)[:, None])
    selected = np.zeros(19, dtype=np.bool_)
    selected[[2, 11]] = True
    _, rows = _scan(probe, np.ones(1, np.float32), selected, 3)
    if rows.tolist() != [11, 2, -1]:
        raise ReidError(
            expected="a FAISS build that searches only the rows of a filter",
            received="one that does not",
            remedy="install the FAISS build that this release names",
        )


def _cosines(vectors: NDArray[np.float64], query: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cosines [n] of vectors [n, d] with the query [d], exactly 1 for the query itself.

    Sums along each row, not a matrix product, whose last bits depend on the other rows. The lengths
    are divided out again because float32 has rounded them.
    """
    lengths = np.sqrt((vectors * vectors).sum(axis=1) * (query * query).sum())
    cosines: NDArray[np.float64] = (vectors * query).sum(axis=1) / lengths
    return cosines.astype(np.float32)


def _scan(
    index: faiss.IndexFlatIP, query: Vectors, selected: Mask, k: int
) -> tuple[Vectors, NDArray[np.int64]]:
    """Similarities [k] and rows [k] from FAISS; row -1 where there are fewer."""
    # FAISS keeps pointers, not references: bits and selector live as long as this frame.
    bits = np.packbits(selected, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    parameters = faiss.SearchParameters()
    parameters.sel = selector
    similarities, rows = index.search(query[None], k, params=parameters)
    return similarities[0], rows[0]


def _storage(index: faiss.IndexFlatIP) -> Vectors:
    """The vectors [n, d] where FAISS keeps them; valid until the next add."""
    held = index.ntotal * index.d
    vectors: Vectors = faiss.rev_swig_ptr(index.get_xb(), held).reshape(-1, index.d)
    return vectors
