"""Galleries in use: rows of the store, the index made of them, and the rule that keeps them equal.

A write goes to the store first and to the index next. Whatever goes wrong in between, the next call
compares the two and, where they differ, builds the index again from the store.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelMismatch, StoreUnavailable
from service.gallery.flat_index import FlatIndex, require_honoured_filter
from service.gallery.records import TrackletMetadata
from service.gallery.store import Forgotten, GalleryModel, GalleryState, GalleryStore, Put
from service.log import log_event

logger = logging.getLogger(__name__)


class OpenGalleries:
    """The galleries of one store, each with its index from its first use on; for one thread.

    Args:
        store: Opened by `open`.
        model: The model that is running.
        threads: Threads of one search.
    """

    def __init__(self, store: GalleryStore, *, model: GalleryModel, threads: int) -> None:
        self._store = store
        self._model = model
        self._threads = threads
        self._open: dict[str, IndexedGallery] = {}

    def open(self, first: str) -> None:
        """Open the store and its gallery `first`, which is created when missing.

        Raises:
            StoreUnavailable: When the store is in use, of a newer release, or damaged.
            ReidError: When this build of FAISS ignores filters.
        """
        require_honoured_filter()
        self._store.open()
        self._store.create_gallery(first, self._model)
        # With a gallery of another model the process stays up: every use of the gallery says so,
        # and embedding anew needs the model that is running.
        with suppress(ModelMismatch):
            self.named(first)

    def named(self, gallery: str) -> "IndexedGallery":
        """The gallery of this name.

        Raises:
            GalleryNotFound: When the store has no such gallery.
            ModelMismatch: When the gallery holds embeddings of another model.
            StoreUnavailable: When it cannot be read, or a row is damaged or missing.
        """
        if gallery not in self._open:
            self._open[gallery] = IndexedGallery(
                self._store, gallery, model=self._model, threads=self._threads
            )
        return self._open[gallery]


class IndexedGallery:
    """A gallery of the store with its index; one thread builds and uses it.

    Args:
        store: The open store.
        name: Of a gallery in it.
        model: The model that is running.
        threads: Threads of one search.

    Raises:
        GalleryNotFound: When the store has no such gallery.
        ModelMismatch: When the gallery holds embeddings of another model.
        StoreUnavailable: When it cannot be read, or a row is damaged or missing.
    """

    def __init__(
        self, store: GalleryStore, name: str, *, model: GalleryModel, threads: int
    ) -> None:
        _require_model(name, held=store.model(name), running=model)
        self._store = store
        self._name = name
        self._dimension = model.dimension
        self._threads = threads
        self._index = self._built_index()
        self._in_step = True

    def index(self) -> FlatIndex:
        """The index, equal to the store.

        Raises:
            StoreUnavailable: When they may differ and the store cannot be read.
        """
        if not self._in_step:
            self._bring_in_step()
        return self._index

    def verified_state(self) -> GalleryState:
        """The state of the store, which the index has been compared with.

        Raises:
            StoreUnavailable: When the store cannot be read.
        """
        self._bring_in_step()
        return self._index.state

    def put(
        self, tracklet_id: str, *, embedding: NDArray[np.float32], metadata: TrackletMetadata
    ) -> Put:
        """Enroll or replace, in the store and in the index; embedding [d] has length 1."""
        with self._writing() as index:
            put = self._store.put(self._name, tracklet_id, embedding=embedding, metadata=metadata)
            index.put(put.record)
        return put

    def delete(self, tracklet_id: str) -> Forgotten:
        """Delete one tracklet from the store and from the index.

        Raises:
            TrackletNotFound: When there is none.
        """
        with self._writing() as index:
            forgotten = self._store.delete(self._name, tracklet_id)
            index.remove(forgotten.tracklet_ids, seq=forgotten.seq)
        return forgotten

    def delete_identity(self, identity: str) -> Forgotten:
        """Delete every tracklet of an identity from the store and from the index.

        Raises:
            IdentityNotFound: When there is none.
        """
        with self._writing() as index:
            forgotten = self._store.delete_identity(self._name, identity)
            index.remove(forgotten.tracklet_ids, seq=forgotten.seq)
        return forgotten

    @contextmanager
    def _writing(self) -> Iterator[FlatIndex]:
        index = self.index()
        # Only a write that came to its end is known to have reached both.
        self._in_step = False
        yield index
        self._in_step = True

    def _bring_in_step(self) -> None:
        self._in_step = False
        if self._store.state(self._name) != self._index.state:
            self._index = self._built_index()
            log_event(logger, logging.WARNING, "index_rebuilt", rows=self._index.rows)
        self._in_step = True

    def _built_index(self) -> FlatIndex:
        expected = self._store.state(self._name)
        index = FlatIndex(self._dimension, threads=self._threads)
        index.load(self._store.records(self._name), seq=expected.seq)
        if index.state != expected:
            raise StoreUnavailable(
                expected=f"{expected.tracklets} tracklets with the digest of write {expected.seq}",
                received=f"{index.state.tracklets} tracklets with another digest: "
                "the database was changed from outside or is damaged",
                remedy="restore the data directory from a backup",
            )
        return index


def _require_model(name: str, *, held: GalleryModel, running: GalleryModel) -> None:
    if held != running:
        raise ModelMismatch(
            expected=f"the model of gallery {name!r}: {held.fingerprint}, dimension "
            f"{held.dimension}",
            received=f"model {running.fingerprint}, dimension {running.dimension}",
            remedy="serve the gallery's model, or enroll again into another data directory",
        )
