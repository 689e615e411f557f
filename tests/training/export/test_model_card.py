import pytest

from model.stored_gate import Gate, Measured, MiniGallery
from tests.artifact_factory import write_tiny_artifact
from tests.evaluation_reports import made_up_report
from tests.made_up_calibration import made_up_calibration
from training.export.card_results import (
    AblationRow,
    CurvePoint,
    Judged,
    MeasuredResults,
    PrecisionRow,
)
from training.export.description import ArtifactCard, Teacher
from training.export.model_card import model_card

CARD = ArtifactCard(
    name="tiny",
    version="1",
    data="of the manifest, not of the card",
    data_licence="of the manifest, not of the card",
    training="Not at all.",
)
GATE = Gate(
    embeddings="gate.npy",
    mini_gallery=MiniGallery(seed=1, identities=32, cameras=2, frames=8, sha256="0" * 64),
    largest_batch=64,
    least_cosine=0.999,
    most_map_change=0.1,
    mean_average_precision=71.25,
    measured=Measured(least_cosine=0.99987654, mean_average_precision=71.31),
)

PRECISION = PrecisionRow(
    variant="int8", runtime="onnxruntime", megabytes=8.5, frames_per_s=61.3, ratio=1.86,
    least_cosine=0.987, mean_cosine=0.999, drawn_map_change=0, real_rank_1=78.5, real_map=75,
)  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    written = write_tiny_artifact(tmp_path_factory.mktemp("tiny"))
    provenance = written.provenance.model_copy(
        update={"network": "a projection; initial weights: random", "data_licence": "Free."}
    )
    return written.model_copy(update={"provenance": provenance})


def page(manifest, card=CARD, results=None):
    """The card with its lines joined, so that where they break does not matter."""
    return " ".join(model_card(manifest, card, results or MeasuredResults()).split())


def test_it_tells_what_the_manifest_says(manifest):
    told = page(manifest)
    for text in (
        "# tiny 1 A frame model for video person re-identification: a projection; initial weights:",
        "An embedding has 20 numbers (cnn 12, transformer 8)",
        "**Use.** Free.",
        "Not at all. Data: none: random weights",
        f"commit `{'0' * 40}`",
        "The manifest holds no result of its own.",
        "`graph.onnx`: fp32, 0.0 MB. It was not held against the network",
    ):
        assert text in told
    assert "not of the card" not in told


def test_what_was_not_measured_is_said_to_be_so(manifest):
    told = page(manifest)
    for text in (
        "Retrieval: not measured.",
        "Learning curve: not measured.",
        "Ablation: not measured.",
        "Other precisions: not measured.",
        'Not calibrated: no threshold for "unknown" is given, nor a probability.',
        "Similarities are not probabilities, and no threshold has been calibrated.",
    ):
        assert text in told
    assert "Teacher" not in told


def test_what_was_measured_is_there_with_its_commands(manifest):
    results = MeasuredResults(
        evaluations=(Judged("held out", "evaluate it", made_up_report()),),
        curve=(CurvePoint(step=9, rank_1=12.5, mean_average_precision=10),),
        curve_command="train it",
        ablation=(AblationRow(name="x", budget="1 s", rank_1=3, mean_average_precision=4),),
        ablation_command="take it apart",
        precisions=(PRECISION,),
        precision_command="reduce it",
    )
    told = page(manifest, results=results)
    for text in (
        "| held out | as served | full | 61.25 |", "evaluate it", "| 9 | | 12.50 | 10.00 |",
        "train it", "| x | 1 s | 3.00 | 4.00 |", "take it apart",
        "| int8 | onnxruntime | 8.5 |", "reduce it",
    ):  # fmt: skip
        assert text in told
    assert "not measured" not in told


def test_the_results_of_the_manifest_are_told_with_their_protocol(manifest):
    reached = manifest.provenance.model_copy(
        update={"rank_1": 79.05, "mean_average_precision": 75.19, "protocol": "everybody asks"}
    )
    told = page(manifest.model_copy(update={"provenance": reached}))
    assert "The manifest's own: rank-1 79.05, mAP 75.19 (everybody asks)." in told


def test_the_gate_is_told_with_its_bounds(manifest):
    told = page(manifest.model_copy(update={"gate": GATE}))
    assert (
        "every part of every tracklet by itself: 0.9998765 (bound 0.999); mAP on 32 drawn" in told
    )
    assert "drawn people 71.31 against 71.25 (bound on the change 0.1)." in told


def test_the_teacher_is_named_with_its_licence(manifest):
    teacher = Teacher(
        name="somebody", licence="Apache-2.0", training_data="undocumented", part="embeddings"
    )
    told = page(manifest, CARD.model_copy(update={"teacher": teacher}))
    assert (
        "Teacher: somebody, licence Apache-2.0; its training data: undocumented. "
        "Learned from it: embeddings." in told
    )


def test_what_it_is_not_for_is_told_and_can_be_added_to(manifest):
    told = page(manifest, CARD.model_copy(update={"not_for": ("people in uniform",)}))
    assert "- people in uniform" in told
    assert "- a decision about a person that rests on a match alone" in told


def test_thresholds_come_with_the_size_of_their_gallery(manifest):
    calibration = made_up_calibration(unresolved_rates=(1e-5,))
    told = page(manifest.model_copy(update={"calibration": calibration}))
    assert "| 1 | 0.5000 | measured | 87.50 | 1.000 ± 0.500 | 81.25 |" in told
    assert "| 0.01 | 0.7000 | extrapolated |" in told
    assert "20 tracklets of 5 people on average; 400 searches for known and 600 for" in told
    assert "slope 10.000, intercept -5.000; on held-out people Brier score 0.0625" in told
    assert "within 0.0625: of the searches for known people that lead by more, 95.0 %" in told
    assert told.count("reid-train calibrate") == 1
    assert "Too few unknown tracklets for a threshold at 0.001 %." in told
    assert "Not calibrated" not in told
    assert "no threshold has been calibrated" not in told


def test_a_model_of_clips_says_so(tmp_path):
    told = page(write_tiny_artifact(tmp_path, unit="clip"))
    assert "A model of clips of 4 frames: a graph with frames of 64×32." in told


def test_no_line_is_too_long_to_be_read(manifest):
    lines = model_card(manifest, CARD, MeasuredResults()).splitlines()
    assert max(len(line) for line in lines) <= 102
