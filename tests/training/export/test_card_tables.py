from tests.evaluation_reports import METHOD, made_up_report
from training.export.card_results import AblationRow, CurvePoint, Judged, PrecisionRow
from training.export.card_tables import (
    ablation_section,
    curve_section,
    evaluations_section,
    paragraph,
    precision_section,
    table,
)


def judged(title, **protocol):
    report = made_up_report(methods={"full": METHOD, "cnn": METHOD}, **protocol)
    return Judged(title, f"reid-train evaluate {title}", report)


def test_all_evaluations_share_a_table_and_each_has_its_command():
    section = evaluations_section([judged("one", frames="1"), judged("all", frames="dense")])
    assert (
        section
        == """\
| what | frames | features | rank-1 | rank-5 | rank-10 | rank-20 | mAP | mINP |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| one | 1 | full | 61.25 | 80.00 | 90.00 | 95.00 | 50.50 | 40.00 |
| one | 1 | cnn | 61.25 | 80.00 | 90.00 | 95.00 | 50.50 | 40.00 |
| all | all | full | 61.25 | 80.00 | 90.00 | 95.00 | 50.50 | 40.00 |
| all | all | cnn | 61.25 | 80.00 | 90.00 | 95.00 | 50.50 | 40.00 |

one: over split 'folder' of drawn people; 9 valid queries, 1 dropped, 10 tracklets in the gallery;
every tracklet is a query against all others; same identity and same camera left out; cosine;
standard average precision; the middle frame, one by one.

    reid-train evaluate one

all: over split 'folder' of drawn people; 9 valid queries, 1 dropped, 10 tracklets in the gallery;
every tracklet is a query against all others; same identity and same camera left out; cosine;
standard average precision; every frame, one by one.

    reid-train evaluate all"""
    )


def test_a_curve_has_a_row_for_each_validation():
    points = [
        CurvePoint(step=90, minutes=3.4, rank_1=35, mean_average_precision=20.125),
        CurvePoint(step=1800, rank_1=60.5, mean_average_precision=41),
    ]
    assert (
        curve_section(points, "reid-train train x.yaml")
        == """\
Validation during training:

| step | minutes | rank-1 | mAP |
| --- | --- | --- | --- |
| 90 | 3 | 35.00 | 20.12 |
| 1,800 |  | 60.50 | 41.00 |

    reid-train train x.yaml"""
    )


def test_an_ablation_has_a_row_for_each_variant():
    rows = [AblationRow(name="all", budget="14 min", rank_1=60, mean_average_precision=41.5)]
    assert (
        ablation_section(rows, "sh ablation.sh")
        == """\
What helped:

| variant | budget | rank-1 | mAP |
| --- | --- | --- | --- |
| all | 14 min | 60.00 | 41.50 |

    sh ablation.sh"""
    )


def test_precisions_have_a_row_for_each_variant_and_runtime():
    row = PrecisionRow(
        variant="int8", runtime="onnxruntime", megabytes=8.55, frames_per_s=61.26, ratio=1.857,
        least_cosine=0.98765, mean_cosine=0.999, drawn_map_change=-0.125, real_rank_1=78.5,
        real_map=None,
    )  # fmt: skip
    assert (
        precision_section([row], "python -m benchmarks.precision_table A --json")
        == """\
The graph in every precision:

| variant | runtime | MB | frames/s, one thread | × as shipped | least cosine | mAP change, drawn \
| rank-1 | mAP |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| int8 | onnxruntime | 8.6 | 61.3 | 1.86 | 0.9877 | -0.12 | 78.50 | not measured |

    python -m benchmarks.precision_table A --json"""
    )


def test_what_was_not_measured_is_said_to_be_so():
    assert evaluations_section([]) == "Retrieval: not measured."
    assert curve_section([], "") == "Learning curve: not measured."
    assert ablation_section([], "") == "Ablation: not measured."
    assert precision_section([], "") == "Other precisions: not measured."


def test_a_bar_does_not_end_a_cell():
    assert table(["a|b"], [["c"]]) == "| a\\|b |\n| --- |\n| c |"


def test_no_word_is_broken():
    assert paragraph("a" * 120) == "a" * 120
    assert max(len(line) for line in paragraph("word " * 99).splitlines()) <= 100
