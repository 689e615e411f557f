import http.server
import threading

import pytest

from service.api.schemas import MetadataBody, PageQuery, SearchBody, SearchOptionsBody
from service.client.client import ReidClient
from service.client.connection import ReidClientError
from tests.people import frames_of


@pytest.fixture
def stranger():
    """Some other HTTP server: whatever it is asked, it answers 200 or 502 with HTML."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/readyz" else 502)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_call_gives_a_typed_answer(client: ReidClient):
    assert client.ready().ready
    assert client.model().dimension == 20
    embedded = client.embed(frames_of("red"))
    metadata = MetadataBody(identity="p1", camera="c1", start=10, attributes={"a": 1})

    assert client.enroll("a", frames_of("red"), metadata).created
    assert client.enroll_embedding("b", embedded.embedding, metadata).frames is None
    kept = client.get("a", embedding=True)
    assert (kept.identity, kept.camera, kept.start, kept.attributes) == ("p1", "c1", 10, {"a": 1})
    assert kept.embedding == pytest.approx(embedded.embedding, abs=2**-12)  # kept as float16
    assert client.get("a").embedding is None

    by_frames = client.search(frames_of("red"), SearchOptionsBody(top_k=1))
    assert [match.tracklet_id for match in by_frames.matches] == ["a"]
    by_id = client.search_by(SearchBody(tracklet_id="a"))
    assert [match.tracklet_id for match in by_id.matches] == ["b"]

    assert client.delete("a").deleted
    assert client.delete_identity("p1").deleted == 1


def test_pages_follow_the_cursor_to_the_end(client: ReidClient):
    for number in range(5):
        client.enroll(f"t{number}", frames_of("red", count=1), MetadataBody(identity="p"))
    for limit in (1, 2, 5, 50):
        ids = [tracklet.tracklet_id for tracklet in client.pages(PageQuery(limit=limit))]
        assert ids == [f"t{number}" for number in range(5)]
    assert list(client.pages(PageQuery(identity="nobody"))) == []


def test_ids_are_escaped(client: ReidClient):
    strange = "cam 1 €?#%&+"
    client.enroll(strange, frames_of("red"), MetadataBody(identity=strange))
    assert client.get(strange).identity == strange
    assert client.delete_identity(strange).deleted == 1


def test_a_refusal_carries_status_code_and_text(client: ReidClient):
    with pytest.raises(ReidClientError) as caught:
        client.get("unknown")
    assert caught.value.status == 404
    assert caught.value.code == "tracklet_not_found"
    assert caught.value.message.startswith("expected ")
    assert caught.value.retry_after_s is None


def test_a_service_that_is_not_there_is_unreachable():
    with ReidClient("http://127.0.0.1:9") as client, pytest.raises(ReidClientError) as caught:
        client.ready()
    assert (caught.value.status, caught.value.code) == (None, "unreachable")
    assert "expected the service at http://127.0.0.1:9, received no answer" in caught.value.message
    assert "start it with `reid serve`, or give its --url" in caught.value.message


def test_another_server_is_recognised(stranger):
    with ReidClient(stranger) as client:
        with pytest.raises(ReidClientError, match=r"received 200 of type 'text/html'; check the"):
            client.ready()
        with pytest.raises(ReidClientError, match=r"received status 502; check the --url") as error:
            client.model()
    assert (error.value.status, error.value.code) == (502, "unknown_answer")
