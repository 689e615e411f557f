import json

import pytest
from typer.testing import CliRunner

from model.complexity import measure_complexity
from tests.small_models import small_dcct, small_student
from training.__main__ import app


@pytest.fixture
def run():
    def runner(*arguments):
        return CliRunner().invoke(app, ["complexity", *(str(argument) for argument in arguments)])

    return runner


@pytest.fixture
def write(tmp_path):
    def writer(name, config):
        path = tmp_path / f"{name}.yaml"
        model = {"kind": config.kind, **config.model_dump(mode="json", exclude_defaults=True)}
        data = {"name": "mars", "root": "absent"}
        path.write_text(json.dumps({"run_dir": "run", "model": model, "data": data}))
        return path

    return writer


def document(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_configurations_are_measured_side_by_side(run, write):
    teacher, student = write("teacher", small_dcct()), write("student", small_student())
    rows = document(run(teacher, student, "--json"))["rows"]
    assert [row["name"] for row in rows] == [str(teacher), str(student)]
    expected = measure_complexity(small_dcct(), convention="true").total
    assert (rows[0]["macs"], rows[0]["params"]) == (expected.macs, expected.params)
    assert rows[1]["flops_relative_to_first"] < 1


def test_one_configuration_is_printed_by_module(run, write):
    result = run(write("teacher", small_dcct()))
    assert result.exit_code == 0, result.output
    assert "spatial.cnn" in result.stdout
    assert "temporal" in result.stdout


def test_table_v_is_printed_beside_the_papers_values(run):
    result = document(run("--table", "v", "--convention", "paper", "--json"))
    assert result["convention"] == "paper"
    [row] = [row for row in result["rows"] if row["name"] == "+ HTA"]
    assert (row["paper_flops_g"], row["paper_params_m"]) == (13.15, 222.61)
    assert row["params_m"] == pytest.approx(222.61, rel=0.01)


def test_registered_models_are_measured_when_nothing_is_named(run):
    rows = document(run("--json"))["rows"]
    assert [row["name"] for row in rows[:2]] == ["dcct", "dcct, student"]
    assert {"grl", "nvan", "ste-nvan", "temporal-pooling"} <= {row["name"] for row in rows}


def test_what_the_user_can_mend_is_a_message(run, write):
    both = run(write("teacher", small_dcct()), "--table", "v")
    assert both.exit_code == 1
    assert "expected configurations or --table v, received both" in " ".join(both.output.split())
    absent = run("absent.yaml")
    assert absent.exit_code == 1
    assert "expected a configuration at absent.yaml" in " ".join(absent.output.split())
