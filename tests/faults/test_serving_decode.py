"""A codec or decoder that breaks: its tracklet fails, its neighbours and the threads do not."""

import asyncio
import json

import httpx
import pytest

from tests.faults.faulty_service import BREAKS_CODEC, BREAKS_DECODER, Faults
from tests.faults.live_faults import (
    GOOD,
    embed_request,
    enroll_request,
    enrolled,
    faulty_service,
    plain_frame,
    search_request,
)
from tests.faults.requests_sent import ask_all, counted, request_bytes
from tests.people import parts_of

BROKEN = embed_request(frames=BREAKS_DECODER)


@pytest.fixture(scope="module")
def service(artifact, tmp_path_factory):
    """A service whose imaging library and decoder raise now and then."""
    with faulty_service(artifact, tmp_path_factory.mktemp("data"), Faults()) as running:
        yield running


def test_an_error_costs_one_request_and_no_thread_of_the_decoder(service):
    """More errors than threads: those that come last still find one."""
    requests = [BROKEN if number % 2 else embed_request() for number in range(16)]
    outcomes = asyncio.run(ask_all(service.url, requests))
    assert [outcome.status for outcome in outcomes] == [200, 500] * 8
    assert counted(asyncio.run(ask_all(service.url, [embed_request()] * 4))) == {200: 4}
    assert httpx.get(f"{service.url}/readyz").status_code == 200


def test_its_answer_says_nothing_of_the_inside_and_the_log_has_the_error(service):
    (outcome,) = asyncio.run(ask_all(service.url, [BROKEN]))
    error = json.loads(outcome.body)["error"]
    assert (outcome.status, error["code"]) == (500, "decode_failed")
    assert "decoder that broke" not in outcome.body.decode()
    service.request_line(error["request_id"])  # The last line about it.
    (logged,) = [
        line
        for line in service.events("request_failed")
        if line["request_id"] == error["request_id"]
    ]
    assert "a decoder that broke" in str(logged["exception"])


def test_nothing_of_it_is_enrolled_or_searched_with(service):
    requests = [
        enroll_request("broken", frames=BREAKS_DECODER),
        search_request(frames=BREAKS_DECODER),
    ]
    assert counted(asyncio.run(ask_all(service.url, requests))) == {500: 2}
    assert enrolled(service) == set()


def test_a_codec_that_breaks_on_a_frame_costs_that_frame(service):
    broken, good = plain_frame(GOOD, BREAKS_CODEC), plain_frame(GOOD)
    alone = request_bytes("POST", "/embed", files=parts_of([broken]))
    beside = request_bytes("POST", "/embed", files=parts_of([good, broken, good]))
    refused, answered = asyncio.run(ask_all(service.url, [alone, beside]))
    assert json.loads(refused.body)["error"]["code"] == "no_readable_frame"
    (rejected,) = json.loads(answered.body)["frames"]["rejected"]
    assert rejected["index"] == 1
