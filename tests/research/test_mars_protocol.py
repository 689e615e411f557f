"""The official lists of MARS give the numbers of queries that its protocols are known by."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluate_mars_scale import listed_tables
from training.evaluation.matching import NOT_IN_GALLERY, OWN_CAMERA_ONLY
from training.evaluation.ranking import evaluate_retrieval, without_queries

ROOT = Path(__file__).resolve().parents[2]
LISTS = Path(os.environ.get("RESEARCH_DATA", ROOT.parent / "shared" / "data")) / "protocols"

pytestmark = [
    pytest.mark.research_data,
    pytest.mark.skipif(
        not (LISTS / "query_IDX.mat").is_file(),
        reason="no lists of MARS: set RESEARCH_DATA to the folder of protocols/query_IDX.mat",
    ),
]


@pytest.fixture(scope="module")
def tables():
    return listed_tables(LISTS, dimension=16)


def test_every_query_counts_with_the_queries_in_the_gallery(tables):
    query, gallery = tables
    result = evaluate_retrieval(query, gallery)
    assert (len(query), result.valid_queries, result.gallery) == (1980, 1980, 11310)
    assert result.dropped == ()


def test_140_queries_have_no_match_without_them_and_are_named(tables):
    query, gallery = tables
    result = evaluate_retrieval(query, without_queries(gallery, query))
    assert (result.valid_queries, result.gallery, len(result.dropped)) == (1840, 9330, 140)
    assert result.dropped_by_reason() == {OWN_CAMERA_ONLY: 112, NOT_IN_GALLERY: 28}
    names = [one.name for one in result.dropped]
    people = query.identities[np.isin(query.names, names)]
    assert len(set(names)) == 140
    assert len(np.unique(people)) == 126
    assert set(names).isdisjoint(result.names.tolist())
