"""Search answers as a table, marked right or wrong where the query's identity is known."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from rich.table import Table
from rich.text import Text

from service.api.answers import MatchAnswer, SearchAnswer
from service.client.bulk import Outcome

_COLUMNS = (
    "query",
    "rank",
    "tracklet",
    "identity",
    "camera",
    "similarity",
    "probability",
    "decision",
    "person",
)
_JUSTIFY: Mapping[str, Literal["right"]] = {
    "rank": "right",
    "similarity": "right",
    "probability": "right",
}


def ranking_table(outcomes: Sequence[Outcome[SearchAnswer]]) -> Table:
    """One row per match, in the order of `outcomes`; decisions where the model is calibrated."""
    answers = [outcome.answer for outcome in outcomes if outcome.answer is not None]
    shown = {
        "probability": any(match.probability for one in answers for match in one.matches),
        "decision": any(answer.decision is not None for answer in answers),
        "person": any(outcome.folder.metadata.identity is not None for outcome in outcomes),
    }
    table = Table()
    for name in _COLUMNS:
        if shown.get(name, True):
            table.add_column(name, justify=_JUSTIFY.get(name, "left"), overflow="fold")
    for outcome in outcomes:
        for match in outcome.answer.matches if outcome.answer is not None else ():
            cells = zip(_COLUMNS, _cells(outcome, match), strict=True)
            # Names are names: rich would take the brackets in them for markup.
            table.add_row(*(Text(cell) for name, cell in cells if shown.get(name, True)))
    return table


def rank_1_line(outcomes: Sequence[Outcome[SearchAnswer]]) -> str | None:
    """How many first matches are the query's person; None when no query's identity is known."""
    known = [
        outcome
        for outcome in outcomes
        if outcome.answer is not None and outcome.folder.metadata.identity is not None
    ]
    if not known:
        return None
    right = sum(_first_is_right(outcome) for outcome in known)
    return (
        f"rank-1 {right / len(known):.3f}: the first match is the right person "
        f"in {right} of {len(known)} queries with a known identity"
    )


def warning_lines(outcomes: Sequence[Outcome[SearchAnswer]]) -> list[str]:
    """Each warning once, with how many answers carry it."""
    counts = Counter(
        warning
        for outcome in outcomes
        if outcome.answer is not None
        for warning in outcome.answer.warnings
    )
    return [f"{warning} ({count} of {len(outcomes)} queries)" for warning, count in counts.items()]


def _cells(outcome: Outcome[SearchAnswer], match: MatchAnswer) -> tuple[str, ...]:
    asked = outcome.folder.metadata.identity
    verdict = "" if asked is None else ("right" if match.identity == asked else "wrong")
    return (
        outcome.folder.tracklet_id if match.rank == 1 else "",
        str(match.rank),
        match.tracklet_id,
        match.identity or "-",
        match.camera or "-",
        f"{match.similarity:.4f}",
        "-" if match.probability is None else f"{match.probability:.3f}",
        _decision(outcome) if match.rank == 1 else "",
        verdict,
    )


def _decision(outcome: Outcome[SearchAnswer]) -> str:
    decision = None if outcome.answer is None else outcome.answer.decision
    return decision or "-"


def _first_is_right(outcome: Outcome[SearchAnswer]) -> bool:
    answer = outcome.answer
    return (
        answer is not None
        and bool(answer.matches)
        and answer.matches[0].identity == outcome.folder.metadata.identity
    )
