import json
from pathlib import Path

import pytest

from tests.evaluation_reports import made_up_report
from training.export.card_results import (
    CardResults,
    Evidence,
    MeasuredResults,
    NamedEvidence,
    PrecisionRow,
    read_ablation,
    read_curve,
    read_evaluation,
    read_precisions,
    read_results,
)

ROW = {"name": "teacher", "budget": "14 minutes", "rank_1": 60.0, "mean_average_precision": 41.5}
PRECISION = PrecisionRow(
    variant="int8",
    runtime="onnxruntime",
    megabytes=8.5,
    frames_per_s=61.2,
    ratio=1.86,
    least_cosine=0.987,
    mean_cosine=0.999,
    drawn_map_change=-0.12,
    real_rank_1=78.5,
    real_map=75.0,
)
STEP = {"step": 0, "loss": 6.1}
VALIDATION = {"step": 90, "minutes": 3.5, "rank_1": 35.2, "mean_average_precision": 20.1, "more": 1}


def write_lines(folder, *lines):
    path = folder / "lines.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_nothing_named_is_nothing_measured():
    assert read_results(CardResults(), Path("nowhere")) == MeasuredResults()


def test_every_file_comes_back_with_its_command(tmp_path):
    report = made_up_report()
    (tmp_path / "evaluation.json").write_text(report.model_dump_json())
    (tmp_path / "log.jsonl").write_text(json.dumps(VALIDATION))
    (tmp_path / "ablation.jsonl").write_text(json.dumps(ROW))
    (tmp_path / "table.json").write_text(f"[{PRECISION.model_dump_json()}]")
    results = CardResults(
        evaluations=(NamedEvidence(title="all", command="one", file=Path("evaluation.json")),),
        learning_curve=Evidence(command="two", file=Path("log.jsonl")),
        ablation=Evidence(command="three", file=Path("ablation.jsonl")),
        precision=Evidence(command="four", file=Path("table.json")),
        calibration="five",
    )
    read = read_results(results, tmp_path)
    (judged,) = read.evaluations
    assert (judged.title, judged.command, judged.report) == ("all", "one", report)
    assert (read.curve[0].minutes, read.curve[0].rank_1, read.curve_command) == (3.5, 35.2, "two")
    assert (read.ablation[0].name, read.ablation_command) == ("teacher", "three")
    assert (read.precisions[0].real_rank_1, read.precision_command) == (78.5, "four")
    assert read.calibration_command == "five"


def test_a_curve_is_what_a_log_says_of_validation_by_step(tmp_path):
    path = write_lines(tmp_path, STEP, {**VALIDATION, "step": 180}, VALIDATION)
    assert [point.step for point in read_curve(path)] == [90, 180]


def test_a_log_without_validation_has_no_curve(tmp_path):
    told = "expected lines with rank_1 in .*lines.jsonl, received none; name the log of a run that "
    with pytest.raises(ValueError, match=told + "validated, or leave learning_curve out"):
        read_curve(write_lines(tmp_path, STEP))


@pytest.mark.parametrize("change", [{"rank_1": 101}, {"step": "late"}, {"minutes": -1}])
def test_a_validation_that_is_none_is_refused(tmp_path, change):
    told = "(?s)expected validations with step, rank_1 and mean_av.* in .*received: .*; name the lo"
    with pytest.raises(ValueError, match=told):
        read_curve(write_lines(tmp_path, VALIDATION | change))


@pytest.mark.parametrize("change", [{"rank_1": -1}, {"surprise": 1}, {"budget": None}])
def test_a_variant_that_is_none_is_refused_with_its_line(tmp_path, change):
    told = r"(?s)expected \['budget', .*'rank_1'\] in line 2 of .*received: .*; write one variant a"
    with pytest.raises(ValueError, match=told):
        read_ablation(write_lines(tmp_path, ROW, ROW | change))


def test_an_ablation_without_variants_is_refused(tmp_path):
    told = "expected a variant a line in .*, received none; leave ablation out"
    with pytest.raises(ValueError, match=told):
        read_ablation(write_lines(tmp_path))


@pytest.mark.parametrize("line", ["[]", "not json", "3"])
def test_what_is_no_json_object_is_refused_with_its_line(tmp_path, line):
    path = write_lines(tmp_path, ROW)
    path.write_text(f"{path.read_text()}\n{line}\n")
    with pytest.raises(ValueError, match="expected a JSON object in line 3 of .*; name a file of"):
        read_ablation(path)


@pytest.mark.parametrize("read", [read_ablation, read_curve])
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(
        ValueError, match="expected JSON lines in .*none, received: .*; check the c"
    ):
        read(tmp_path / "none")


def test_a_precision_table_is_what_the_benchmark_prints(tmp_path):
    row = PRECISION.model_copy(update={"real_rank_1": None, "real_map": None})
    (tmp_path / "table.json").write_text(f"[{row.model_dump_json()}]")
    (read,) = read_precisions(tmp_path / "table.json")
    assert read == row


@pytest.mark.parametrize("content", [b"{}", b"", b'[{"variant": "x"}]'])
def test_what_is_no_precision_table_is_refused(tmp_path, content):
    (tmp_path / "table.json").write_bytes(content)
    told = "(?s)expected the output of `python -m benchmarks.precision_table --json` in .*; measure"
    with pytest.raises(ValueError, match=told):
        read_precisions(tmp_path / "table.json")


def test_a_precision_table_without_rows_is_refused(tmp_path):
    (tmp_path / "table.json").write_text("[]")
    with pytest.raises(ValueError, match="expected a row or more in .*, received none; leave prec"):
        read_precisions(tmp_path / "table.json")


@pytest.mark.parametrize("content", [b"{}", b"", b"\xff"])
def test_what_is_no_evaluation_is_refused(tmp_path, content):
    (tmp_path / "one.json").write_bytes(content)
    with pytest.raises(ValueError, match="expected the output of `reid-train evaluate --json` in"):
        read_evaluation(tmp_path / "one.json")


def test_an_evaluation_over_several_splits_is_refused(tmp_path):
    report = made_up_report()
    both = report.model_copy(update={"splits": report.splits * 2})
    (tmp_path / "one.json").write_text(both.model_dump_json())
    with pytest.raises(
        ValueError, match="expected results of one split in .*, received 2; evaluat"
    ):
        read_evaluation(tmp_path / "one.json")
