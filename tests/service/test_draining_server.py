"""Told to stop, a service says so, serves on, refuses, finishes, and ends cleanly."""

import signal
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.faulty_service import LOST, Faults
from tests.faults.live_faults import embed_request, faulty_service
from tests.live_service import LiveService, live_service
from tests.people import frames_of, parts_of

QUICK_S = 8.0


def draining(service: LiveService) -> None:
    """Wait until readiness has failed."""
    until = time.monotonic() + QUICK_S
    while httpx.get(f"{service.url}/readyz").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_while_it_drains_it_is_not_ready_and_serves_and_then_it_ends(artifact_dir, tmp_path):
    drain = {"REID_DRAIN_S": "2"}
    with live_service(artifact_dir, tmp_path, settings=drain) as service:
        told = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        draining(service)
        readiness = httpx.get(f"{service.url}/readyz").json()["error"]
        assert readiness["received"] == "a service that is about to stop"
        assert httpx.get(f"{service.url}/healthz").status_code == 200
        answer = httpx.post(f"{service.url}/embed", files=parts_of(frames_of("red")))
        assert answer.status_code == 200
        assert service.process.wait(20) == 0
        assert time.monotonic() - told > 2
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.url}/healthz")
    names = [str(line["event"]) for line in service.lines]
    assert names.index("draining") < names.index("stopped")


@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM, signal.SIGTERM], [signal.SIGINT]], ids=["twice", "by a person"]
)
def test_a_second_signal_and_a_person_do_not_wait_for_the_drain(artifact_dir, tmp_path, signals):
    drain = {"REID_DRAIN_S": "60"}
    with live_service(artifact_dir, tmp_path, settings=drain) as service:
        for each in signals:
            service.process.send_signal(each)
            time.sleep(0.3)
        assert service.process.wait(QUICK_S) == 0
    assert service.events("stopped")


def test_what_is_under_way_is_finished_for_as_long_as_the_settings_say(artifact_dir, tmp_path):
    with live_service(artifact_dir, tmp_path, settings={"REID_FINISH_S": "1"}) as service:
        where = urlsplit(service.url)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(
                b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            )
            time.sleep(0.3)
            told = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(QUICK_S) == 0
            assert time.monotonic() - told >= 1
    assert service.events("stopped")


def test_a_lost_device_fails_liveness_and_then_the_process(artifact_dir, tmp_path):
    with faulty_service(artifact_dir, tmp_path, Faults()) as service:
        where = urlsplit(service.url)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(embed_request(LOST))
            assert b" 503 " in connection.recv(1000).split(b"\r\n")[0]
        health = httpx.get(f"{service.url}/healthz")
        assert health.status_code == 503
        assert health.json()["error"]["received"].startswith("a device that is lost: ")
        assert httpx.get(f"{service.url}/readyz").status_code == 503
        assert service.process.wait(QUICK_S) == 1
    assert len(service.events("device_lost")) == 1
    (said,) = [str(line["event"]) for line in service.lines if str(line["event"])[:5] == "reid:"]
    assert "fell off the bus" in said
