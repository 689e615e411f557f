import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.health_prober import latencies_ms, probing


@contextmanager
def health(*, status: int):
    """The address of a server that answers every question with `status`."""
    asked = []

    class Health(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_every_answer_has_its_time():
    with health(status=200) as (url, asked), probing(url, seconds=0.3) as probes:
        assert probes.latencies_ms == []
    assert set(asked) == {"/healthz"}
    assert len(probes.latencies_ms) == len(asked) > 0
    assert min(probes.latencies_ms) > 0


def test_an_answer_that_is_not_200_is_no_measurement():
    with health(status=503) as (url, _):
        with pytest.raises(RuntimeError, match=r"^expected 200 of /healthz, received 503$"):
            latencies_ms(url, seconds=0.3)
        with (
            pytest.raises(RuntimeError, match=r"^expected every /healthz to be answered, rec"),
            probing(url, seconds=0.3),
        ):
            pass
