import socket
import time

import httpx
import pytest

from service.access.keys_file import change_keys
from service.access.principal import AccessScope
from service.serving import ServeError, serve
from service.settings import Settings
from tests.api_keys import add_key, bearer
from tests.live_service import live_service


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_an_error_that_says_what_to_do(taken, monkeypatch):
    monkeypatch.setattr("service.serving.configure_logging", lambda level: None)
    with pytest.raises(ServeError) as caught:
        serve(Settings(port=taken))
    text = str(caught.value)
    assert f"expected to listen on 127.0.0.1 port {taken}, received " in text
    assert "choose another with --host or --port, or stop what uses it" in text


def test_port_0_takes_a_free_port_and_says_which(artifact_dir, tmp_path):
    with live_service(artifact_dir, tmp_path) as service:
        (line,) = service.events("listening")
        assert line["url"] == service.url
        assert not service.url.endswith(":0")


def test_ipv6_is_served_too(artifact_dir, tmp_path):
    with live_service(artifact_dir, tmp_path, settings={"REID_HOST": "::1"}) as service:
        assert service.url.startswith("http://[::1]:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "reid.example"])
@pytest.mark.parametrize("name", ["host", "admin_host"])
def test_other_machines_are_listened_to_only_with_keys_or_when_told_so(host, name):
    with pytest.raises(ServeError) as caught:
        serve(Settings(**{name: host}))
    option = name.replace("_", "-")
    assert str(caught.value) == (
        f"expected --{option} 127.0.0.1 or a file of API keys, received {host} and no file; "
        "make keys with `reid keys new` and set REID_KEYS_FILE, or let anyone who reaches it do "
        "everything with REID_ALLOW_ANYONE=true"
    )


def test_with_keys_or_when_told_so_other_machines_are_listened_to(artifact_dir, tmp_path):
    keys_file = tmp_path / "keys.json"
    api_key = add_key(keys_file, "desk", AccessScope.SEARCH)
    for more, headers, expected in (
        ({"REID_KEYS_FILE": str(keys_file)}, bearer(api_key), 200),
        ({"REID_KEYS_FILE": str(keys_file)}, {}, 401),
        ({"REID_ALLOW_ANYONE": "true"}, {"Host": "reid.example"}, 200),
    ):
        settings = {"REID_HOST": "0.0.0.0", **more}
        with live_service(artifact_dir, tmp_path / "data", settings=settings) as service:
            port = service.url.rpartition(":")[2]
            answer = httpx.get(f"http://127.0.0.1:{port}/model", headers=headers)
            assert answer.status_code == expected


def test_a_keys_file_that_cannot_be_used_is_one_line_and_nothing_starts(artifact_dir, tmp_path):
    keys_file = tmp_path / "keys.json"
    keys_file.write_text("{}x")
    settings = {"REID_KEYS_FILE": str(keys_file)}
    with live_service(artifact_dir, tmp_path, settings=settings, wait_ready=False) as service:
        assert service.process.wait(30) == 1
    (said,) = [str(line["event"]) for line in service.lines]
    assert said.startswith(f"reid: expected keys as `reid keys new` writes them in {keys_file}")


def test_a_revoked_key_is_refused_within_two_seconds(artifact_dir, tmp_path):
    keys_file = tmp_path / "keys.json"
    api_key = add_key(keys_file, "desk")
    settings = {"REID_KEYS_FILE": str(keys_file)}
    with live_service(artifact_dir, tmp_path / "data", settings=settings) as service:

        def ask():
            return httpx.get(f"{service.url}/model", headers=bearer(api_key)).status_code

        assert ask() == 200
        change_keys(keys_file, lambda records: [])
        until = time.monotonic() + 20
        while ask() == 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert ask() == 401
        (line,) = service.events("keys_reloaded")
        assert line["keys"] == 0


def test_a_page_of_another_site_reaches_nothing_while_no_key_is_needed(running):
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        for url in (f"{running.url}/galleries", f"{running.admin_url}/audit"):
            refused = httpx.get(url, headers=headers)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
            assert "Access-Control-Allow-Origin" not in refused.headers
