from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from training.data.tracklet import Tracklet
from training.evaluation.embedding_table import EmbeddingTable

PEOPLE = people_table(0, identities=3, tracklets=2)


def test_it_keeps_every_tracklet_in_its_row():
    tracklets = [
        Tracklet("a", 4, 2, (Path("a.jpg"),), outfit="coat"),
        Tracklet("b", 0, None, (Path("b.jpg"),)),
    ]
    built = EmbeddingTable.of(tracklets, np.eye(2))
    assert built.names.tolist() == ["a", "b"]
    assert built.identities.tolist() == [4, 0]
    assert built.cameras[0] == 2
    assert np.isnan(built.cameras[1])
    assert built.outfits.tolist() == ["coat", ""]
    assert len(built) == 2


def test_taken_rows_take_every_column_along():
    taken = PEOPLE.take(np.array([4, 1]))
    for column in ("names", "identities", "cameras", "outfits", "embeddings"):
        assert np.array_equal(getattr(taken, column), getattr(PEOPLE, column)[[4, 1]])


@pytest.mark.parametrize("column", ["names", "identities", "cameras", "outfits"])
def test_a_column_out_of_step_is_refused(column):
    """One camera per frame instead of per tracklet is how published numbers went wrong."""
    with pytest.raises(
        ValueError, match=rf"expected {column} of 6 tracklets.*received shape \(5,\)"
    ):
        replace(PEOPLE, **{column: getattr(PEOPLE, column)[:-1]})


def test_a_repeated_name_is_refused():
    with pytest.raises(ValueError, match="expected every name once, received 'a' more than once"):
        table(row("a", 1, 1, 1, 0), row("a", 1, 2, 1, 0))


def test_an_identity_below_junk_is_refused():
    with pytest.raises(ValueError, match="expected identities of -1 .* received -2 for 'b'"):
        table(row("a", 1, 1, 1, 0), row("b", -2, 2, 1, 0))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5])
def test_embeddings_that_are_not_of_length_one_are_refused(value):
    broken = PEOPLE.embeddings.copy()
    broken[3] = value
    with pytest.raises(
        ValueError, match="expected finite embeddings of length 1, received .* 't3'"
    ):
        replace(PEOPLE, embeddings=broken)
    with pytest.raises(ValueError, match=r"expected embeddings \[n, d\], received shape \(6,\)"):
        replace(PEOPLE, embeddings=broken[:, 0])
