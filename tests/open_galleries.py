"""Galleries of a store with a real replica, used from the thread of the test."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from service.gallery.catalogue import Catalogue
from service.gallery.enrolment import Enrolment
from service.gallery.filter_tree import EVERYTHING
from service.gallery.listing import Paging, list_tracklets
from service.gallery.open_gallery import OpenGallery
from service.gallery.records import TrackletMetadata
from service.gallery.stores.protocol import GallerySpec, GalleryStore
from tests.gallery_rows import MODEL, OPTIONS, embedding_of, replicas_of

SPEC = GallerySpec(MODEL)
LIMITS = replace(OPTIONS.catalogue, most_galleries=1000)

_numbers = itertools.count()


@contextmanager
def open_catalogue(
    store: GalleryStore, directory: Path, *, name: str = "one", limits=LIMITS
) -> Iterator[Catalogue]:
    """A catalogue over an open store, that follows it; replicas have their snapshots there."""
    catalogue = Catalogue(store, replicas_of(store, directory, name=name), limits)
    catalogue.start()
    try:
        yield catalogue
    finally:
        catalogue.close()


def new_gallery(catalogue: Catalogue, spec: GallerySpec = SPEC) -> OpenGallery:
    """An empty gallery of a name that no other has."""
    name = f"gallery-{next(_numbers)}"
    catalogue.create(name, spec)
    return catalogue.named(name)


def put(gallery: OpenGallery, *names: str, seed: int = 1, **known: object) -> int:
    """Enroll tracklets of these names in one write; its `seq`."""
    upserts = [
        Enrolment(name, embedding_of(seed + place), TrackletMetadata(**known)).checked(
            MODEL.dimension
        )
        for place, name in enumerate(names)
    ]
    return gallery.write(upserts).seq


def who(gallery: OpenGallery) -> dict[str, str | None]:
    """The identity of every tracklet, as a listing shows them."""
    page = list_tracklets(gallery, EVERYTHING, Paging(None, 1000), min_seq=None, within_s=0)
    return {record.tracklet_id: record.metadata.identity for record in page.records}
