import pytest

from service.batching.batcher import Batcher
from service.batching.options import BatcherOptions
from tests.fake_backend import FakeBackend, RunsAs


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture
def make(backend):
    made = []

    def make(run=backend.run, *, batch=8):
        batcher = Batcher([RunsAs(run)], BatcherOptions(tuple(range(1, batch + 1))))
        batcher.start()
        made.append(batcher)
        return batcher

    yield make
    backend.gate.set()
    for batcher in made:
        batcher.stop()
