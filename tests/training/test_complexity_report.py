import json

import pytest
from rich.console import Console

from model.registry import MODELS
from tests.small_models import small_dcct, small_student
from training.complexity_report import (
    ComplexityReport,
    NamedModel,
    PublishedCost,
    measure_models,
    print_complexity,
    registered_models,
    report_complexity,
    table_v,
)

# Our cells of Table V, which the specification derives by hand.
OURS = {
    "ResNet-50": (3.2559, 22.4229),
    "ViT-Base": (8.8257, 81.6438),
    "Coupled": (12.0816, 104.0667),
    "+ CCA": (13.0718, 125.5408),
    "+ HTA": (13.1476, 222.5999),
    "+ KD": (13.1476, 222.5999),
}


@pytest.fixture(scope="module")
def rows_of_table_v():
    report = report_complexity([], table="v", convention="paper")
    return {row.name: row for row in report.rows}


def test_table_v_is_the_one_of_the_specification(rows_of_table_v):
    cells = {
        name: (round(row.flops_g, 4), round(row.params_m, 4))
        for name, row in rows_of_table_v.items()
    }
    assert cells == OURS


def test_table_v_is_within_one_percent_of_the_paper_in_every_cell(rows_of_table_v):
    for row in rows_of_table_v.values():
        assert row.flops_g == pytest.approx(row.paper_flops_g, rel=0.01)
        assert row.params_m == pytest.approx(row.paper_params_m, rel=0.01)


@pytest.mark.parametrize("name", ["ResNet-50", "ViT-Base", "+ CCA"])
def test_table_v_is_the_papers_to_the_printed_digit(rows_of_table_v, name):
    row = rows_of_table_v[name]
    assert round(row.flops_g, 2) == row.paper_flops_g
    assert round(row.params_m, 2) == row.paper_params_m


def test_the_papers_cells_are_those_printed_in_it():
    assert {model.name: model.published for model in table_v()} == {
        "ResNet-50": (3.26, 22.42),
        "ViT-Base": (8.83, 81.64),
        "Coupled": (12.09, 104.07),
        "+ CCA": (13.07, 125.54),
        "+ HTA": (13.15, 222.61),
        "+ KD": (13.15, 222.61),
    }


def test_every_registered_model_has_a_row_and_the_teacher_is_first():
    names = [model.name for model in registered_models()]
    assert names[:2] == ["dcct", "dcct, student"]
    assert sorted(names) == sorted([*MODELS, "dcct, student"])


@pytest.fixture(scope="module")
def pair():
    models = (NamedModel("teacher", small_dcct()), NamedModel("student", small_student()))
    return measure_models(models, convention="true")


def test_shares_are_those_of_the_first_row(pair):
    teacher, student = pair.rows
    assert teacher.flops_relative_to_first == 1
    assert student.flops_relative_to_first == student.macs / teacher.macs < 1


def test_a_row_and_its_modules_agree(pair):
    for row in pair.rows:
        assert sum(module.macs for module in row.modules) == row.macs
        assert sum(module.params for module in row.modules) == row.params
        assert row.flops_g == row.macs / 1e9
        assert row.flops_g_per_frame == row.flops_g / 4
        assert row.params_m == row.params / 1e6
        assert (row.clip_frames, row.height, row.width) == (4, 64, 32)
        assert row.paper_flops_g is row.paper_params_m is None


def test_units_are_named_and_the_document_comes_back(pair):
    document = json.loads(pair.model_dump_json())
    assert document["convention"] == "true"
    assert {"name", "flops_g", "params_m"} <= set(document["rows"][0])
    assert document["flops_unit"].startswith("10⁹ multiply-accumulates")
    assert document["params_unit"].startswith("10⁶")
    assert ComplexityReport.model_validate(document) == pair
    paper = measure_models((NamedModel("student", small_student()),), convention="paper")
    assert paper.flops_unit.startswith("10¹⁰ multiply-accumulates")
    assert paper.params_unit.startswith("2²⁰")


