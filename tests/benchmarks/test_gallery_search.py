import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.gallery_search import measure
from benchmarks.made_gallery import CAMERAS, made_gallery
from service.gallery.filter_tree import EVERYTHING, Equals


def test_each_search_is_timed_beside_faiss_and_numpy():
    found = measure(600, 16, threads=2, rounds=3)
    assert [(times.queries, times.selected_percent) for times in found.times] == [
        (1, 100),
        (1, 10),
        (1, 1),
        (64, 100),
        (64, 10),
        (64, 1),
    ]
    for times in found.times:
        measured = (times.p50_ms, times.p99_ms, times.faiss_p50_ms, times.numpy_p50_ms)
        assert min(measured) > 0
        assert times.p50_ms <= times.p99_ms
        assert times.ratio_to_faiss == pytest.approx(
            times.p50_ms / times.faiss_p50_ms, abs=0.01, rel=0.05
        )
    assert set(found.ratios(1)) == set(found.p50_ms(64)) == {"100", "10", "1"}
    assert found.bandwidth_share > 0
    assert 0 < found.sgemm_share < 1


def test_a_made_gallery_has_what_its_benchmarks_ask_for():
    view = made_gallery(1000, 16).view
    everything = view.select(EVERYTHING, now_s=0.0)
    one = view.select(Equals("camera", ("camera-3",)), now_s=0.0)
    assert (everything.count, one.count) == (1000, 1000 // CAMERAS)
    lengths = np.linalg.norm(view.embeddings(everything.rows()).astype(float), axis=1)
    assert np.abs(lengths - 1).max() <= view.coarse_error
    assert view.record_head("tracklet-00000008").metadata.identity == "person-1"
    again = made_gallery(1000, 16).view
    assert again.state == view.state
    assert again.embeddings(one.rows()).tobytes() == view.embeddings(one.rows()).tobytes()


def test_the_command_prints_one_json_object():
    command = [sys.executable, "-m", "benchmarks.gallery_search", "--json"]
    small = ["--rows", "300", "--dimension", "16", "--rounds", "2", "--threads", "1"]
    printed = subprocess.run([*command, *small], capture_output=True, text=True, check=True).stdout
    found = json.loads(printed)
    assert printed.count("\n") == 1
    assert set(found["search_ratio_to_faiss"]) == {"100", "10", "1"}
    assert (found["rows"], found["dimension"], found["threads"]) == (300, 16, 1)
