"""Measured results as Markdown, every table with the command that its numbers come from."""

import textwrap
from collections.abc import Iterable, Sequence

from training.evaluation.report import MethodReport
from training.export.card_results import AblationRow, CurvePoint, Judged, PrecisionRow

_METRICS = ("rank-1", "rank-5", "rank-10", "rank-20", "mAP", "mINP")
_FRAMES = {
    "dense": "all",
    "fast": "one of each chunk",
    "served": "as served",
    "1": "1",
    "8": "at most 8",
}


def evaluations_section(evaluations: Sequence[Judged]) -> str:
    """One table of all evaluations, then how each was made."""
    if not evaluations:
        return "Retrieval: not measured."
    rows = [
        [one.title, _FRAMES[one.report.protocol.frames], name, *_percent(method)]
        for one in evaluations
        for name, method in one.report.splits[0].methods.items()
    ]
    told = [f"{_circumstances(one)}\n\n    {one.command}" for one in evaluations]
    return "\n\n".join([table(["what", "frames", "features", *_METRICS], rows), *told])


def curve_section(points: Sequence[CurvePoint], command: str) -> str:
    """Validation during training."""
    if not points:
        return "Learning curve: not measured."
    rows = [
        [
            f"{point.step:,}",
            "" if point.minutes is None else f"{point.minutes:.0f}",
            f"{point.rank_1:.2f}",
            f"{point.mean_average_precision:.2f}",
        ]
        for point in points
    ]
    heads = ["step", "minutes", "rank-1", "mAP"]
    return f"Validation during training:\n\n{table(heads, rows)}\n\n    {command}"


def ablation_section(rows: Sequence[AblationRow], command: str) -> str:
    """What helped, each variant within its budget."""
    if not rows:
        return "Ablation: not measured."
    cells = [
        [row.name, row.budget, f"{row.rank_1:.2f}", f"{row.mean_average_precision:.2f}"]
        for row in rows
    ]
    return (
        f"What helped:\n\n{table(['variant', 'budget', 'rank-1', 'mAP'], cells)}\n\n    {command}"
    )


def precision_section(rows: Sequence[PrecisionRow], command: str) -> str:
    """Size, speed and faithfulness of the graph in every precision."""
    if not rows:
        return "Other precisions: not measured."
    cells = [
        [
            row.variant,
            row.runtime,
            f"{row.megabytes:.1f}",
            f"{row.frames_per_s:.1f}",
            f"{row.ratio:.2f}",
            f"{row.least_cosine:.4f}",
            f"{row.drawn_map_change:+.2f}",
            _or_not_measured(row.real_rank_1),
            _or_not_measured(row.real_map),
        ]
        for row in rows
    ]
    heads = [
        "variant", "runtime", "MB", "frames/s, one thread", "× as shipped", "least cosine",
        "mAP change, drawn", "rank-1", "mAP",
    ]  # fmt: skip
    return f"The graph in every precision:\n\n{table(heads, cells)}\n\n    {command}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar in a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def paragraph(text: str) -> str:
    """Text broken into lines, never within a word."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _or_not_measured(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"


def _percent(method: MethodReport) -> list[str]:
    values = (
        method.rank_1,
        method.rank_5,
        method.rank_10,
        method.rank_20,
        method.mean_average_precision,
        method.mean_inverse_penalty,
    )
    return [f"{value:.2f}" for value in values]


def _circumstances(judged: Judged) -> str:
    report = judged.report
    split = report.splits[0]
    return paragraph(
        f"{judged.title}: over {report.protocol.subject}; {split.valid_queries} valid queries, "
        f"{len(split.dropped_queries)} dropped, {split.gallery} tracklets in the gallery; "
        f"{report.protocol.sentence()}."
    )
