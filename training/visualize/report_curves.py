"""Which curves and tables a report shows, and what is said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from training.evaluation.judged_task import MethodRanking
from training.evaluation.matching import ASKS_ABOUT_NOBODY
from training.evaluation.open_set import OpenSetResult, evaluate_open_set
from training.evaluation.pair_similarities import similarity_histograms
from training.evaluation.verification import VerificationCurve, verification_curve
from training.visualize.curves import (
    draw_cmc,
    draw_open_set,
    draw_precision_recall,
    draw_roc,
    draw_similarities,
)
from training.visualize.precision_recall import mean_precision_at_recall

CMC_RANKS = 20
FALSE_ACCEPT_RATES = (1e-1, 1e-2, 1e-3, 1e-4)
_OPEN_SET_RATES = tuple(float(rate) for rate in np.geomspace(1e-4, 0.9, 40))


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure of the page."""

    name: str
    title: str
    markup: Markup
    caption: str


@dataclass(frozen=True, slots=True)
class ReportTable:
    """One table of the page, cells as they are printed."""

    name: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ReportCurves:
    """All figures, the tables below them, and what could not be shown."""

    curves: list[Curve] = field(default_factory=list)
    tables: list[ReportTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def draw_curves(methods: Mapping[str, MethodRanking]) -> ReportCurves:
    """CMC and precision over recall of every method; the others of the first."""
    drawn = ReportCurves()
    main, *_ = methods
    _draw_ranking(drawn, methods)
    _draw_verification(drawn, methods[main], main)
    _draw_open_set(drawn, methods[main], main)
    return drawn


def _draw_ranking(drawn: ReportCurves, methods: Mapping[str, MethodRanking]) -> None:
    ranks = min(CMC_RANKS, *(method.result.gallery for method in methods.values()))
    cmc = {name: method.result.cmc_curve(ranks) for name, method in methods.items()}
    precision = {
        name: mean_precision_at_recall(method.query, method.gallery, method.result.rules)
        for name, method in methods.items()
    }
    drawn.curves.extend(
        [
            _curve("cmc", "CMC", draw_cmc(cmc), "Queries with a right match among the first k."),
            _curve(
                "precision-recall",
                "Precision over recall",
                draw_precision_recall(precision),
                "At each recall the highest precision at it or beyond, averaged over queries.",
            ),
        ]
    )


def _draw_verification(drawn: ReportCurves, method: MethodRanking, name: str) -> None:
    pairs = similarity_histograms(method.query, method.gallery, method.result.rules)
    try:
        curve = verification_curve(pairs)
    except ValueError as error:
        drawn.notes.append(f"No ROC and no similarity histograms: {error}.")
        return
    counted = f"{curve.same_pairs} pairs of one person and {curve.different_pairs} of different"
    resolved = [rate for rate in FALSE_ACCEPT_RATES if rate * curve.different_pairs >= 1]
    points = {rate: curve.at_false_accept_rate(rate) for rate in resolved}
    thresholds = {f"FAR {rate:g}": point.threshold for rate, point in points.items()}
    finite = {label: value for label, value in thresholds.items() if np.isfinite(value)}
    drawn.curves.extend(
        [
            _curve("roc", f"ROC of {name}", draw_roc(curve), f"Over {counted} people."),
            _curve(
                "similarities",
                f"Similarities of {name}",
                draw_similarities(pairs, finite),
                f"{counted} people; upright lines: thresholds at false accept rates.",
            ),
        ]
    )
    drawn.tables.append(_thresholds(curve, name))


def _thresholds(curve: VerificationCurve, name: str) -> ReportTable:
    rows = []
    for rate in FALSE_ACCEPT_RATES:
        if rate * curve.different_pairs < 1:
            rows.append((f"{rate:g}", "too few pairs", "–", "–"))
            continue
        point = curve.at_false_accept_rate(rate)
        threshold = f"{point.threshold:.4f}" if np.isfinite(point.threshold) else "none"
        measured = f"{point.false_accept_rate:.2e}"
        rows.append((f"{rate:g}", threshold, measured, f"{100 * point.true_accept_rate:.2f} %"))
    equal, error = curve.equal_error(), f"{curve.equal_error_rate:.2e}"
    rows.append(("EER", f"{equal.threshold:.4f}", error, f"{100 * equal.true_accept_rate:.2f} %"))
    return ReportTable(
        "thresholds",
        f"Verification with {name}: is a pair of tracklets one person? A threshold belongs to "
        "these weights and data; measure it again after every training.",
        ("FAR at most", "threshold (cosine)", "FAR measured", "TAR"),
        tuple(rows),
    )


def _draw_open_set(drawn: ReportCurves, method: MethodRanking, name: str) -> None:
    unknown = sum(query.reason != ASKS_ABOUT_NOBODY for query in method.result.dropped)
    if not unknown:
        drawn.notes.append(
            "No open-set rates (DIR@FAR): every query that asks about somebody has a right match "
            "in the gallery."
        )
        return
    rates = tuple(sorted({*_OPEN_SET_RATES, *FALSE_ACCEPT_RATES}))
    found = evaluate_open_set(method.query, method.gallery, method.result.rules, rates=rates)
    asked = {point.asked_rate: point for point in found.points}
    if len({point.false_accept_rate for point in found.points}) > 1:
        drawn.curves.append(
            _curve("open-set", f"Open set, {name}", draw_open_set(found), _counted(found))
        )
    rows = []
    for rate in FALSE_ACCEPT_RATES:
        if rate not in asked:
            rows.append((f"{rate:g}", "too few unknown", "–", "–"))
            continue
        point = asked[rate]
        measured, detected = f"{point.false_accept_rate:.2e}", f"{100 * point.detection_rate:.2f} %"
        rows.append((f"{rate:g}", f"{point.threshold:.4f}", measured, detected))
    drawn.tables.append(
        ReportTable(
            "open-set-rates",
            f"Open set with {name}: {_counted(found)}",
            ("FAR at most", "threshold (cosine)", "FAR measured", "DIR at rank 1"),
            tuple(rows),
        )
    )


def _counted(found: OpenSetResult) -> str:
    return (
        f"{found.known} queries with a right match and {found.unknown} without, against "
        f"{found.gallery} gallery tracklets; false accepts grow with the gallery."
    )


def _curve(name: str, title: str, markup: str, caption: str) -> Curve:
    return Curve(name, title, Markup(markup), caption)  # noqa: S704  # our own SVG
