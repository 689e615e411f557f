import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from model.manifest import ArtifactError
from service import lifecycle
from service.errors import NotReady
from service.lifecycle import Lifecycle
from service.settings import Settings


async def nothing():
    pass


RUNTIME = SimpleNamespace(
    manifest=SimpleNamespace(model=SimpleNamespace(version="1")),
    model=SimpleNamespace(close=nothing),
    embedder=SimpleNamespace(health=SimpleNamespace(reason=None)),
)


class Gate:
    """Stands for the opening of the real runtime, which `test_runtime` covers."""

    def __init__(self, monkeypatch, *, error: Exception | None = None):
        self.open = asyncio.Event()
        self.closed = False
        self.error = error
        monkeypatch.setattr(lifecycle, "open_runtime", self.opening)

    @asynccontextmanager
    async def opening(self, settings, report, **watched):
        report("verifying the artifact")
        await self.open.wait()
        if self.error:
            raise self.error
        try:
            yield RUNTIME
        finally:
            self.closed = True


def not_ready(life: Lifecycle) -> NotReady:
    with pytest.raises(NotReady) as caught:
        life.runtime()
    return caught.value


async def turns():
    for _ in range(10):
        await asyncio.sleep(0)


def test_it_starts_at_once_and_says_what_it_is_doing_until_it_is_ready(monkeypatch, caplog):
    caplog.set_level("INFO")

    async def story():
        gate = Gate(monkeypatch)
        life = Lifecycle(Settings())
        assert not_ready(life).received == "starting"
        life.start()
        await turns()
        error = not_ready(life)
        assert error.received == "verifying the artifact"
        assert error.retry_after_s == 1
        assert error.remedy == "retry when /readyz answers 200"
        gate.open.set()
        await turns()
        assert life.runtime() is RUNTIME
        await life.stop()
        assert gate.closed
        assert not_ready(life).received == "stopping"

    asyncio.run(story())
    assert [record.msg for record in caplog.records] == ["starting", "ready", "stopped"]
    assert caplog.records[0].event_fields == {"phase": "verifying the artifact"}


def test_a_failed_start_is_the_reason_and_is_told_once(monkeypatch):
    async def story():
        told = []
        gate = Gate(monkeypatch, error=ArtifactError("broken"))
        gate.open.set()
        life = Lifecycle(Settings(), when_start_fails=told.append)
        life.start()
        await turns()
        assert told == [gate.error]
        assert not_ready(life).received == "the start failed: broken"
        await life.stop()
        assert len(told) == 1

    asyncio.run(story())


def test_without_a_listener_a_failed_start_leaves_it_alive_and_not_ready(monkeypatch):
    async def story():
        gate = Gate(monkeypatch, error=ArtifactError("broken"))
        gate.open.set()
        life = Lifecycle(Settings())
        life.start()
        await turns()
        assert "broken" in not_ready(life).received
        await life.stop()

    asyncio.run(story())


def test_stopping_while_it_starts_ends_the_start(monkeypatch):
    async def story():
        Gate(monkeypatch)
        told = []
        life = Lifecycle(Settings(), when_start_fails=told.append)
        life.start()
        await turns()
        await asyncio.wait_for(life.stop(), 5)
        assert told == []

    asyncio.run(story())


def test_stopping_what_never_started_is_nothing():
    async def story():
        await Lifecycle(Settings()).stop()

    asyncio.run(story())
