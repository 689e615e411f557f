import json
from pathlib import Path

import pytest

from service.api.schemas import SearchOptionsBody
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from service.client.folder_commands import BulkOptions, enroll_folder, search_folder
from tests.live_service import LiveService
from tests.people import COLOURS, frames_of


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A gallery and a query tracklet of each person, from two cameras."""
    for camera, part in enumerate(("gallery", "query")):
        for person in COLOURS:
            folder = tmp_path / part / f"{person}-{camera}"
            folder.mkdir(parents=True)
            for place, frame in enumerate(frames_of(person, camera=camera)):
                (folder / f"{place:03}.png").write_bytes(frame)
            sidecar = {"identity": person, "camera": f"c{camera}"}
            (folder / "tracklet.json").write_text(json.dumps(sidecar))
    return tmp_path


@pytest.fixture
def options(running: LiveService, client: ReidClient) -> BulkOptions:
    return BulkOptions(running.url, concurrency=2, most_frames=256, as_json=False)


def as_json(options: BulkOptions) -> BulkOptions:
    return BulkOptions(options.url, 2, options.most_frames, as_json=True)


def test_enroll_then_search_finds_everybody(tree, options, capsys):
    assert enroll_folder(tree / "gallery", "default", options) == 0
    said = capsys.readouterr()
    assert said.out == ("enrolled 3 of 3 tracklets in gallery 'default': 3 new, 0 replaced\n")
    assert "3/3" in said.err
    assert enroll_folder(tree / "gallery", "default", options) == 0
    assert "0 new, 3 replaced" in capsys.readouterr().out

    query = SearchOptionsBody(top_k=2, exclude_same_camera=True)
    assert search_folder(tree / "query", query, options) == 0
    out = capsys.readouterr().out
    assert out.count("right") == 4
    assert "rank-1 1.000: the first match is the right person in 3 of 3 queries" in out


def test_json_is_all_there_is_on_standard_output(tree, options, capsys):
    enroll_folder(tree / "gallery", "default", as_json(options))
    answer = json.loads(capsys.readouterr().out)
    assert [one["tracklet_id"] for one in answer["enrolled"]] == ["blue-0", "green-0", "red-0"]
    assert answer["failed"] == []

    search_folder(tree / "query", SearchOptionsBody(top_k=1), as_json(options))
    answer = json.loads(capsys.readouterr().out)
    first = {one["tracklet_id"]: one["matches"][0]["identity"] for one in answer["queries"]}
    assert first == {"red-1": "red", "blue-1": "blue", "green-1": "green"}


def test_one_bad_tracklet_is_reported_and_the_others_are_enrolled(tree, options, capsys, client):
    for frame in (tree / "gallery" / "blue-0").glob("*.png"):
        frame.write_bytes(b"text")
    (tree / "gallery" / "red-0" / "001.png").write_bytes(b"text")
    assert enroll_folder(tree / "gallery", "default", options) == 1
    said = capsys.readouterr()
    assert "enrolled 2 of 3 tracklets" in said.out
    assert "blue-0: no_readable_frame: expected at least one readable frame" in said.err
    assert "red-0: frame 1 left out: expected JPEG, PNG, WEBP data" in said.err
    assert "1 of 3 tracklets failed; run the command again to retry" in said.err
    assert {tracklet.tracklet_id for tracklet in client.pages()} == {"green-0", "red-0"}

    enroll_folder(tree / "gallery", "default", as_json(options))
    (failed,) = json.loads(capsys.readouterr().out)["failed"]
    assert (failed["tracklet_id"], failed["code"]) == ("blue-0", "no_readable_frame")


def test_a_long_tracklet_is_thinned_and_that_is_said(tree, options, capsys):
    few = BulkOptions(options.url, 2, most_frames=2, as_json=False)
    assert enroll_folder(tree / "gallery", "default", few) == 0
    assert "3 tracklets have more than 2 frames; evenly spaced" in capsys.readouterr().err


def test_a_service_that_is_not_there_is_said_before_anything_is_read(tree):
    nowhere = BulkOptions("http://127.0.0.1:9", 2, 256, as_json=False)
    with pytest.raises(ReidClientError, match="start it with `reid serve`"):
        enroll_folder(tree / "gallery", "default", nowhere)


def test_an_interrupted_command_reports_what_it_knows(tree, options, capsys, monkeypatch):
    """Nothing acknowledged goes unreported, and nothing unknown is passed off as done."""
    real = ReidClient.enroll
    calls = []

    def enroll(self, tracklet_id, *arguments, **named):
        calls.append(tracklet_id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, tracklet_id, *arguments, **named)

    monkeypatch.setattr(ReidClient, "enroll", enroll)
    alone = BulkOptions(options.url, 1, options.most_frames, as_json=True)
    assert enroll_folder(tree / "gallery", "default", alone) == 1
    answer = json.loads(capsys.readouterr().out)
    assert [one["tracklet_id"] for one in answer["enrolled"]] == ["blue-0"]
    assert [one["code"] for one in answer["failed"]] == ["interrupted", "interrupted"]


@pytest.mark.parametrize("code", ["unauthorized", "forbidden"])
def test_without_the_right_key_it_says_how_to_give_one(tree, options, monkeypatch, capsys, code):
    def refuse(self, *_arguments, **_named):
        raise ReidClientError("expected a key", status=401, code=code)

    monkeypatch.setattr(ReidClient, "enroll", refuse)
    assert enroll_folder(tree / "gallery", "default", options) == 1
    told = capsys.readouterr().err
    assert "3 of 3 tracklets failed; give a key that may do this: reid --api-key-file" in told
    assert "run the command again" not in told


def test_a_service_that_is_still_loading_is_waited_for(tree, options, monkeypatch):
    monkeypatch.setattr("service.client.readiness._PAUSE_S", 0.0)
    real = ReidClient.ready
    refusals = [ReidClientError("loading", status=503, code="not_ready", retry_after_s=1)] * 40

    def ready(self):
        if refusals:
            raise refusals.pop()
        return real(self)

    monkeypatch.setattr(ReidClient, "ready", ready)
    assert enroll_folder(tree / "gallery", "default", options) == 0
    assert not refusals
