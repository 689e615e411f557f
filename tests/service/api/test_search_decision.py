"""What a calibrated model answers, over HTTP; and a model that is not calibrated."""

from types import SimpleNamespace

import httpx
import pytest

from service.api.search_decision import match_probability, search_decision
from service.gallery.ranking.decision import Leaders
from service.gallery.ranking.search import SearchOptions
from tests.artifact_factory import write_tiny_artifact
from tests.live_service import live_service
from tests.made_up_calibration import calibrate_artifact, made_up_calibration
from tests.people import frames_of, parts_of


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    directory = tmp_path_factory.mktemp("calibrated")
    plain = write_tiny_artifact(directory)
    return plain, calibrate_artifact(directory, made_up_calibration())


def decided(manifest, *, nearest=0.65, second=0.4, searched=20, rate=1e-2):
    found = SimpleNamespace(leaders=Leaders(nearest, second), searched=searched)
    return search_decision(manifest, found, rate)


def test_threshold_and_decision_follow_the_rate(manifests):
    found = {rate: decided(manifests[1], rate=rate) for rate in (1e-2, 1e-3, 1e-4)}
    assert [one.threshold for one in found.values()] == [0.5, 0.6, 0.7]
    assert [one.decision for one in found.values()] == ["match", "match", "unknown"]
    assert [one.false_accept_rate for one in found.values()] == [1e-2, 1e-3, 1e-4]
    assert found[1e-3].warnings == ()
    assert "for a false-accept rate of 0.0001 is extrapolated" in found[1e-4].warnings[0]


@pytest.mark.parametrize(
    ("searched", "told"),
    [
        (2, None),
        (200, None),
        (201, "201 tracklets were searched, and the calibration measured with 20: the more are"),
        (1, "1 tracklets were searched, and the calibration measured with 20: the fewer are"),
    ],
)
def test_a_gallery_far_from_the_measured_one_is_said_to_be(manifests, searched, told):
    warnings = decided(manifests[1], searched=searched).warnings
    assert not warnings if told is None else warnings[0].startswith(told)


def test_a_rate_of_the_service_without_a_threshold_is_no_decision(manifests):
    found = decided(manifests[1], rate=0.02)
    assert (found.decision, found.threshold, found.false_accept_rate) == (None, None, None)
    assert found.warnings == (
        "no decision: the model is calibrated for false-accept rates 0.01, 0.001, 0.0001, not for "
        "this service's 0.02",
    )


def test_probability_is_of_single_similarities_only(manifests):
    averaged = SearchOptions(group_by="identity", group_mode="mean")
    by_best = SearchOptions(group_by="identity")
    assert match_probability(manifests[1], 0.5, by_best) == 0.5
    assert match_probability(manifests[1], 0.5, averaged) is None
    assert match_probability(manifests[0], 0.5, by_best) is None


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    """A service of a calibrated model; red seen by two cameras, blue by one, one without a name."""
    directory = tmp_path_factory.mktemp("artifact")
    write_tiny_artifact(directory)
    calibrate_artifact(directory, made_up_calibration())
    with (
        live_service(directory, tmp_path_factory.mktemp("data")) as running,
        httpx.Client(base_url=running.url) as http,
    ):
        for name, person, camera in (("r0", "red", 0), ("r1", "red", 1), ("b0", "blue", 0)):
            files = parts_of(frames_of(person, camera=camera))
            metadata = ("metadata", (None, f'{{"identity": "{person}"}}'))
            http.put(f"/galleries/default/tracklets/{name}", files=[*files, metadata])
        yield http


def ask(http, query="{}"):
    files = [*parts_of(frames_of("red", camera=2)), ("query", (None, query))]
    return http.post("/search", files=files).json()


def test_answers_decide_the_same_by_frames_and_by_embedding(http):
    by_frames = ask(http)
    asked = http.post("/embed", files=parts_of(frames_of("red", camera=2))).json()
    by_embedding = http.post("/search", json={"embedding": asked["embedding"]}).json()
    keys = ("decision", "threshold", "false_accept_rate", "margin_to_second", "warnings")
    assert {key: by_frames[key] for key in keys} == {key: by_embedding[key] for key in keys}
    assert (by_frames["threshold"], by_frames["false_accept_rate"]) == (0.5, 0.01)
    first, *others = by_frames["matches"]
    assert by_frames["decision"] == "match"
    rival = next(match for match in others if match["identity"] == "blue")
    assert by_frames["margin_to_second"] == first["similarity"] - rival["similarity"]
    rule = made_up_calibration().probability
    assert [match["probability"] for match in by_frames["matches"]] == [
        rule.at(match["similarity"]) for match in by_frames["matches"]
    ]


@pytest.mark.parametrize(
    "query",
    [
        '{"top_k": 1}',
        '{"min_similarity": 1}',
        '{"group_by": "identity", "group_mode": "mean"}',
        '{"rerank": true, "top_k": 2}',
    ],
)
def test_the_decision_does_not_change_with_how_matches_are_shown(http, query):
    plain, shown = ask(http), ask(http, query)
    assert shown["decision"] == plain["decision"]
    assert shown["margin_to_second"] == plain["margin_to_second"]


def test_a_search_by_id_decides_without_itself(http):
    answer = http.post("/search", json={"tracklet_id": "b0"}).json()
    nearest = answer["matches"][0]["similarity"]
    assert answer["decision"] == ("unknown" if nearest < 0.5 else "match")
    assert answer["margin_to_second"] is None
    assert answer["searched"] == 2


def test_the_rate_is_chosen_per_request_among_the_calibrated(http):
    assert ask(http, '{"false_accept_rate": 0.001}')["threshold"] == 0.6
    error = ask(http, '{"false_accept_rate": 0.02}')["error"]
    assert error["code"] == "invalid_query"
    assert error["expected"] == "`false_accept_rate` out of 0.01, 0.001, 0.0001"
    assert error["received"] == "0.02"


def test_an_empty_selection_is_unknown(http):
    answer = ask(http, '{"cameras": ["unheard-of"]}')
    assert (answer["decision"], answer["margin_to_second"]) == ("unknown", None)
