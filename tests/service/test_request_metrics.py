import pytest
from prometheus_client import CollectorRegistry, generate_latest

from service.answered_request import AnsweredRequest
from service.request_metrics import RequestMetrics
from service.stage_times import StageTimes
from tests.metric_samples import samples


def answered(**known):
    told = {
        "request_id": "7",
        "method": "POST",
        "route": "/embed",
        "status": 200,
        "error_code": None,
        "began_s": 0.0,
        "duration_s": 0.02,
        "sent_bytes": 3,
        "stages": StageTimes(),
        "traceparent": None,
    }
    return AnsweredRequest(**{**told, **known})


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return RequestMetrics(registry)


@pytest.fixture
def read(registry):
    return lambda: samples(generate_latest(registry).decode())


def test_requests_are_counted_by_method_route_and_status(metrics, read):
    for status in (200, 200, 429):
        metrics.began()
        metrics.ended(answered(status=status))
    found = read()
    assert found["reid_requests_total", "/embed", "200", "POST"] == 2
    assert found["reid_requests_total", "/embed", "429", "POST"] == 1
    assert found["reid_request_seconds_count", "/embed"] == 3
    assert found["reid_request_seconds_sum", "/embed"] == pytest.approx(0.06)


def test_what_is_under_way_is_what_began_and_has_not_ended(metrics, read):
    metrics.began()
    metrics.began()
    assert read()["reid_requests_in_flight",] == 2
    metrics.ended(answered())
    assert read()["reid_requests_in_flight",] == 1


def test_errors_are_counted_by_their_code_and_others_are_not(metrics, read):
    metrics.ended(answered(status=429, error_code="overloaded"))
    metrics.ended(answered())
    codes = {
        key[1:]: value for key, value in read().items() if key[0].startswith("reid_requests_r")
    }
    assert codes == {("overloaded",): 1}


def test_each_stage_that_a_request_went_through_is_timed_once(metrics, read):
    stages = StageTimes()
    stages.add("queue", 0.5, ended_s=1.0)
    stages.add("queue", 0.25, ended_s=2.0)
    metrics.ended(answered(stages=stages))
    found = read()
    assert found["reid_stage_seconds_count", "queue"] == 1
    assert found["reid_stage_seconds_sum", "queue"] == 0.75
    assert found["reid_stage_seconds_count", "search"] == 0
