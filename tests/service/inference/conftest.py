import pytest

from service.inference.batcher import FrameBatcher
from tests.fake_backend import FakeBackend


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture
def make(backend):
    made = []

    def make(run=backend.run, *, batch=8, queue=64):
        batcher = FrameBatcher(run, max_batch_frames=batch, max_queue_frames=queue)
        batcher.start()
        made.append(batcher)
        return batcher

    yield make
    backend.gate.set()
    for batcher in made:
        batcher.stop()
