"""An index proves that its rows find themselves and that all of them count."""

from dataclasses import replace

import numpy as np
import pytest

from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.replica.index_proof import fault_in
from tests.gallery_stores import DIMENSION, upsert, write

CHANCE = np.random.default_rng(0)


@pytest.fixture
def index(store, info):
    names = [f"t{number}" for number in range(100)]
    changes = [upsert(name, seed, expires_s=5.0) for seed, name in enumerate(names)]
    write(store, info.gallery_id, *changes)
    index = GalleryIndex(info.gallery_id, DIMENSION)
    index.apply(store.rows(info.gallery_id, names), [], seq=1, chain="x" * 40)
    return index


def test_a_sound_index_has_no_fault_though_its_rows_have_expired(index):
    assert fault_in(index.view, CHANCE) is None


def test_neither_has_an_empty_one(info):
    assert fault_in(GalleryIndex(info.gallery_id, DIMENSION).view, CHANCE) is None


def test_equal_embeddings_share_the_first_place(store, info):
    names = [f"t{number}" for number in range(80)]
    write(store, info.gallery_id, *[upsert(name, 7) for name in names])
    index = GalleryIndex(info.gallery_id, DIMENSION)
    index.apply(store.rows(info.gallery_id, names), [], seq=1, chain="x" * 40)
    assert fault_in(index.view, CHANCE) is None


def test_rows_that_are_not_counted_are_a_fault(index):
    view = replace(index.view, state=replace(index.view.state, tracklets=99))
    assert fault_in(view, CHANCE) == "100 rows are alive where 99 are counted"


def test_a_row_that_is_not_the_nearest_to_itself_is_a_fault(index, monkeypatch):
    """As with a build of the search library that mixes up rows."""
    real = type(index.view).nearest

    def one_off(view, queries, selection, k):
        return real(view, np.roll(queries, 1, axis=0), selection, k)

    monkeypatch.setattr(type(index.view), "nearest", one_off)
    assert fault_in(index.view, CHANCE) == "a row is not the nearest to itself"
