"""What the README says of the shipped model, on research data that is not part of the project."""

import os
from pathlib import Path

import pytest

from benchmarks.http_retrieval import measure

ROOT = Path(__file__).resolve().parents[2]
MARS = Path(os.environ.get("RESEARCH_DATA", ROOT.parent / "shared" / "data")) / "mars_sample"


@pytest.mark.research_data
@pytest.mark.skipif(
    not MARS.is_dir(), reason="no MARS sample: set RESEARCH_DATA to the folder of mars_sample"
)
def test_real_tracklets_are_found_over_http_as_stated():
    found = measure(ROOT / "artifacts/dcct-light", "mars", MARS / "bbox_train")
    assert (found.tracklets, found.queries, len(found.dropped_queries)) == (32, 8, 24)
    assert found.service.rank_1 == 87.5
    assert found.service.mean_average_precision == pytest.approx(93.75, abs=0.5)
    assert found.hsv_histogram.rank_1 == 75.0
