"""`python -m service.probe`: what a container's health check runs."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from service.probe import probe

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def answering(status):
    """A server on a free port that answers `status` to everything and keeps the paths asked for."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"why")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def command(port, *words):
    return subprocess.run(
        [sys.executable, "-m", "service.probe", *words],
        cwd=ROOT,
        env={**os.environ, "REID_PORT": str(port), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_200_is_well_and_another_path_can_be_asked_for():
    with answering(200) as (port, asked):
        assert command(port).returncode == 0
        assert command(port, "/readyz").returncode == 0
    assert asked == ["/healthz", "/readyz"]


@pytest.mark.parametrize("status", [204, 404, 503])
def test_any_other_answer_is_not(status):
    with answering(status) as (port, _):
        done = command(port, "/readyz")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"expected 200 from /readyz, received {status} {'' if status == 204 else 'why'}; "
        "see the log of the service"
    )


def test_nobody_listening_is_not_well():
    with answering(200) as (port, _):
        pass
    received = probe("/healthz", port=port)
    assert received is not None
    assert received.startswith("ConnectionRefusedError")


def test_it_loads_nothing_heavy():
    program = "import sys, service.probe; print({'numpy', 'fastapi', 'httpx'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "set()"
