"""One evaluation as one HTML file: tables, curves and ranked lists of tracklets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.tracklet import Tracklet
from training.evaluation.judged_task import MethodRanking
from training.evaluation.retrieval_result import RANKS, RetrievalResult
from training.visualize.list_cards import ListOptions, list_groups
from training.visualize.page import write_page
from training.visualize.report_curves import draw_curves

MOST_DROPPED_NAMES = 200


@dataclass(frozen=True, eq=False)
class ReportSource:
    """What a report is made of.

    Attributes:
        title: Heading of the page.
        methods: By name, the main one first: its are the ROC, the histograms and the ranked lists.
        protocol: Lines of the protocol block, such as data, split, frames, weights.
        tracklets: Tracklets by name; pictures and times are shown of those that are here.
    """

    title: str
    methods: Mapping[str, MethodRanking]
    protocol: Mapping[str, str]
    tracklets: Mapping[str, Tracklet]


@dataclass(frozen=True, slots=True)
class _SummaryRow:
    name: str
    values: tuple[float, ...]


def write_report(path: Path, source: ReportSource, options: ListOptions | None = None) -> None:
    """Write the report to `path`: whole or not at all, the same bytes for the same source.

    Raises:
        ValueError: When there is no method, methods answer for other queries, or a frame cannot be
            read.
    """
    main = _main_method(source.methods)
    options = options or ListOptions()
    curves = draw_curves(source.methods)
    write_page(
        path,
        "report.html.j2",
        {
            "title": source.title,
            "summary": [_summary(name, each.result) for name, each in source.methods.items()],
            "valid": main.result.valid_queries,
            "gallery": main.result.gallery,
            "dropped": main.result.dropped,
            "reasons": main.result.dropped_by_reason(),
            "most_dropped": MOST_DROPPED_NAMES,
            "protocol": {**source.protocol, **_rules(main.result)},
            "curves": curves.curves,
            "tables": curves.tables,
            "notes": curves.notes,
            "groups": list_groups(main, source.tracklets, options),
            "pictures": options.pictures,
        },
    )


def _main_method(methods: Mapping[str, MethodRanking]) -> MethodRanking:
    if not methods:
        raise ValueError("expected at least one method to report, received none; evaluate one")
    first, *others = methods
    main = methods[first]
    for name in others:
        if list(methods[name].result.names) != list(main.result.names):
            raise ValueError(
                f"expected {name!r} to answer for the queries of {first!r}, received "
                f"{methods[name].result.valid_queries} valid queries beside "
                f"{main.result.valid_queries}; evaluate all methods on one split"
            )
    return main


def _summary(name: str, result: RetrievalResult) -> _SummaryRow:
    fractions = [result.cmc[rank] for rank in RANKS]
    fractions += [result.mean_average_precision, result.mean_inverse_penalty]
    return _SummaryRow(name, tuple(100 * fraction for fraction in fractions))


def _rules(result: RetrievalResult) -> dict[str, str]:
    rules = result.rules
    left_out = ["junk", "the query itself"]
    if rules.same_camera == "exclude":
        left_out.append("same identity from the query's camera")
    if rules.exclude_same_outfit:
        left_out.append("same identity in the query's outfit")
    return {
        "left out of a ranking": "; ".join(left_out),
        "average precision": {
            "standard": "standard (mean of the precisions at right matches)",
            "mars": "MARS (trapezoid of the official evaluation)",
        }[rules.average_precision],
        "similarity": "cosine",
    }
