import time

import httpx
import pytest

from service.api.gallery_seq import MIN_SEQ_HEADER, SEQ_HEADER, later_of, min_seq_header
from service.errors import InvalidQuery
from tests.enrolled_lines import item, numbers


def test_the_later_of_several_wishes_counts():
    assert later_of(None, 3, 7) == 7
    assert later_of(None, None) is None


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "٣", "9" * 19])
def test_what_is_no_write_is_refused(text):
    with pytest.raises(InvalidQuery, match=r"X-Min-Gallery-Seq to be the `seq` of a write"):
        min_seq_header(text)
    assert min_seq_header(None) is None
    assert min_seq_header("12") == 12


READS = (
    ("POST", "/search", {"embedding": numbers()}),
    ("GET", "/galleries/default", None),
    ("GET", "/galleries/default/digest", None),
    ("GET", "/galleries/default/export", None),
    ("GET", "/galleries/default/tracklets", None),
    ("GET", "/galleries/default/tracklets/a", None),
    ("GET", "/galleries/default/identities", None),
)


@pytest.mark.parametrize(("method", "path", "body"), READS)
def test_a_read_shows_the_write_that_was_answered_or_is_refused_soon(http, method, path, body):
    written = http.post("/galleries/default/tracklets:batch", json={"enroll": [item("a")]})
    seq = int(written.headers[SEQ_HEADER])

    def ask(least: int) -> httpx.Response:
        return http.request(method, path, json=body, headers={MIN_SEQ_HEADER: str(least)})

    seen = ask(seq)
    assert seen.status_code == 200
    if SEQ_HEADER in seen.headers:
        assert int(seen.headers[SEQ_HEADER]) >= seq
    started = time.monotonic()
    behind = ask(seq + 1)
    assert (behind.status_code, behind.json()["error"]["code"]) == (503, "replica_behind")
    assert "Retry-After" in behind.headers
    assert 0.3 < time.monotonic() - started < 5
    assert ask(10**30).status_code == 422


def test_the_body_and_the_query_string_can_ask_too(http: httpx.Client):
    seq = http.get("/galleries/default").json()["seq"]
    for ask in (
        lambda least: http.post("/search", json={"embedding": numbers(), "min_seq": least}),
        lambda least: http.get("/galleries/default/tracklets", params={"min_seq": least}),
        lambda least: http.get("/galleries/default/identities", params={"min_seq": least}),
    ):
        assert ask(seq).status_code == 200
        assert ask(seq + 1).status_code == 503
        assert ask(-1).status_code == 422
