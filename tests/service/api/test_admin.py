"""Another model is put in place of the one that serves, and no request notices."""

import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.artifact_factory import write_tiny_artifact
from tests.live_service import LiveService, live_service
from tests.people import frames_of, parts_of


@dataclass
class Models:
    """A service of the model `one`, beside which lie `two`, a broken one, and one elsewhere."""

    service: LiveService
    directory: Path
    fingerprints: dict[str, str]
    lines_before: int = 0

    def events(self, name: str) -> list[dict[str, object]]:
        return [line for line in self.service.lines[self.lines_before :] if line["event"] == name]

    def await_event(self, name: str) -> None:
        until = time.monotonic() + 10
        while not self.events(name):
            assert time.monotonic() < until
            time.sleep(0.02)

    def point_at(self, name: str) -> None:
        self.directory.unlink()
        self.directory.symlink_to(name)

    def reload(self, **body: str) -> httpx.Response:
        return httpx.post(f"{self.service.admin_url}/admin/reload", json=body, timeout=30)

    def served(self) -> str:
        answer = httpx.get(f"{self.service.url}/model")
        return next(n for n, f in self.fingerprints.items() if f == answer.json()["fingerprint"])

    def embed(self) -> httpx.Response:
        return httpx.post(f"{self.service.url}/embed", files=parts_of(frames_of("red")))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    directory = tmp_path_factory.mktemp("models")
    manifests = {
        name: write_tiny_artifact(directory / name, seed=seed, version=name)
        for seed, name in enumerate(("one", "two"))
    }
    shutil.copytree(directory / "two", directory / "broken")
    graph = directory / "broken" / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    return directory, {name: each.model.fingerprint for name, each in manifests.items()}


@pytest.fixture(scope="module")
def running(written, tmp_path_factory: pytest.TempPathFactory):
    directory, fingerprints = written
    current = directory / "current"
    current.symlink_to("one")
    data = tmp_path_factory.mktemp("data")
    with live_service(current, data) as service:
        yield Models(service, current, fingerprints)


@pytest.fixture
def models(running: Models):
    running.point_at("one")
    running.lines_before = len(running.service.lines)
    running.reload().raise_for_status()
    running.await_event("model_retired")
    running.lines_before = len(running.service.lines)
    return running


class SlowUpload:
    """A request that has begun, and whose last bytes come when `finish` is called."""

    def __init__(self, url: str, method: str, path: str) -> None:
        where = urlsplit(url)
        request = httpx.Request(method, f"{url}{path}", files=parts_of(frames_of("red")))
        body = request.read()
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in request.headers.items()
        )
        self._connection = socket.create_connection((where.hostname, where.port), timeout=10)
        self._connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + body[:-40])
        self._rest = body[-40:]
        time.sleep(0.3)

    def __enter__(self) -> "SlowUpload":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def finish(self) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self._connection.sendall(self._rest)
        with self._connection.makefile("rb") as stream:
            answer = stream.read()
        return int(answer.split(b" ", 2)[1]), answer


def test_the_new_model_serves_and_the_old_galleries_refuse_what_it_embeds(models):
    answer = models.reload(artifact_dir="two")
    assert answer.status_code == 200
    assert answer.json()["model"]["fingerprint"] == models.fingerprints["two"]
    assert answer.json()["before"]["fingerprint"] == models.fingerprints["one"]
    assert models.served() == "two"
    assert models.embed().json()["model"]["fingerprint"] == models.fingerprints["two"]
    url = f"{models.service.url}/galleries/default/tracklets/t1"
    refused = httpx.put(url, files=parts_of(frames_of("red")))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_mismatch")
    created = httpx.post(f"{models.service.url}/galleries", json={"name": "second"}).json()
    assert created["model"]["fingerprint"] == models.fingerprints["two"]
    models.await_event("model_retired")


def test_a_request_that_has_begun_ends_with_the_model_that_it_began_with(models):
    url = models.service.url
    with (
        SlowUpload(url, "POST", "/embed") as embeds,
        SlowUpload(url, "PUT", "/galleries/default/tracklets/begun") as enrolls,
    ):
        assert models.reload(artifact_dir="two").status_code == 200
        time.sleep(0.5)
        assert not models.events("model_retired")
        status, answer = embeds.finish()
        assert (status, models.fingerprints["one"].encode() in answer) == (200, True)
        status, answer = enrolls.finish()
        assert status == 201, answer
    models.await_event("model_retired")
    assert httpx.get(f"{url}/galleries/default/tracklets/begun").status_code == 200


def test_under_traffic_every_request_is_answered_by_one_of_both(models):
    ended = threading.Event()

    def ask_on() -> set[tuple[int, str]]:
        seen = set()
        while not ended.is_set():
            answer = models.embed()
            seen.add((answer.status_code, answer.json()["model"]["fingerprint"]))
        return seen

    with ThreadPoolExecutor(4) as clients:
        asking = [clients.submit(ask_on) for _ in range(4)]
        for name in ("two", "one", "two"):
            assert models.reload(artifact_dir=name).status_code == 200
        ended.set()
        seen = set().union(*(client.result() for client in asking))
    assert seen == {(200, fingerprint) for fingerprint in models.fingerprints.values()}


@pytest.mark.parametrize(
    ("asked", "received"),
    [("broken", "expected 'graph.onnx' with sha256 "), ("..", "'..'"), ("none", "'none'")],
)
def test_what_is_refused_leaves_the_model_before_serving(models, asked, received):
    answer = models.reload(artifact_dir=asked)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_input")
    assert error["received"].startswith(received)
    assert models.served() == "one"
    assert models.embed().status_code == 200
    assert httpx.get(f"{models.service.url}/readyz").status_code == 200


def test_sighup_serves_what_is_now_where_the_settings_say(models):
    models.point_at("nowhere")
    models.service.process.send_signal(signal.SIGHUP)
    models.await_event("reload_refused")
    assert models.served() == "one"
    models.point_at("two")
    models.service.process.send_signal(signal.SIGHUP)
    models.await_event("model_reloaded")
    assert models.served() == "two"
