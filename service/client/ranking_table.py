"""Search answers as a table, marked right or wrong where the query's identity is known."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from service.api.answers import MatchAnswer, SearchAnswer
from service.client.bulk import Outcome


def ranking_table(outcomes: Sequence[Outcome[SearchAnswer]]) -> Table:
    """One row per match, in the order of `outcomes`."""
    marked = any(outcome.folder.metadata.identity is not None for outcome in outcomes)
    table = Table()
    table.add_column("query", overflow="fold")
    table.add_column("rank", justify="right")
    for name in ("tracklet", "identity", "camera"):
        table.add_column(name, overflow="fold")
    table.add_column("similarity", justify="right")
    if marked:
        table.add_column("person")
    for outcome in outcomes:
        for match in outcome.answer.matches if outcome.answer is not None else ():
            cells = _cells(outcome, match)
            # Names are names: rich would take the brackets in them for markup.
            table.add_row(*(Text(cell) for cell in (cells if marked else cells[:-1])))
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
        verdict,
    )


def _first_is_right(outcome: Outcome[SearchAnswer]) -> bool:
    answer = outcome.answer
    return (
        answer is not None
        and bool(answer.matches)
        and answer.matches[0].identity == outcome.folder.metadata.identity
    )
