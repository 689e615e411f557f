"""Streams of lines among the same faults: each line is answered, or the stream ends."""

import asyncio
import base64
import json
import signal
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.faulty_service import BREAKS_DECODER, POISON, Faults
from tests.faults.live_faults import GOOD, embed_request, enrolled, faulty_service, plain_frame
from tests.faults.requests_sent import ask, request_bytes

RUN_S = 0.05
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def service(artifact, tmp_path_factory):
    """A service whose model takes 50 ms for each frame."""
    data = tmp_path_factory.mktemp("data")
    with faulty_service(artifact, data, Faults(item_s=RUN_S), max_batch_frames=4) as running:
        yield running


def line_of(name, colour=GOOD, *, frames=1):
    content = base64.b64encode(plain_frame(colour)).decode()
    return json.dumps({"tracklet_id": name, "frames": [content] * frames}).encode() + b"\n"


LINES = [
    line_of("a"),
    line_of("poisoned", POISON),
    line_of("b", frames=2),
    b"{no line\n",
    line_of("c"),
    line_of("broken", frames=BREAKS_DECODER),
    line_of("d"),
]
CODES = [None, "inference_failed", None, "malformed_request", None, "decode_failed", None]


def answers_of(service, path):
    answer = httpx.post(service.url + path, content=b"".join(LINES), headers=NDJSON, timeout=20)
    assert answer.status_code == 200
    *lines, last = map(json.loads, answer.text.splitlines())
    return [line.get("error") and line["error"]["code"] for line in lines], last


def test_each_line_that_is_embedded_fails_alone(service):
    codes, last = answers_of(service, "/embed:bulk")
    assert codes == CODES
    assert (last["received"], last["embedded"], last["failed"]) == (7, 4, 3)


def test_each_line_that_is_enrolled_fails_alone(service):
    codes, _ = answers_of(service, "/galleries/default/tracklets:bulk")
    assert codes == CODES
    assert enrolled(service) == {"a", "b", "c", "d"}


def test_a_sender_that_leaves_in_the_middle_leaves_no_work_behind(service):
    async def leave():
        where = urlsplit(service.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        lines = b"".join(line_of(f"t{number}", frames=4) for number in range(50))
        writer.write(request_bytes("POST", "/embed:bulk", content=lines, headers=NDJSON))
        await reader.readuntil(b'"t0"')
        writer.transport.abort()
        # 50 lines would take 10 s.
        return await ask(service.url, embed_request())

    outcome = asyncio.run(leave())
    assert outcome.status == 200
    assert outcome.seconds < 2.0


def test_told_to_stop_in_the_middle_the_stream_ends(artifact, tmp_path):
    async def run(service):
        where = urlsplit(service.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(
            b"POST /embed:bulk HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        line = line_of("t")
        writer.write(b"%x\r\n%b\r\n" % (len(line), line))
        await reader.readuntil(b'"t"')
        # The sender says no more, and does not close either.
        service.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await reader.read()
        writer.close()
        await asyncio.to_thread(service.process.wait, 20)

    with faulty_service(artifact, tmp_path, Faults()) as service:
        asyncio.run(run(service))
