"""Each request is a trace with its stages; a collector that is away disturbs nothing."""

import logging
import time

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service.answered_request import AnsweredRequest
from service.stage_times import StageTimes
from service.tracing import Tracing
from tests.live_service import live_service
from tests.people import frames_of, parts_of
from tests.trace_collector import attributes, trace_collector

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AWAY = "http://127.0.0.1:9/v1/traces"


def answered(**known):
    told = {
        "request_id": "job-7",
        "method": "POST",
        "route": "/embed",
        "status": 200,
        "error_code": None,
        "began_s": time.monotonic(),
        "duration_s": 0.5,
        "sent_bytes": 3,
        "stages": StageTimes(),
        "traceparent": None,
    }
    return AnsweredRequest(**{**told, **known})


@pytest.fixture
def collector():
    with trace_collector() as collector:
        yield collector


def sent(collector, *requests, share=1.0):
    tracing = Tracing(collector.url, share=share)
    for one in requests:
        tracing.ended(one)
    tracing.close()
    return collector.spans


def test_a_request_is_a_span_at_the_time_when_it_was(collector):
    before_ns = time.time_ns()
    (span,) = sent(collector, answered())
    assert span.name == "POST /embed"
    assert span.kind == Span.SPAN_KIND_SERVER
    assert span.end_time_unix_nano - span.start_time_unix_nano == pytest.approx(5e8, abs=1e3)
    assert abs(span.start_time_unix_nano - before_ns) < 5e9
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": "/embed",
        "http.response.status_code": 200,
        "reid.request_id": "job-7",
    }
    resource = collector.requests[0].resource_spans[0].resource
    assert attributes(resource)["service.name"] == "tracklet-reid"


def test_its_stages_are_spans_within_it(collector):
    began_s = time.monotonic()
    stages = StageTimes()
    stages.add("decode", 0.1, ended_s=began_s + 0.1)
    stages.add("inference", 0.2, ended_s=began_s + 0.4)
    found = {one.name: one for one in sent(collector, answered(began_s=began_s, stages=stages))}
    whole, decode, inference = found["POST /embed"], found["decode"], found["inference"]
    assert decode.parent_span_id == inference.parent_span_id == whole.span_id
    assert decode.start_time_unix_nano == pytest.approx(whole.start_time_unix_nano, abs=1e4)
    assert inference.start_time_unix_nano - whole.start_time_unix_nano == pytest.approx(
        2e8, abs=1e4
    )
    assert attributes(inference) == {"reid.seconds": pytest.approx(0.2)}


def test_a_callers_trace_is_continued(collector):
    (span,) = sent(collector, answered(traceparent=PARENT), share=0.0)
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent_span_id.hex() == "b7ad6b7169203331"


@pytest.mark.parametrize("traceparent", [PARENT[:-2] + "00", None, "nonsense", "00-0-0-01"])
def test_what_the_caller_does_not_trace_is_traced_by_its_share(collector, traceparent):
    assert sent(collector, answered(traceparent=traceparent), share=0.0) == []


def test_errors_are_told_by_their_code_and_failures_of_ours_are_marked(collector):
    refused, failed = sent(
        collector,
        answered(status=429, error_code="overloaded"),
        answered(status=503, error_code="not_ready"),
    )
    assert attributes(refused)["error.type"] == "overloaded"
    assert refused.status.code == Status.STATUS_CODE_UNSET
    assert attributes(failed)["error.type"] == "not_ready"
    assert failed.status.code == Status.STATUS_CODE_ERROR


def test_a_collector_that_is_away_is_told_once_and_costs_a_moment(caplog):
    caplog.set_level(logging.INFO)
    tracing = Tracing(AWAY, share=1.0)
    started = time.monotonic()
    for _ in range(3000):
        tracing.ended(answered())
    assert time.monotonic() - started < 10
    closing = time.monotonic()
    tracing.close()
    assert time.monotonic() - closing < 4
    assert [record.msg for record in caplog.records] in ([], ["traces_lost"])


def test_a_live_service_sends_traces_without_names(artifact_dir, tmp_path, collector):
    settings = {"REID_TRACES_ENDPOINT": collector.url}
    metadata = '{"identity": "secret-person", "camera": "secret-camera"}'
    with live_service(artifact_dir, tmp_path, settings=settings) as service:
        url = f"{service.url}/galleries/default/tracklets/secret-tracklet"
        files = [*parts_of(frames_of("red")), ("metadata", (None, metadata))]
        answer = httpx.put(url, files=files, headers={"traceparent": PARENT})
        assert answer.status_code == 201
    name = "PUT /galleries/{gallery}/tracklets/{tracklet_id:path}"
    root, *stages = collector.await_trace(name)
    assert root.trace_id.hex() in PARENT
    assert {span.name for span in stages} == {"decode", "queue", "inference", "store"}
    begins = sorted(stages, key=lambda span: span.start_time_unix_nano)
    assert [span.name for span in begins] == ["decode", "queue", "inference", "store"]
    assert "secret" not in str(collector.requests)


def test_a_live_service_whose_collector_is_away_answers_and_stops(artifact_dir, tmp_path):
    settings = {"REID_TRACES_ENDPOINT": AWAY}
    with live_service(artifact_dir, tmp_path, settings=settings) as service:
        for _ in range(20):
            answer = httpx.post(f"{service.url}/embed", files=parts_of(frames_of("red")))
            assert answer.status_code == 200
        service.process.terminate()
        assert service.process.wait(10) == 0
    assert len(service.events("traces_lost")) <= 1
