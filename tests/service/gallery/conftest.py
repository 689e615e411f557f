"""One catalogue for the tests of a file, over every store; every test has a gallery of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.gallery.catalogue import Catalogue
from service.gallery.open_gallery import OpenGallery
from tests.gallery_stores import PLACES
from tests.open_galleries import new_gallery, open_catalogue


@pytest.fixture(scope="module", params=sorted(PLACES))
def catalogue(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    directory: Path = tmp_path_factory.mktemp("data")
    with PLACES[request.param](directory) as place:
        store = place.store()
        store.open()
        try:
            with open_catalogue(store, directory) as catalogue:
                yield catalogue
        finally:
            store.close()


@pytest.fixture
def gallery(catalogue: Catalogue) -> OpenGallery:
    return new_gallery(catalogue)
