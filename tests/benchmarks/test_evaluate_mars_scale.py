import json
import sys
from dataclasses import asdict

import numpy as np
import pytest

from benchmarks import evaluate_mars_scale
from benchmarks.evaluate_mars_scale import Scale, compare, made_up_tables

SMALL = Scale(identities=12, queries=20, gallery=110, distractors=30, junk=9, dimension=32)


def test_all_parts_find_the_same_and_are_timed():
    found = compare(*made_up_tables(SMALL))
    assert (found.queries, found.gallery_without_junk, found.dimension) == (20, 110, 32)
    loops = (found.euclidean_loop, found.product_loop)
    for part in (found.evaluator, *loops):
        assert part.seconds >= 0
        assert part.processor_seconds >= 0
        assert part.mean_average_precision == pytest.approx(
            found.evaluator.mean_average_precision, abs=1e-9
        )
    assert 0.1 < found.evaluator.mean_average_precision < 1
    json.dumps(asdict(found))


def test_made_up_tables_have_the_asked_shape_and_a_match_for_every_query():
    query, gallery = made_up_tables(SMALL)
    assert len(gallery) == 119
    assert np.sum(gallery.identities == -1) == 9
    assert np.sum(gallery.identities == 0) == 30
    assert evaluate_mars_scale.evaluate_retrieval(query, gallery).valid_queries == 20


def test_parts_that_disagree_are_an_error(monkeypatch):
    measured = evaluate_mars_scale.Measured(1.0, 1.0, 1.0, 0.5)
    other = evaluate_mars_scale.Measured(1.0, 1.0, 1.0, 0.6)
    found = iter([measured, measured, other])
    monkeypatch.setattr(evaluate_mars_scale, "measure_part", lambda *_: next(found))
    with pytest.raises(RuntimeError, match="expected one mAP of all, received"):
        compare(*made_up_tables(SMALL))


def test_it_prints_one_json_object(monkeypatch, capsys):
    measured = evaluate_mars_scale.Measured(1.0, 2.0, 3.0, 0.5)
    monkeypatch.setattr(evaluate_mars_scale, "measure_part", lambda *_: measured)
    monkeypatch.setattr(evaluate_mars_scale, "Scale", lambda: SMALL)
    monkeypatch.setattr(sys, "argv", ["evaluate_mars_scale", "--json"])
    evaluate_mars_scale.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["evaluator"] == asdict(measured)
    assert printed["times_faster_than_euclidean_loop"] == 1
    monkeypatch.setattr(sys, "argv", ["evaluate_mars_scale"])
    evaluate_mars_scale.main()
    assert "20 queries × 110 at 32-d" in capsys.readouterr().out
