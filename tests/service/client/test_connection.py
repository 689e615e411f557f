import http.server
import threading

import pytest

from service.api.answers import AliveAnswer
from service.client.connection import Connection, ReidClientError, path_of


@pytest.fixture
def answering():
    """A server that answers each request with the next of some bodies, in small pieces."""
    bodies: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            body = bodies.pop(0)
            for start in range(0, len(body), 5):
                self.wfile.write(body[start : start + 5])
                self.wfile.flush()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Connection(f"http://127.0.0.1:{server.server_port}", timeout_s=10), bodies
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_come_out_whole_however_they_arrive(answering, end):
    connection, bodies = answering
    bodies.append(b"a longer line\n\nshort" + end)
    lines = list(connection.lines(connection.request("GET", "/")))
    assert lines == [b"a longer line", b"", b"short"]
    connection.close()


def test_an_answer_of_something_else_is_recognised(answering):
    connection, bodies = answering
    bodies += [b'{"alive": true}', b"<html>"]
    assert connection.get(AliveAnswer, "/").alive
    with pytest.raises(ReidClientError, match="expected an answer of this service"):
        connection.get(AliveAnswer, "/")
    connection.close()


def test_names_become_steps_of_a_path():
    assert (
        path_of("galleries", "a b/c", "tracklets:batch") == "/galleries/a%20b%2Fc/tracklets:batch"
    )
    assert path_of("é?#") == "/%C3%A9%3F%23"
