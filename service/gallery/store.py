"""What a durable store must offer. It is the truth; every index is derived from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.gallery.filters import TrackletFilter
from service.gallery.records import TrackletMetadata, TrackletRecord


@dataclass(frozen=True, slots=True)
class GalleryModel:
    """The model whose embeddings a gallery holds, and their dimension."""

    fingerprint: str
    dimension: int


@dataclass(frozen=True, slots=True)
class GalleryState:
    """Two holders of a gallery are equal when their states are.

    Attributes:
        seq: Number of the last write.
        tracklets: How many are held.
        digest: XOR of `row_digest` over them.
    """

    seq: int
    tracklets: int
    digest: int


@dataclass(frozen=True, slots=True)
class Put:
    """The record as written, and whether its id is new."""

    record: TrackletRecord
    created: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The ids that one write deleted, ascending."""

    tracklet_ids: tuple[str, ...]
    seq: int


class GalleryStore(Protocol):
    """Named galleries of tracklets. One thread opens it, uses it and closes it.

    A write is on disk, whole, when its call returns; when it raises, none or all of it is. Every
    call may raise `StoreUnavailable`; every one that names a gallery, `GalleryNotFound`.
    """

    def open(self) -> None:
        """Take the store for this process alone."""
        ...

    def close(self) -> None:
        """Give it back; closing what is not open does nothing."""
        ...

    def create_gallery(self, gallery: str, model: GalleryModel) -> None:
        """Create an empty gallery for embeddings of `model`; one that exists stays as it is."""
        ...

    def model(self, gallery: str) -> GalleryModel:
        """The model whose embeddings the gallery holds."""
        ...

    def state(self, gallery: str) -> GalleryState:
        """Where the gallery stands after its last write."""
        ...

    def put(
        self,
        gallery: str,
        tracklet_id: str,
        *,
        embedding: NDArray[np.float32],
        metadata: TrackletMetadata,
    ) -> Put:
        """Write embedding [d] and metadata together, in place of any earlier ones."""
        ...

    def get(self, gallery: str, tracklet_id: str) -> TrackletRecord:
        """The record of this id.

        Raises:
            TrackletNotFound: When there is none.
        """
        ...

    def delete(self, gallery: str, tracklet_id: str) -> Forgotten:
        """Delete one tracklet; nothing of it can be read from the files any more.

        Raises:
            TrackletNotFound: When there is none; nothing is written.
        """
        ...

    def delete_identity(self, gallery: str, identity: str) -> Forgotten:
        """As `delete`, for every tracklet of the identity in one write.

        Raises:
            IdentityNotFound: When there is none; nothing is written.
        """
        ...

    def page(
        self, gallery: str, chosen: TrackletFilter, *, after: str | None, limit: int
    ) -> tuple[TrackletRecord, ...]:
        """At most `limit` records that pass the filter, by id, from the first id after `after`."""
        ...

    def records(self, gallery: str) -> Iterator[TrackletRecord]:
        """Every record, each checked against its checksum."""
        ...
