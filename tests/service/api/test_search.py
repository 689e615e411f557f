import httpx
import pytest

from tests.people import COLOURS, frames_of, parts_of


@pytest.fixture
def gallery(http: httpx.Client) -> httpx.Client:
    """Three people, each seen by cameras c0 and c1, ten seconds apart."""
    for person in COLOURS:
        for camera in (0, 1):
            metadata = (
                f'{{"identity": "{person}", "camera": "c{camera}",'
                f' "start": {camera * 10}, "end": {camera * 10 + 5}}}'
            )
            parts = parts_of(frames_of(person, camera=camera))
            path = f"/galleries/default/tracklets/{person}-{camera}"
            http.put(path, files=[*parts, ("metadata", (None, metadata))])
    return http


def by_frames(http: httpx.Client, person: str, query: str = "{}"):
    files = [*parts_of(frames_of(person, camera=2)), ("query", (None, query))]
    return http.post("/search", files=files)


def ids(answer: httpx.Response) -> list[str]:
    return [match["tracklet_id"] for match in answer.json()["matches"]]


@pytest.mark.parametrize("person", COLOURS)
def test_the_right_person_is_found_by_frames(gallery: httpx.Client, person):
    answer = by_frames(gallery, person).json()
    assert {match["identity"] for match in answer["matches"][:2]} == {person}
    assert [match["rank"] for match in answer["matches"]] == [1, 2, 3, 4, 5, 6]
    similarities = [match["similarity"] for match in answer["matches"]]
    assert similarities == sorted(similarities, reverse=True)
    assert answer["searched"] == 6
    assert answer["gallery"] == "default"
    assert answer["frames"]["used"] == 3
    assert set(answer["matches"][0]) == {
        "rank", "similarity", "reranked", "tracklet_id", "identity", "camera", "start", "end",
        "attributes", "seq", "tracklets", "probability",
    }  # fmt: skip


def test_a_model_that_is_not_calibrated_says_so_and_decides_nothing(gallery: httpx.Client):
    answer = by_frames(gallery, "red", '{"false_accept_rate": 0.25}').json()
    assert {match["probability"] for match in answer["matches"]} == {None}
    keys = ("decision", "threshold", "false_accept_rate")
    assert [answer[key] for key in keys] == [None, None, None]
    assert answer["margin_to_second"] > 0
    assert answer["warnings"] == [
        "no decision and no probability: the model is not calibrated; `reid-train calibrate` "
        "measures what its similarities mean"
    ]


def test_frames_embedding_and_base64_rank_alike(gallery: httpx.Client):
    parts = parts_of(frames_of("red", camera=2))
    expected = ids(by_frames(gallery, "red"))
    for encoding in ("float", "base64"):
        asked = gallery.post("/embed", params={"encoding": encoding}, files=parts).json()
        answer = gallery.post("/search", json={"embedding": asked["embedding"]})
        assert ids(answer) == expected
        assert answer.json()["frames"] is None


def test_an_enrolled_tracklet_finds_the_others_and_not_itself(gallery: httpx.Client):
    answer = gallery.post("/search", json={"tracklet_id": "red-0", "top_k": 1})
    assert ids(answer) == ["red-1"]
    assert answer.json()["searched"] == 5


def test_the_same_camera_is_left_out(gallery: httpx.Client):
    answer = by_frames(gallery, "red", '{"exclude_same_camera": true, "camera": "c0"}')
    assert {match["camera"] for match in answer.json()["matches"]} == {"c1"}
    enrolled = {"tracklet_id": "red-0", "exclude_same_camera": True}
    answer = gallery.post("/search", json=enrolled)
    assert {match["camera"] for match in answer.json()["matches"]} == {"c1"}


def test_the_same_camera_cannot_be_left_out_when_it_is_unknown(gallery: httpx.Client):
    answer = by_frames(gallery, "red", '{"exclude_same_camera": true}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_query")


def test_cameras_and_times_filter(gallery: httpx.Client):
    assert by_frames(gallery, "red", '{"cameras": ["c1"]}').json()["searched"] == 3
    assert by_frames(gallery, "red", '{"start": 9, "end": 11}').json()["searched"] == 3
    assert by_frames(gallery, "red", '{"end": "1970-01-01T00:00:09Z"}').json()["searched"] == 3
    assert ids(by_frames(gallery, "red", '{"cameras": ["unheard-of"]}')) == []


def test_grouped_by_identity_each_person_comes_once(gallery: httpx.Client):
    answer = by_frames(gallery, "blue", '{"group_by": "identity"}').json()
    identities = [match["identity"] for match in answer["matches"]]
    assert identities[0] == "blue"
    assert sorted(identities) == sorted(COLOURS)


def test_min_similarity_and_top_k_cut_the_list(gallery: httpx.Client):
    whole = by_frames(gallery, "red").json()["matches"]
    assert ids(by_frames(gallery, "red", '{"top_k": 2}')) == [m["tracklet_id"] for m in whole[:2]]
    least = (whole[1]["similarity"] + whole[2]["similarity"]) / 2
    cut = by_frames(gallery, "red", f'{{"min_similarity": {least}}}')
    assert ids(cut) == [match["tracklet_id"] for match in whole[:2]]


def test_top_k_is_bounded_by_the_setting(gallery: httpx.Client):
    error = by_frames(gallery, "red", '{"top_k": 51}').json()["error"]
    assert error["code"] == "invalid_query"
    assert error["expected"] == "`top_k` of at most 50"
    assert error["received"] == "51"


def test_what_is_not_there_has_its_own_error(gallery: httpx.Client):
    answer = gallery.post("/search", json={"tracklet_id": "unknown"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "tracklet_not_found")
    answer = gallery.post("/search", json={"tracklet_id": "red-0", "gallery": "other"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "gallery_not_found")


def test_a_search_finds_what_was_acknowledged_just_before(gallery: httpx.Client):
    gallery.put("/galleries/default/tracklets/new", files=parts_of(frames_of("red", camera=2)))
    assert ids(by_frames(gallery, "red", '{"top_k": 1}')) == ["new"]
    gallery.delete("/galleries/default/tracklets/new")
    assert "new" not in ids(by_frames(gallery, "red"))
