"""SIGTERM and kill -9 under load of frames: what was acknowledged is there, and nobody hangs."""

import asyncio
import itertools
import signal

import pytest

from tests.faults.faulty_service import Faults
from tests.faults.live_faults import (
    embed_request,
    enroll_request,
    enrolled,
    faulty_service,
    search_request,
)
from tests.faults.requests_sent import Outcome, ask, counted

WRITERS = 12
READERS = 12
BEFORE_STOP = 60


class Load:
    """Clients that enroll, embed and search without a pause until they are refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: set[str] = set()
        self.outcomes: list[Outcome] = []
        self.enough = asyncio.Event()

    async def run(self) -> None:
        writers = [self._write(f"w{number}") for number in range(WRITERS)]
        kinds = (embed_request(frames=3), search_request(frames=2))
        readers = [self._read(kinds[number % 2]) for number in range(READERS)]
        await asyncio.gather(*writers, *readers)

    async def _write(self, prefix: str) -> None:
        for turn in itertools.count():
            name = f"{prefix}-{turn}"
            outcome = await ask(self.url, enroll_request(name, frames=2))
            self.outcomes.append(outcome)
            if outcome.status != 201:
                return
            self.acknowledged.add(name)
            if len(self.acknowledged) >= BEFORE_STOP:
                self.enough.set()

    async def _read(self, request: bytes) -> None:
        while (outcome := await ask(self.url, request)).status == 200:
            self.outcomes.append(outcome)
        self.outcomes.append(outcome)


def under_load(service, end):
    """The load, after `end` was done to the service in the midst of it and it has ended."""

    async def run():
        load = Load(service.url)
        running = asyncio.create_task(load.run())
        async with asyncio.timeout(60):
            await load.enough.wait()
        end()
        await running
        await asyncio.to_thread(service.process.wait, 20)
        return load

    return asyncio.run(run())


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_told_to_stop_it_loses_nothing_acknowledged_and_answers_or_closes(
    artifact, tmp_path, store, store_settings
):
    faults = Faults(run_s=0.01)
    with faulty_service(artifact, tmp_path, faults, **store_settings(store)) as service:
        load = under_load(service, lambda: service.process.send_signal(signal.SIGTERM))
    ends = counted(load.outcomes)
    assert set(ends) <= {200, 201, 503, "closed", "refused"}, ends
    assert not [line for line in service.lines if "exception" in line]
    with faulty_service(artifact, tmp_path, Faults(), **store_settings(store)) as service:
        assert load.acknowledged <= enrolled(service)


def test_killed_it_loses_nothing_acknowledged_and_nobody_hangs(artifact, tmp_path):
    with faulty_service(artifact, tmp_path, Faults(run_s=0.01)) as service:
        load = under_load(service, service.kill)
    ends = counted(load.outcomes)
    assert set(ends) <= {200, 201, "closed", "refused"}, ends
    with faulty_service(artifact, tmp_path, Faults()) as service:
        assert load.acknowledged <= enrolled(service)
