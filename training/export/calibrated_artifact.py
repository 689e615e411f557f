"""An artifact is given its calibration: manifest and card change together, and nothing else."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from model.calibration import Calibration
from model.manifest import file_digest, load_manifest, save_manifest
from training.data.tracklet import Tracklet
from training.evaluation.calibration import CalibrationSettings, calibrate
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.open_set_draws import open_set_pairs
from training.evaluation.ranking_rules import RankingRules
from training.evaluation.retrieval_task import RetrievalTask, TaskSet, distinct_tracklets
from training.export.artifact_directory import staged
from training.export.calibration_section import CALIBRATION_HEADING, calibration_section
from training.export.card_file import CARD_FILE
from training.export.card_results import CALIBRATION_COMMAND
from training.export.graph_embedding import embed_by_artifact


def calibrate_artifact(
    directory: Path,
    chosen: TaskSet,
    *,
    rules: RankingRules,
    settings: CalibrationSettings,
    progress: Progress,
) -> Calibration:
    """Search the task's people by the artifact's own graph, and write what its similarities mean.

    Raises:
        ValueError: When there are several tasks, the artifact is not as its manifest says, a frame
            cannot be read, or the people are too few. The artifact stays as it was then.
    """
    if len(chosen.tasks) != 1:
        raise ValueError(
            f"expected one split to calibrate on, received {len(chosen.tasks)}; "
            "name one of them with --split"
        )
    task = chosen.tasks[0]
    tracklets = distinct_tracklets([task])
    everyone = EmbeddingTable.of(
        tracklets, embed_by_artifact(directory, tracklets, progress=progress)
    )
    query, gallery = (everyone.take(_rows(tracklets, side)) for side in (task.query, task.gallery))
    calibration = calibrate(
        open_set_pairs(query, gallery, rules), settings, data=_subject(chosen, task, rules)
    )
    write_calibration(directory, calibration)
    return calibration


def write_calibration(directory: Path, calibration: Calibration) -> None:
    """Put it into the manifest and, where there is a card, into the card's section."""
    manifest = load_manifest(directory)
    with staged(directory) as staging:
        shutil.copytree(directory, staging, dirs_exist_ok=True)
        files = dict(manifest.files)
        card = staging / CARD_FILE
        if CARD_FILE in files:
            told = with_section(card.read_text(encoding="utf-8"), calibration)
            card.write_text(told, encoding="utf-8")
            files[CARD_FILE] = file_digest(card)
        save_manifest(
            staging, manifest.model_copy(update={"calibration": calibration, "files": files})
        )


def with_section(card: str, calibration: Calibration) -> str:
    """The card with this calibration in the place of an earlier one, or at its end."""
    section = f"{CALIBRATION_HEADING}\n\n{calibration_section(calibration, CALIBRATION_COMMAND)}\n"
    before, heading, rest = card.partition(f"{CALIBRATION_HEADING}\n")
    if not heading:
        return f"{card.rstrip()}\n\n{section}"
    _, following, after = rest.partition("\n## ")
    return f"{before}{section}{following}{after}"


def _rows(tracklets: Sequence[Tracklet], side: Sequence[Tracklet]) -> NDArray[np.int64]:
    row_of = {tracklet.name: row for row, tracklet in enumerate(tracklets)}
    return np.array([row_of[tracklet.name] for tracklet in side], dtype=np.int64)


def _subject(chosen: TaskSet, task: RetrievalTask, rules: RankingRules) -> str:
    people = len({tracklet.identity for tracklet in task.query if tracklet.identity > 0})
    if chosen.validation_identities is not None:
        whose = f"the last {people} training identities of {chosen.data_set}"
    else:
        whose = f"{people} identities of {chosen.data_set}, split {task.split}"
    kept = "left out" if rules.same_camera == "exclude" else "kept"
    return (
        f"{whose}: {len(task.query)} tracklets ask, own camera {kept}, "
        "frames as the manifest chooses them"
    )
