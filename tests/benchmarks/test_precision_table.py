import numpy as np
import onnx
import pytest

from benchmarks.precision_table import (
    PLANS,
    RUNTIMES,
    SHIPPED,
    main,
    rates_in_turns,
    variants,
)
from tests.reducible_graph import drawn_items, reducible_graph


def test_every_variant_runs_on_both_runtimes(tmp_path):
    graphs = variants(reducible_graph(), drawn_items(16))
    assert list(graphs) == [SHIPPED, "fp16 arithmetic", *PLANS]
    items = drawn_items(4, seed=1)
    rows = {}
    for name, graph in graphs.items():
        onnx.save(graph, tmp_path / "graph.onnx")
        for runtime, runner in RUNTIMES.items():
            rows[name, runtime] = runner(tmp_path / "graph.onnx")(items)
    for received in rows.values():
        np.testing.assert_allclose(received, rows[SHIPPED, "onnxruntime"], atol=0.1)
    assert not np.array_equal(rows["int8 static both", "onnxruntime"], rows[SHIPPED, "onnxruntime"])


def test_every_round_times_all_in_turns():
    called = []
    runners = {(name, "made up"): lambda items, name=name: called.append(name) for name in "ab"}
    rates = rates_in_turns(runners, drawn_items(2), rounds=3)
    assert called == list("ab") * 4  # and once unmeasured
    assert [len(found) for found in rates.values()] == [3, 3]


def test_data_without_a_folder_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["artifact", "--data", "market1501"])
    assert "expected NAME=FOLDER, received 'market1501'" in capsys.readouterr().err
