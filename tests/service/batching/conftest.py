import pytest

from service.batching.batcher import Batcher
from service.batching.options import BatcherOptions
from tests.fake_backend import FakeBackend, RunsAs


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture(params=[False, True], ids=["alone", "ahead"])
def prefetch(request):
    return request.param


@pytest.fixture
def make(backend, prefetch):
    made = []

    def make(run=backend.run, *, batch=8, lanes=1, sizes=None, **more):
        options = BatcherOptions(sizes or tuple(range(1, batch + 1)), prefetch=prefetch)
        batcher = Batcher([RunsAs(run) for _ in range(lanes)], options, **more)
        batcher.start()
        made.append(batcher)
        return batcher

    yield make
    backend.gate.set()
    for batcher in made:
        batcher.stop()
