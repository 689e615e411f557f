"""A FAISS that does not honour filters is found out before a gallery is opened."""

import faiss
import numpy as np
import pytest

from service.errors import ReidError
from service.gallery.index import block_scan, self_test
from service.gallery.index.scanner import Scanner
from service.gallery.index.self_test import require_honoured_filter


def test_the_loaded_faiss_honours_filters():
    require_honoured_filter()


def test_one_that_ignores_them_stops_the_start(monkeypatch):
    everybody = faiss.IDSelectorAll()
    monkeypatch.setattr(faiss, "IDSelectorBitmap", lambda *_: everybody)
    with pytest.raises(ReidError, match="expected only rows that pass the filter from FAISS"):
        Scanner(2)


def test_one_that_mistakes_named_rows_stops_the_start(monkeypatch):
    def next_row(vectors, query, slots, *, out):
        block_scan.fill_named(vectors, query, (slots + 1) % len(vectors), out=out)

    monkeypatch.setattr(self_test, "fill_named", next_row)
    with pytest.raises(ReidError, match="expected a FAISS build that searches exactly the rows"):
        Scanner(1)


@pytest.mark.parametrize(
    "answer",
    [
        lambda slots, found: (slots[:-1], found[:-1]),
        lambda slots, found: (slots, found + 1),
        lambda slots, found: (np.append(slots, 20), np.append(found, 20).astype(np.float32)),
    ],
    ids=["leaves one out", "computes another similarity", "adds one below the floor"],
)
def test_one_that_answers_wrongly_stops_the_start(monkeypatch, answer):
    real = self_test.above
    monkeypatch.setattr(self_test, "above", lambda *asked: answer(*real(*asked)))
    with pytest.raises(ReidError) as refused:
        Scanner(1)
    assert str(refused.value) == (
        "expected a FAISS build that searches exactly the rows of a filter, received one that does "
        "not; install the FAISS build that this release names"
    )
