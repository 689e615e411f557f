"""A lifecycle with a runtime: it drains, falls ill, and serves another model in its place."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from model.manifest import ArtifactError
from service import lifecycle
from service.batching.backend import BackendLost
from service.errors import Conflict, InvalidInput, NotReady
from service.lifecycle import Lifecycle
from service.settings import Settings


async def turns():
    for _ in range(10):
        await asyncio.sleep(0)


class Model:
    """Stands for a loaded model, which `tests/service/api/test_admin.py` loads for real."""

    def __init__(self, name):
        self.name = name
        self.closed = 0
        self.admission = SimpleNamespace(close=self.refuse)
        self.refused = False
        self.reason = None

    def refuse(self):
        self.refused = True

    async def close(self):
        self.closed += 1


class Serving:
    """Stands for a runtime of a model."""

    def __init__(self, model):
        self.model = model
        self.admission = model.admission
        self.embedder = SimpleNamespace(health=SimpleNamespace(reason=model.reason))
        self.manifest = SimpleNamespace(model=SimpleNamespace(version=model.name))

    def with_model(self, model):
        return Serving(model)


@pytest.fixture
def served(monkeypatch):
    """Runs a story with a lifecycle that serves `one`, and a gate before `two` is open."""

    def run(story, **named):
        async def whole():
            one, two, gate = Model("one"), Model("two"), asyncio.Event()

            @asynccontextmanager
            async def opening(settings, report, *, observer, on_lost):
                yield Serving(one)

            async def open_model(directory, settings, watch):
                await gate.wait()
                if directory == BROKEN:
                    raise ArtifactError("broken")
                return two

            monkeypatch.setattr(lifecycle, "open_runtime", opening)
            monkeypatch.setattr(lifecycle, "open_model", open_model)
            life = Lifecycle(Settings(), **named)
            life.start()
            await turns()
            try:
                await story(life, one, two, gate)
            finally:
                await asyncio.wait_for(life.stop(), 5)
            return one, two

        return asyncio.run(whole())

    return run


BROKEN = Path("broken")
TWO = Path("two")


def test_a_model_that_is_replaced_is_closed_after_its_last_user(served):
    async def story(life, one, two, gate):
        gate.set()
        with life.lease() as runtime:
            await life.reload(TWO)
            await turns()
            assert (runtime.model, one.closed) == (one, 0)
            assert life.runtime().model is two
        await turns()
        assert one.closed == 1

    _, two = served(story)
    assert two.closed == 1


def test_one_model_is_loaded_at_a_time(served):
    async def story(life, one, two, gate):
        first = asyncio.create_task(life.reload(TWO))
        await turns()
        with pytest.raises(Conflict) as caught:
            await life.reload(TWO)
        assert caught.value.expected == "one reload at a time"
        assert caught.value.received == "another while one is under way"
        assert "model_reloaded or reload_refused" in caught.value.remedy
        gate.set()
        assert (await first).model is two
        await life.reload(TWO)

    served(story)


def test_a_model_that_is_refused_leaves_the_one_before_and_can_be_mended(served, caplog):
    async def story(life, one, two, gate):
        gate.set()
        with pytest.raises(InvalidInput) as caught:
            await life.reload(BROKEN)
        assert caught.value.expected == "an artifact that this service can serve"
        assert caught.value.received == "broken"
        assert caught.value.remedy.startswith("the model before goes on serving; ")
        assert (life.runtime().model, one.closed) == (one, 0)
        assert (await life.reload(TWO)).model is two

    served(story)
    assert "reload_refused" in caplog.text


def test_a_caller_that_leaves_does_not_stop_the_reload(served):
    async def story(life, one, two, gate):
        asking = asyncio.create_task(life.reload(TWO))
        await turns()
        asking.cancel()
        gate.set()
        await turns()
        assert life.runtime().model is two

    served(story)


def test_a_model_that_is_ready_only_when_the_service_stops_is_closed(served):
    async def story(life, one, two, gate):
        asking = asyncio.create_task(life.reload(TWO))
        await turns()
        stopping = asyncio.create_task(life.stop())
        await turns()
        gate.set()
        await stopping
        with pytest.raises(NotReady, match="a reload while it stops"):
            await asking

    one, two = served(story)
    assert (one.closed, two.closed) == (1, 1)


def test_a_model_that_is_ready_only_when_work_is_refused_takes_none(served):
    async def story(life, one, two, gate):
        asking = asyncio.create_task(life.reload(TWO))
        await turns()
        life.drain()
        life.refuse()
        gate.set()
        with pytest.raises(NotReady, match="a reload while it stops"):
            await asking
        assert life.runtime().model is one
        assert two.closed == 1

    served(story)


def test_nothing_is_reloaded_while_the_service_drains(served):
    async def story(life, one, two, gate):
        gate.set()
        life.drain()
        with pytest.raises(NotReady) as caught:
            await life.reload(TWO)
        assert caught.value.expected == "a service that goes on"
        assert caught.value.received == "a reload while it stops"
        assert caught.value.remedy == "the next start serves REID_ARTIFACT_DIR"
        assert life.runtime().model is one

    served(story)


def test_nothing_is_reloaded_before_the_start(caplog):
    async def story():
        life = Lifecycle(Settings())
        with pytest.raises(NotReady):
            await life.reload(TWO)
        life.reload_soon()

    asyncio.run(story())
    assert "reload_refused" in caplog.text


def test_draining_fails_readiness_alone_and_refusing_closes_admission(served):
    async def story(life, one, two, gate):
        assert life.unreadiness() is None
        life.drain()
        assert life.unreadiness() == "a service that is about to stop"
        assert life.illness() is None
        assert not one.refused
        life.refuse()
        assert one.refused
        assert life.runtime().model is one

    served(story)


def test_a_part_outside_of_the_runtime_can_keep_it_from_being_ready(served):
    problems = [None]

    async def story(life, one, two, gate):
        assert life.unreadiness() is None
        problems.append("the thread that reads the keys file has ended")
        assert life.unreadiness() == problems[-1]
        assert life.illness() is None

    served(story, problem=lambda: problems[-1])


def test_a_lost_device_is_told_once_and_is_an_illness(served):
    told = []

    async def story(life, one, two, gate):
        life._tell_lost(BackendLost("it fell off"))
        life._tell_lost(BackendLost("again"))
        await turns()
        assert life.illness() == life.unreadiness() == "a device that is lost: it fell off"

    served(story, when_lost=told.append)
    assert [str(error) for error in told] == ["it fell off"]


def test_a_batcher_that_is_stuck_is_an_illness(served):
    async def story(life, one, two, gate):
        two.reason = "a batch that does not end"
        assert life.illness() is None
        gate.set()
        await life.reload(TWO)
        assert life.illness() == "a batch that does not end"

    served(story)
