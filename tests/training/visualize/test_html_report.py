import dataclasses

import numpy as np
import pytest

from tests.embedding_tables import people_table, row, table
from tests.training.visualize.page_reader import Page
from training.data.tracklet import Tracklet
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.judged_task import MethodRanking
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import RankingRules
from training.visualize.html_report import ReportSource, write_report
from training.visualize.list_cards import ListOptions
from training.visualize.report_curves import ReportCurves

HOSTILE = '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>'


def scored(people, **rules):
    result = evaluate_retrieval(people, people, RankingRules(**rules))
    return MethodRanking(people, people, result)


def embedded(tracklets, seed):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((99, 8))
    rows = np.stack([centres[t.identity] + rng.standard_normal(8) for t in tracklets])
    return EmbeddingTable.of(tracklets, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def source(tracklets, **changes):
    methods = {
        name: scored(embedded(tracklets, seed)) for seed, name in enumerate(("full", "student"))
    }
    made = ReportSource("People", methods, {"data": "drawn"}, {t.name: t for t in tracklets})
    return dataclasses.replace(made, **changes)


def report(tmp_path, made, **options):
    write_report(tmp_path / "report.html", made, ListOptions(**{"queries": 2, **options}))
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


@pytest.fixture
def no_curves(monkeypatch):
    """They take most of the time, and are tested on their own."""
    monkeypatch.setattr(
        "training.visualize.html_report.draw_curves", lambda _: ReportCurves(notes=["no curves"])
    )


def test_every_section_is_there_and_nothing_is_fetched(tmp_path, drawn_tracklets):
    page = report(tmp_path, source(drawn_tracklets))
    sections = {"summary", "protocol", "curves", "worst", "random"}
    figures = {"cmc", "precision-recall", "roc", "similarities", "thresholds"}
    assert sections | figures <= set(page.identifiers)
    assert page.fetched == []
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    assert "url(http" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(page.identifiers) == len({*page.identifiers})


def test_the_summary_holds_the_metrics_of_every_method(tmp_path, drawn_tracklets, no_curves):
    made = source(drawn_tracklets)
    page = report(tmp_path, made)
    for name, method in made.methods.items():
        result = method.result
        shown = [*(100 * value for value in result.cmc.values())]
        shown += [100 * result.mean_average_precision, 100 * result.mean_inverse_penalty]
        assert f"{name} {' '.join(f'{value:.2f}' for value in shown)}" in page.words
    assert "rank-1 rank-5 rank-10 rank-20 mAP mINP" in page.words


def test_ranked_lists_show_strips_with_marks_and_alternatives(tmp_path, drawn_tracklets, no_curves):
    page = report(tmp_path, source(drawn_tracklets), top_k=3, strip_frames=2)
    cards = [a["class"] for a in page.all("li")]
    assert {"card right", "card wrong"} <= set(cards)
    assert {*page.words.split()} >= {"✓", "✗", "similarity", "camera"}
    strips = len(page.all("div", **{"class": "strip"}))
    described = [a["alt"] for a in page.all("img") if a["alt"]]
    assert len(described) == strips
    assert len(page.pictures) == 2 * strips
    assert all("alt" in a for a in page.all("img"))
    assert any(alt.startswith("✓ rank") and alt.endswith("2 frames") for alt in described)


def test_without_pictures_there_is_not_one(tmp_path, drawn_tracklets, no_curves):
    page = report(tmp_path, source(drawn_tracklets), pictures=False)
    assert page.pictures == []
    assert "data:image" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Made without pictures" in page.words
    assert page.all("li", **{"class": "card right"})


def test_pictures_come_with_a_notice(tmp_path, drawn_tracklets, no_curves):
    words = report(tmp_path, source(drawn_tracklets)).words
    assert "pictures of people of the data set. Do not publish it" in words


def test_the_same_source_gives_the_same_bytes(tmp_path, drawn_tracklets):
    made = source(drawn_tracklets)
    write_report(tmp_path / "first.html", made)
    write_report(tmp_path / "second.html", made)
    assert (tmp_path / "first.html").read_bytes() == (tmp_path / "second.html").read_bytes()


def test_names_of_strangers_stay_text(tmp_path, drawn_tracklets, no_curves):
    people = [dataclasses.replace(t, name=f"{t.name}{HOSTILE}") for t in drawn_tracklets]
    made = source(people, title=HOSTILE, protocol={HOSTILE: HOSTILE})
    renamed = {f"{name}{HOSTILE}": method for name, method in made.methods.items()}
    page = report(tmp_path, dataclasses.replace(made, methods=renamed))
    assert page.all("script") == []
    assert page.fetched == []
    assert not any(key.startswith("on") for _, a in page.elements for key in a)
    assert f"Query {people[0].name.split('_')[0]}" in page.words
    assert HOSTILE in page.words


def test_dropped_queries_are_counted_with_their_reasons(tmp_path, no_curves):
    people = table(
        row("a", 1, 1, 1.0, 0.0),
        row("b", 1, 2, 1.0, 0.3),
        row("c", 2, 1, 0.1, 1.0),
        row("d", 0, 1, 0.7, 0.7),
    )
    page = report(tmp_path, ReportSource("x", {"full": scored(people)}, {}, {}))
    assert "2 queries are valid, 2 were dropped." in page.words
    assert "1: the gallery has no other tracklet of its identity" in page.words
    assert "1: junk and distractors ask about nobody" in page.words
    assert "c, d" in page.words


def test_one_query_without_camera_or_time_is_reported(tmp_path):
    query = table(row("q", 1, None, 1.0, 0.0))
    gallery = table(row("g", 1, None, 1.0, 0.1))
    result = evaluate_retrieval(query, gallery)
    page = report(tmp_path, ReportSource("x", {"m": MethodRanking(query, gallery, result)}, {}, {}))
    assert "camera unknown" in page.words
    assert "time unknown" in page.words
    assert "No ROC and no similarity histograms: expected pairs of one person" in page.words
    assert "m 100.00 100.00 100.00 100.00 100.00 100.00" in page.words


def test_the_rules_of_the_ranking_are_in_the_protocol(tmp_path, no_curves):
    people = people_table(3, identities=5, tracklets=4)
    plain = report(tmp_path, ReportSource("x", {"m": scored(people)}, {"data": "x"}, {})).words
    assert "junk; the query itself; same identity from the query's camera" in plain
    assert "standard (mean of the precisions" in plain
    kept = scored(people, same_camera="keep", average_precision="mars", exclude_same_outfit=True)
    words = report(tmp_path, ReportSource("x", {"m": kept}, {}, {})).words
    assert "junk; the query itself; same identity in the query's outfit" in words
    assert "MARS (trapezoid" in words


def test_methods_that_answer_for_other_queries_are_refused(tmp_path, no_curves):
    people = people_table(3, identities=5, tracklets=4)
    fewer = people.take(np.arange(8))
    with pytest.raises(ValueError, match="'b' to answer for the queries of 'a', received"):
        report(tmp_path, ReportSource("x", {"a": scored(people), "b": scored(fewer)}, {}, {}))
    with pytest.raises(ValueError, match="at least one method to report, received none"):
        report(tmp_path, ReportSource("x", {}, {}, {}))


def test_a_report_that_fails_leaves_the_one_before(tmp_path, drawn_tracklets, no_curves):
    path = tmp_path / "report.html"
    path.write_text("before")
    made = source(drawn_tracklets)
    broken = {name: Tracklet(name, 1, 1, (tmp_path / "gone.jpg",)) for name in made.tracklets}
    with pytest.raises(ValueError, match=r"gone\.jpg"):
        write_report(path, dataclasses.replace(made, tracklets=broken))
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
