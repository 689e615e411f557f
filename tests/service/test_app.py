import json
import os
import re
import shutil
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from service.api.access_check import AccessCheck
from service.api.body_limit import BodyLimit
from service.api.cut_short import AnswerWhenCutShort
from service.api.disconnect import CancelWhenClientLeaves
from service.api.held_runtime import ReleaseRuntime
from service.api.request_log import RequestLog
from service.app import create_app
from service.settings import Settings
from tests.live_service import ROOT, LiveService, live_service
from tests.people import frames_of, parts_of


def test_the_schema_describes_every_call_with_its_bodies(http: httpx.Client):
    schema = http.get("/openapi.json").json()
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert set(schema["paths"]) == set(committed["paths"])
    for path, call in (("/embed", "post"), ("/search", "post")):
        content = schema["paths"][path][call]["requestBody"]["content"]
        assert "multipart/form-data" in content
    enroll = schema["paths"]["/galleries/{gallery}/tracklets/{tracklet_id}"]["put"]
    assert {"multipart/form-data", "application/json"} <= set(enroll["requestBody"]["content"])
    assert set(enroll["responses"]) >= {"200", "201"}


def test_the_second_port_describes_what_operators_ask(admin_http: httpx.Client):
    schema = admin_http.get("/openapi.json").json()
    assert set(schema["paths"]) == {"/admin/reload", "/audit", "/metrics", "/healthz", "/readyz"}


def test_the_documented_error_is_the_error_that_comes(http: httpx.Client):
    schema = http.get("/openapi.json").json()
    described = schema["components"]["schemas"]["ErrorDetail"]["properties"]
    came = http.get("/no/such/path").json()["error"]
    assert set(came) == set(described)
    for path, calls in schema["paths"].items():
        wanted = {"/v1": "OpenaiErrorAnswer", "/v2": "KserveErrorAnswer"}
        name = wanted.get(path[:3], "ErrorAnswer")
        for call in calls.values():
            reference = call["responses"]["default"]["content"]["application/json"]["schema"]
            assert reference == {"$ref": f"#/components/schemas/{name}"}
            assert "422" not in call["responses"]


def test_the_documentation_page_is_served(http: httpx.Client):
    answer = http.get("/docs")
    assert answer.status_code == 200
    assert "openapi.json" in answer.text


def test_the_documentation_page_needs_nothing_from_elsewhere(http: httpx.Client):
    page = http.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    assert '"validatorUrl": null' in page
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(assets) >= 3
    for asset in assets:
        assert http.get(asset).status_code == 200, asset


def test_the_log_has_templates_and_no_ids(http: httpx.Client, running: LiveService):
    files = [*parts_of(frames_of("red")), ("metadata", (None, '{"identity": "secret-person"}'))]
    path = "/galleries/default/tracklets/secret-tracklet"
    request_id = http.put(path, files=files).headers["X-Request-ID"]
    http.delete("/galleries/default/identities/secret-person")
    line = running.request_line(request_id)
    assert line["route"] == "/galleries/{gallery}/tracklets/{tracklet_id:path}"
    assert line["status"] == 201
    assert "secret" not in json.dumps(running.lines)


@pytest.fixture
def broken_artifact(artifact_dir, tmp_path):
    copy = tmp_path / "artifact"
    copy.mkdir()
    for file in artifact_dir.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    graph = copy / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    return copy


def test_a_broken_artifact_stops_the_service_with_one_clear_message(broken_artifact, tmp_path):
    with live_service(broken_artifact, tmp_path / "data", wait_ready=False) as service:
        assert service.process.wait(30) == 1
    (said,) = [str(line["event"]) for line in service.lines if str(line["event"])[:5] == "reid:"]
    assert said.startswith("reid: expected 'graph.onnx' with sha256 ")
    assert said.endswith("copy or export the artifact again")
    assert not [line for line in service.lines if "Traceback" in str(line)]


def test_stopped_by_a_signal_it_leaves_in_order(artifact_dir, tmp_path):
    with live_service(artifact_dir, tmp_path) as service:
        assert httpx.get(f"{service.url}/healthz").status_code == 200
    assert service.process.returncode in (0, -15)
    events = [line["event"] for line in service.lines]
    assert (events[0], events[-1]) == ("listening", "stopped")
    assert "ready" in events


def test_a_request_over_its_time_says_that_nothing_was_kept(artifact_dir, tmp_path):
    slow = {"REID_REQUEST_TIMEOUT_S": "0.000001"}
    with live_service(artifact_dir, tmp_path, settings=slow, wait_ready=False) as service:
        while not service.events("ready"):
            assert service.process.poll() is None
        answer = httpx.post(f"{service.url}/embed", files=parts_of(frames_of("red")))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (504, "deadline_exceeded")
    assert error["remedy"].startswith("nothing was stored")


def test_the_port_answers_before_the_model_is_there(artifact_dir, tmp_path):
    slow = tmp_path / "artifact"
    shutil.copytree(artifact_dir, slow)
    manifest = (slow / "manifest.json").read_text()
    (slow / "manifest.json").unlink()
    os.mkfifo(slow / "manifest.json")  # reading it waits until somebody writes
    with live_service(slow, tmp_path / "data", wait_ready=False) as service:
        try:
            assert httpx.get(f"{service.url}/healthz").status_code == 200
            for answer in (
                httpx.get(f"{service.url}/readyz"),
                httpx.get(f"{service.url}/model"),
                httpx.post(f"{service.url}/embed", files=parts_of(frames_of("red"))),
            ):
                error = answer.json()["error"]
                assert (answer.status_code, error["code"]) == (503, "not_ready")
                assert answer.headers["Retry-After"] == "1"
                assert error["received"] == "verifying the artifact"
                assert error["remedy"] == "retry when /readyz answers 200"
        finally:
            (slow / "manifest.json").write_text(manifest)
        service.await_ready()


def test_the_log_is_outside_and_the_body_is_counted_inside_of_the_cancelling():
    layers = [layer.cls for layer in create_app(Settings()).user_middleware]
    assert layers == [
        RequestLog,
        AccessCheck,
        AnswerWhenCutShort,
        ReleaseRuntime,
        CancelWhenClientLeaves,
        BodyLimit,
    ]


def test_a_client_that_leaves_is_logged_and_its_work_is_dropped(running: LiveService, http):
    where = urlsplit(running.url)
    body = httpx.Request("POST", running.url, files=parts_of(frames_of("red", count=20)))
    head = (
        "POST /embed HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: left-early\r\n"
        f"Content-Type: {body.headers['Content-Type']}\r\n"
        f"Content-Length: {body.headers['Content-Length']}\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(head.encode() + body.read()[:1000])
    assert running.request_line("left-early")["status"] == 499
    assert http.get("/readyz").status_code == 200
