import threading

import pytest

from service.batching.backend import BackendOutOfMemory
from service.inference.artifact import open_artifact
from service.inference.graph import ProviderError
from service.inference.warm_up import warm_up
from tests.artifact_factory import write_tiny_artifact
from tests.inference_parts import unheard


class Records:
    """A lane that remembers the sizes it ran."""

    def __init__(self):
        self.sizes = []

    def run(self, items):
        self.sizes.append(len(items))


@pytest.fixture
def artifact(tmp_path):
    write_tiny_artifact(tmp_path)
    return open_artifact(tmp_path)


@pytest.mark.parametrize(("extent", "sizes"), [("full", [8, 2, 1]), ("smallest", [1]), ("off", [])])
def test_sizes_that_are_run_on_every_lane(artifact, extent, sizes):
    lanes = [Records(), Records()]
    told = []
    warm_up(lanes, artifact, (1, 2, 8), extent=extent, report=told.append)
    assert [lane.sizes for lane in lanes] == [sizes, sizes]
    assert told == [
        f"warming up: batch size {number} of {len(sizes)}" for number in range(1, len(sizes) + 1)
    ]


def test_lanes_are_warmed_at_once(artifact):
    together = threading.Barrier(2)

    class Waits:
        def run(self, items):
            together.wait(10)

    warm_up([Waits(), Waits()], artifact, (1,), extent="full", report=unheard)


def test_a_batch_that_fails_stops_the_start(artifact):
    class Fails:
        def run(self, items):
            raise RuntimeError("no memory for it")

    with pytest.raises(RuntimeError, match="no memory for it"):
        warm_up([Fails()], artifact, (1,), extent="full", report=unheard)


def test_a_batch_that_does_not_fit_is_told_with_its_remedy(artifact):
    class Full:
        def run(self, items):
            raise BackendOutOfMemory("out of memory")

    with pytest.raises(ProviderError) as refused:
        warm_up([Full()], artifact, (1, 2), extent="full", report=unheard)
    assert str(refused.value) == (
        "expected memory for batches of 2 on 1 lanes, received none: out of memory; "
        "lower REID_MAX_BATCH_FRAMES"
    )
