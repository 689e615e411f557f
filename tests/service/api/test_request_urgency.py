import asyncio

import httpx
import pytest

from service.api.request_urgency import UsuallyBulk, UsuallyInteractive
from service.batching.urgency import Priority
from tests.people import frames_of, parts_of

PATHS = [
    ("POST", "/embed"),
    ("POST", "/search"),
    ("PUT", "/galleries/default/tracklets/a"),
]


class Until:
    """Stands for a deadline: only the moment is asked for."""

    until_s = 12.5


@pytest.mark.parametrize(
    ("annotated", "sent", "wanted"),
    [
        (UsuallyBulk, None, Priority.BULK),
        (UsuallyBulk, "interactive", Priority.INTERACTIVE),
        (UsuallyBulk, "bulk", Priority.BULK),
        (UsuallyInteractive, None, Priority.INTERACTIVE),
        (UsuallyInteractive, "bulk", Priority.BULK),
        (UsuallyInteractive, "interactive", Priority.INTERACTIVE),
    ],
)
def test_the_header_decides_and_else_the_route(annotated, sent, wanted):
    depends = annotated.__metadata__[0].dependency
    urgency = asyncio.run(depends(Until(), sent))
    assert (urgency.priority, urgency.until_s) == (wanted, 12.5)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_route_that_embeds_takes_both_headers(http: httpx.Client, method, path):
    headers = {"X-Priority": "bulk", "X-Timeout-S": "20"}
    answer = http.request(method, path, files=parts_of(frames_of("red")), headers=headers)
    assert answer.is_success, answer.text


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_another_priority_is_refused(http: httpx.Client, method, path):
    files = parts_of(frames_of("red"))
    answer = http.request(method, path, files=files, headers={"X-Priority": "first"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_query")
    assert error["expected"] == "`x-priority` to be 'interactive' or 'bulk'"
    assert error["received"] == "'first'"


@pytest.mark.parametrize(
    ("sent", "expected", "received"),
    [
        ("0", "`x-timeout-s` to be greater than 0", "'0'"),
        ("-1", "`x-timeout-s` to be greater than 0", "'-1'"),
        (
            "soon",
            "`x-timeout-s` to be a valid number, unable to parse string as a number",
            "'soon'",
        ),
        ("nan", "`x-timeout-s` to be a finite number", "'nan'"),
        ("inf", "`x-timeout-s` to be a finite number", "'inf'"),
        ("60.5", "`X-Timeout-S` of at most 60 s", "60.5 s"),
    ],
)
def test_a_time_that_nobody_can_have_is_refused(http: httpx.Client, sent, expected, received):
    files = parts_of(frames_of("red"))
    answer = http.post("/embed", files=files, headers={"X-Timeout-S": sent})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_query")
    assert (error["expected"], error["received"]) == (expected, received)


def test_a_request_gets_the_time_that_it_asks_for(http: httpx.Client):
    files = parts_of(frames_of("red"))
    answer = http.post("/embed", files=files, headers={"X-Timeout-S": "0.0001"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (504, "deadline_exceeded")
    assert error["expected"] == "an answer within 0.0001 s"
