import json
import logging
import re

import pytest
from starlette.responses import PlainTextResponse

from service.api.request_log import RequestLog, note_error, request_id
from service.log import JsonLines, log_event
from service.stage_times import report
from tests.asgi_exchange import exchange


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="service.api.request_log")
    return lambda: [json.loads(JsonLines().format(record)) for record in caplog.records]


async def answering(scope, receive, send):
    scope["route"] = type("Route", (), {"path": "/galleries/{gallery}/tracklets/{tracklet_id}"})
    await PlainTextResponse(request_id(scope), status_code=201)(scope, receive, send)


def test_one_line_per_request_with_the_template_and_not_the_path(lines):
    exchange(RequestLog(answering), path="/galleries/default/tracklets/person-7")
    (line,) = lines()
    assert line["event"] == "request"
    assert line["route"] == "/galleries/{gallery}/tracklets/{tracklet_id}"
    assert (line["method"], line["status"], line["sent_bytes"]) == ("POST", 201, 32)
    assert line["duration_s"] >= 0
    assert "person-7" not in json.dumps(line)


def test_the_id_is_in_the_log_the_answer_and_the_application(lines):
    seen = exchange(RequestLog(answering))
    identifier = seen.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", identifier)
    assert seen.body.decode() == identifier
    assert lines()[0]["request_id"] == identifier


def test_a_callers_id_is_kept_when_it_is_harmless(lines):
    seen = exchange(RequestLog(answering), headers={"X-Request-ID": "job-7.a_1"})
    assert seen.headers["x-request-id"] == "job-7.a_1"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, 'a"\\n', "é"])
def test_a_callers_id_that_could_break_a_line_is_replaced(lines, sent):
    seen = exchange(RequestLog(answering), headers={"X-Request-ID": sent})
    assert re.fullmatch(r"[0-9a-f]{32}", seen.headers["x-request-id"])


def test_a_failing_application_is_logged_as_500_and_the_error_goes_on(lines):
    async def broken(scope, receive, send):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        exchange(RequestLog(broken))
    assert lines()[0]["status"] == 500
    assert lines()[0]["route"] == "unmatched"


def test_a_request_that_was_never_answered_is_logged_as_client_closed(lines):
    async def silent(scope, receive, send):
        return

    exchange(RequestLog(silent))
    assert lines()[0]["status"] == 499


def test_a_scope_outside_of_a_request_has_no_id():
    assert request_id({"type": "http"}) is None


class Listening:
    def __init__(self, heard):
        self.began = lambda: heard.append("began")
        self.ended = heard.append


def test_observers_hear_when_a_request_begins_and_all_about_it_when_it_has_ended(lines):
    heard = []

    async def refusing(scope, receive, send):
        heard.append("answers")
        note_error(scope, "overloaded")
        report("queue", 0.25)
        await PlainTextResponse("later", status_code=429)(scope, receive, send)

    exchange(RequestLog(refusing, watch=Listening(heard)), headers={"traceparent": "00-1-2-01"})
    *before, answered = heard
    assert before == ["began", "answers"]
    assert (answered.status, answered.error_code, answered.sent_bytes) == (429, "overloaded", 5)
    assert answered.stages.seconds == {"queue": 0.25}
    assert answered.traceparent == "00-1-2-01"
    assert (lines()[0]["code"], lines()[0]["queue_s"]) == ("overloaded", 0.25)


def test_a_failure_is_told_with_the_code_that_the_caller_gets():
    heard = []

    async def broken(scope, receive, send):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        exchange(RequestLog(broken, watch=Listening(heard)))
    assert (heard[1].status, heard[1].error_code) == (500, "internal_error")


def test_a_method_that_a_caller_made_up_is_told_as_other():
    heard = []
    exchange(RequestLog(answering, watch=Listening(heard)), method="PERSON-7")
    assert heard[1].method == "OTHER"


def test_what_is_logged_during_a_request_has_its_id(caplog):
    caplog.set_level(logging.INFO)

    async def talking(scope, receive, send):
        log_event(logging.getLogger("within"), logging.INFO, "happened")
        await answering(scope, receive, send)

    exchange(RequestLog(talking), headers={"X-Request-ID": "job-7"})
    log_event(logging.getLogger("after"), logging.INFO, "happened")
    within, after = [
        json.loads(JsonLines().format(record))
        for record in caplog.records
        if record.name in {"within", "after"}
    ]
    assert within["request_id"] == "job-7"
    assert "request_id" not in after
