"""The curves of a report, drawn from arrays."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from training.evaluation.open_set import OpenSetResult
from training.evaluation.pair_similarities import SimilarityHistograms
from training.evaluation.verification import VerificationCurve
from training.visualize.svg_figure import BLUE, INK, ORANGE, SERIES, svg_figure

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

_BINS_TO_TRY = (100, 200, 400, 1000, 2000, 4000)
_BINS_TO_FILL = 40


def draw_cmc(curves: Mapping[str, Values]) -> str:
    """CMC of every method: the fraction of queries with a right match at rank 1, 2, …."""
    described = "; ".join(
        f"{name}: rank-1 {100 * curve[0]:.1f} %" for name, curve in curves.items()
    )
    with svg_figure("cmc", f"CMC curves. {described}") as figure:
        for (name, curve), (colour, dash) in zip(curves.items(), _series(curves), strict=True):
            ranks = np.arange(1, len(curve) + 1)
            figure.axes.plot(ranks, curve, dash, color=colour, marker=".", ms=4, label=name)
        longest = max(len(curve) for curve in curves.values())
        figure.axes.set_xticks(sorted({1, *(rank for rank in (5, 10, 15, 20) if rank <= longest)}))
        _percent(figure.axes, "rank k", "queries matched within rank k")
        figure.axes.legend(loc="lower right")
    return figure.markup


def draw_precision_recall(curves: Mapping[str, Values]) -> str:
    """Mean interpolated precision of every method at evenly spaced recalls from 0 to 1."""
    described = "; ".join(
        f"{name}: {100 * curve[len(curve) // 2]:.1f} % at recall 50 %"
        for name, curve in curves.items()
    )
    with svg_figure("precision-recall", f"Precision over recall. {described}") as figure:
        for (name, curve), (colour, dash) in zip(curves.items(), _series(curves), strict=True):
            figure.axes.plot(np.linspace(0, 1, len(curve)), curve, dash, color=colour, label=name)
        figure.axes.xaxis.set_major_formatter(PercentFormatter(1))
        _percent(figure.axes, "recall", "interpolated precision, mean over queries")
        figure.axes.legend(loc="best")
    return figure.markup


def draw_roc(curve: VerificationCurve) -> str:
    """ROC over pairs: true accepts over false accepts, these on a logarithmic axis, with the EER.

    Rates of 0 are left out: no logarithm shows them.
    """
    error, equal = curve.equal_error_rate, curve.equal_error()
    shown = curve.false_accept_rates > 0
    with svg_figure("roc", f"ROC. Equal error rate {100 * error:.2f} %") as figure:
        figure.axes.plot(
            curve.false_accept_rates[shown], curve.true_accept_rates[shown], color=BLUE
        )
        if equal.false_accept_rate > 0:
            at = (equal.false_accept_rate, equal.true_accept_rate)
            figure.axes.plot(*at, "o", color=ORANGE, ms=6)
            figure.axes.annotate(
                f"EER {100 * error:.2f} %", at, textcoords="offset points", xytext=(-8, -14),
                ha="right",
            )  # fmt: skip
        figure.axes.set_xscale("log")
        figure.axes.set_xlim(left=min(0.1, 1 / curve.different_pairs), right=1.1)
        _percent(figure.axes, "false accept rate (pairs of different people)", "true accept rate")
    return figure.markup


def draw_similarities(pairs: SimilarityHistograms, thresholds: Mapping[str, float]) -> str:
    """How similar pairs of one person and of different people are.

    Args:
        pairs: The counts.
        thresholds: Name → similarity, drawn as upright lines.
    """
    listed = "; ".join(f"{name} at {value:.3f}" for name, value in thresholds.items())
    edges, same, different = _bins_to_see(pairs)
    with svg_figure("similarities", f"Similarity histograms. Thresholds: {listed}") as figure:
        for label, counts, (colour, dash) in (
            ("same person", same, SERIES[0]),
            ("different people", different, SERIES[1]),
        ):
            share = counts / max(counts.sum(), 1)
            figure.axes.stairs(share, edges, fill=True, color=colour, alpha=0.2)
            figure.axes.stairs(share, edges, color=colour, linestyle=dash, lw=1.6, label=label)
        top = figure.axes.get_xaxis_transform()
        for place, (name, value) in enumerate(thresholds.items()):
            figure.axes.axvline(value, color=INK, lw=0.9, linestyle=":")
            # Thresholds lie close together: each label starts below the one before.
            figure.axes.text(
                value, 0.98 - 0.22 * place, name, rotation=90, va="top", ha="right", fontsize=8,
                transform=top,
            )  # fmt: skip
        figure.axes.set_xlabel("cosine similarity")
        figure.axes.set_ylabel(f"share of pairs per {edges[1] - edges[0]:.2g}")
        figure.axes.set_ylim(bottom=0)
        figure.axes.legend(loc="upper left")
    return figure.markup


def draw_open_set(found: OpenSetResult) -> str:
    """DIR@FAR: known people named rightly at rank 1, over unknown ones taken for somebody."""
    described = f"DIR over FAR with {found.known} known and {found.unknown} unknown queries"
    points = sorted(found.points, key=lambda point: point.false_accept_rate)
    with svg_figure("open-set", described) as figure:
        figure.axes.plot(
            [point.false_accept_rate for point in points],
            [point.detection_rate for point in points],
            color=BLUE, marker="o", ms=4,
        )  # fmt: skip
        figure.axes.set_xscale("log")
        _percent(figure.axes, "false accept rate (unknown people)", "DIR at rank 1")
    return figure.markup


def _series(curves: Mapping[str, Values]) -> list[tuple[str, str]]:
    return [SERIES[place % len(SERIES)] for place in range(len(curves))]


def _percent(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _bins_to_see(pairs: SimilarityHistograms) -> tuple[Values, Counts, Counts]:
    """Edges [k + 1] and counts [k] of the widest bins of which the pairs fill forty or more.

    The bin of similarity 1 is joined to the one below it.
    """
    for bins in _BINS_TO_TRY:
        coarse = pairs.coarser(bins)
        filled = np.flatnonzero((coarse.same + coarse.different)[:-1])
        if len(filled) and filled[-1] - filled[0] >= _BINS_TO_FILL:
            break
    same, different = (_last_joined(counts) for counts in (coarse.same, coarse.different))
    filled = np.flatnonzero(same + different)
    low, high = filled[0], filled[-1] + 1
    return coarse.edges[low : high + 1], same[low:high], different[low:high]


def _last_joined(counts: Counts) -> Counts:
    return np.append(counts[:-2], counts[-2] + counts[-1])
