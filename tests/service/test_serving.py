import socket

import pytest

from service.serving import ServeError, serve
from service.settings import Settings
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