def test_configurations_and_a_table_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="expected configurations or --table v, received both"):
        report_complexity([tmp_path / "x.yaml"], table="v", convention="true")


def printed(report, capsys):
    print_complexity(report, Console(width=200))
    return capsys.readouterr().out


def test_a_model_alone_is_printed_with_its_modules(pair, capsys):
    one = pair.model_copy(update={"rows": pair.rows[:1]})
    lines = printed(one, capsys).splitlines()
    for module in pair.rows[0].modules:
        [line] = [line for line in lines if f"│ {module.name} " in line]
        assert f"{module.flops_g:.4f}" in line
        assert f"{module.flops_g_per_frame:.4f}" in line
        assert f"{module.params_m:.4f}" in line
    assert any("total" in line and f"{pair.rows[0].flops_g:.4f}" in line for line in lines)
    assert "teacher: true convention, clip 4×64×32" in lines[0]


def test_models_side_by_side_are_printed_with_their_share(pair, capsys):
    text = printed(pair, capsys)
    assert "true convention, clip 4×64×32" in text
    assert "first row" in text
    assert f"{100 * pair.rows[1].flops_relative_to_first:.1f} %" in text
    assert "FLOPs (G): 10⁹ multiply-accumulates" in text
    assert "params (M): 10⁶" in text


def test_clips_of_several_sizes_are_named_in_their_rows(pair, capsys):
    longer = pair.rows[1].model_copy(update={"clip_frames": 8})
    text = printed(pair.model_copy(update={"rows": (pair.rows[0], longer)}), capsys)
    assert "clips of several sizes" in text
    assert all(f"{frames}×64×32 │" in text for frames in (4, 8))


def test_published_cells_are_printed_beside_ours(capsys):
    model = NamedModel("row", small_student(), PublishedCost(1.234, 56.789))
    unpublished = NamedModel("other row", small_student())
    report = measure_models((model, unpublished), convention="paper")
    lines = printed(report, capsys).splitlines()
    [row] = [line for line in lines if "│ row " in line]
    assert [cell.strip() for cell in row.strip("│").split("│")][-2:] == ["1.23", "56.79"]
    [row] = [line for line in lines if "│ other row " in line]
    assert [cell.strip() for cell in row.strip("│").split("│")][-2:] == ["", ""]


def test_table_v_and_the_registered_models_fit_80_columns(capsys):
    flops = {"macs": 1, "params": 1, "flops_g": 99.0, "flops_g_per_frame": 9.0, "params_m": 999.0}
    size = {"clip_frames": 8, "height": 256, "width": 128, "flops_relative_to_first": 1.0}
    for models in (table_v(), registered_models()):
        rows = [
            {
                "name": model.name,
                **flops,
                **size,
                "paper_flops_g": model.published and model.published.flops_g,
                "paper_params_m": model.published and model.published.params_m,
                "modules": (),
            }
            for model in models
        ]
        report = ComplexityReport.model_validate(
            {"convention": "true", "flops_unit": "x", "params_unit": "x", "rows": rows}
        )
        print_complexity(report, Console(width=80))
        text = capsys.readouterr().out
        assert all(f"│ {model.name} " in text for model in models)


def test_names_with_brackets_are_printed_as_they_are(pair, capsys):
    renamed = tuple(row.model_copy(update={"name": f"runs/[{row.name}]"}) for row in pair.rows)
    assert "runs/[student]" in printed(pair.model_copy(update={"rows": renamed}), capsys)
    alone = printed(pair.model_copy(update={"rows": renamed[:1]}), capsys)
    assert "runs/[teacher]: true convention" in alone


def test_a_long_name_is_folded_and_not_cut(pair, capsys):
    path = "/".join(f"folder{number}" for number in range(20))
    rows = tuple(row.model_copy(update={"name": path}) for row in pair.rows)
    print_complexity(pair.model_copy(update={"rows": rows}), Console(width=80))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    column = "".join(line.split("│")[1].strip() for line in lines)
    assert column == 2 * path
    figures = "".join(lines)
    assert all(f"{row.flops_g:.4f}" in figures for row in rows)
    assert "100.0 %" in figures
