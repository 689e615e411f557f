import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from service.api.answers import MatchAnswer, ModelAnswer, SearchAnswer
from service.api.schemas import MetadataBody
from service.client.bulk import Outcome
from service.client.ranking_table import rank_1_line, ranking_table, warning_lines
from service.client.tracklet_folder import TrackletFolder

MODEL = ModelAnswer(name="m", version="1", fingerprint="f")


def outcome(query: str, identity: str | None, *found: str | None) -> Outcome[SearchAnswer]:
    matches = [
        MatchAnswer(
            rank=rank,
            similarity=1 - rank / 10,
            reranked=None,
            tracklet_id=f"tracklet-{rank}",
            identity=match,
            camera=None,
            start=None,
            end=None,
            attributes={},
            seq=1,
            tracklets=1,
        )
        for rank, match in enumerate(found, start=1)
    ]
    answer = SearchAnswer(
        matches=matches,
        searched=3,
        exact=True,
        complete=True,
        truncated=False,
        tier="exact",
        seq=1,
        gallery="default",
        gallery_id="g",
        model=MODEL,
        frames=None,
    )
    metadata = MetadataBody(identity=identity)
    return Outcome(TrackletFolder(query, (Path("0.jpg"),), metadata), answer=answer)


FAILED = Outcome(TrackletFolder("f", (), MetadataBody(identity="p1")), error_code="x", error="y")


def printed(outcomes) -> list[list[str]]:
    stream = io.StringIO()
    Console(file=stream, width=120).print(ranking_table(outcomes))
    rows = [line.strip("│┃").replace("┃", "│") for line in stream.getvalue().splitlines()]
    return [[cell.strip() for cell in row.split("│")] for row in rows if "│" in row]


def test_each_match_is_a_row_and_known_people_are_marked():
    rows = printed([outcome("q1", "p1", "p1", "p2", None), outcome("q2", None, "p1")])
    assert rows == [
        ["query", "rank", "tracklet", "identity", "camera", "similarity", "person"],
        ["q1", "1", "tracklet-1", "p1", "-", "0.9000", "right"],
        ["", "2", "tracklet-2", "p2", "-", "0.8000", "wrong"],
        ["", "3", "tracklet-3", "-", "-", "0.7000", "wrong"],
        ["q2", "1", "tracklet-1", "p1", "-", "0.9000", ""],
    ]


def test_without_known_people_nothing_is_marked():
    rows = printed([outcome("q1", None, "p1")])
    assert "person" not in rows[0]
    assert rank_1_line([outcome("q1", None, "p1")]) is None


def test_rank_1_counts_first_matches_of_answered_queries_with_a_known_identity():
    outcomes = [
        outcome("q1", "p1", "p1", "p2"),
        outcome("q2", "p2", "p1", "p2"),
        outcome("q3", "p3"),
        outcome("q4", "p4", "p4"),
        outcome("q5", None, "p1"),
        FAILED,
    ]
    assert rank_1_line(outcomes) == (
        "rank-1 0.500: the first match is the right person in 2 of 4 queries with a known identity"
    )


def test_a_failed_query_has_no_row():
    assert len(printed([FAILED, outcome("q1", "p1", "p1")])) == 2


def test_brackets_in_names_are_shown_as_they_are():
    (row,) = [r for r in printed([outcome("p[left]", "[bold]x", "[bold]x")]) if "right" in r]
    assert (row[0], row[3]) == ("p[left]", "[bold]x")


def test_what_the_calibration_says_is_shown_where_there_is_one():
    plain = outcome("q1", None, "p1", "p2")
    matches = [
        match.model_copy(update={"probability": probability})
        for match, probability in zip(plain.answer.matches, (0.75, 0.125), strict=True)
    ]
    told = {"matches": matches, "decision": "ambiguous", "warnings": ["far from measured"]}
    decided = replace(plain, answer=plain.answer.model_copy(update=told))
    assert printed([decided]) == [
        [
            "query",
            "rank",
            "tracklet",
            "identity",
            "camera",
            "similarity",
            "probability",
            "decision",
        ],
        ["q1", "1", "tracklet-1", "p1", "-", "0.9000", "0.750", "ambiguous"],
        ["", "2", "tracklet-2", "p2", "-", "0.8000", "0.125", ""],
    ]
    assert warning_lines([decided, decided, plain, FAILED]) == [
        "far from measured (2 of 4 queries)"
    ]
