import pytest
from prometheus_client import CollectorRegistry, generate_latest

from service.batch_metrics import BatchMetrics
from tests.metric_samples import samples


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def batches(registry):
    return BatchMetrics(registry)


@pytest.fixture
def read(registry):
    return lambda: samples(generate_latest(registry).decode())


def test_items_and_the_fill_of_batches_are_counted(batches, read):
    batches.batch_done(items=3, size=4, run_s=0.5)
    batches.batch_done(items=4, size=4, run_s=0.25)
    found = read()
    assert found["reid_batch_items_total",] == 7
    assert found["reid_batch_fill_count",] == 2
    assert found["reid_batch_fill_sum",] == 1.75
    assert found["reid_batch_fill_bucket", "0.75"] == 1
    assert found["reid_batch_seconds_sum",] == 0.75


def test_what_was_never_computed_is_counted_by_its_reason(batches, read):
    batches.dropped("cancelled", items=8)
    batches.dropped("expired", items=2)
    batches.dropped("expired", items=1)
    found = read()
    assert found["reid_items_dropped_total", "cancelled"] == 8
    assert found["reid_items_dropped_total", "expired"] == 3
