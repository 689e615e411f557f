"""How the service answers at half of what it can do, and at twice as much."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.health_prober import probing
from benchmarks.http_load import Load, closed_load, open_load
from benchmarks.resident_memory import watching_memory
from benchmarks.running_service import RunningService, running_service
from benchmarks.sent_tracklets import multipart
from benchmarks.serving_throughput import EMBED_PATH, Contest, require_only_good

_FILLING_S = 3.0
"""After the start of an overload, until the queue is as long as it will be."""
_MEMORY_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class LoadedService:
    """Requests a second of one tracklet each.

    Attributes:
        peak_per_s: By clients that wait for their answers, before and after the overload.
        offered_per_s: In the overload, twice the peak.
        goodput_per_s: Answers in the overload that came within their deadline.
        in_time_share: Of the requests that the service took on, refused ones left out.
        refused_share: Of the requests that were offered.
        unanswered: Requests that got no answer at all.
        overload_p99_ms: Of the good answers, from the moment at which the request was due.
        memory_growth_mb: Of the service, from the first fifth of the overload to the last.
    """

    half_load_p50_ms: float
    half_load_p99_ms: float
    peak_per_s: float
    offered_per_s: float
    goodput_per_s: float
    deadline_s: float
    in_time_share: float
    refused_share: float
    unanswered: int
    overload_p99_ms: float
    healthz_p50_ms: float
    healthz_p99_ms: float
    memory_growth_mb: float


def measure_loads(
    contest: Contest, *, deadline_s: float, done: Callable[[str], None]
) -> LoadedService:
    """Peak, half load, overload, peak again, of one service."""
    with running_service(contest.artifact, inference_provider="cpu") as service:
        return asyncio.run(_loads(service, contest, deadline_s, done))


async def _loads(
    service: RunningService, contest: Contest, deadline_s: float, done: Callable[[str], None]
) -> LoadedService:
    requests = [multipart(EMBED_PATH)(tracklet) for tracklet in contest.tracklets]

    async def peak() -> float:
        load = await closed_load(
            service.url, requests, clients=contest.clients, seconds=contest.seconds
        )
        done("peak")
        require_only_good(load)
        return load.per_s()

    before = await peak()
    half = await open_load(service.url, requests, per_s=before / 2, seconds=2 * contest.seconds)
    done("half load")
    urgent = multipart(EMBED_PATH, timeout_s=deadline_s)
    in_a_hurry = [urgent(tracklet) for tracklet in contest.tracklets]
    overload = await _overload(service, in_a_hurry, per_s=2 * before, seconds=2 * contest.seconds)
    over, health_ms = overload.load, overload.health_ms
    done("overload")
    return LoadedService(
        half_load_p50_ms=half.latency_ms(50),
        half_load_p99_ms=half.latency_ms(99),
        peak_per_s=(before + await peak()) / 2,
        offered_per_s=2 * before,
        goodput_per_s=over.per_s(within_s=deadline_s),
        deadline_s=deadline_s,
        in_time_share=_in_time_share(over, deadline_s),
        refused_share=over.statuses()[429] / max(1, len(over.answers)),
        unanswered=over.unanswered,
        overload_p99_ms=over.latency_ms(99),
        healthz_p50_ms=float(np.percentile(health_ms, 50)),
        healthz_p99_ms=float(np.percentile(health_ms, 99)),
        memory_growth_mb=overload.memory_growth_mb,
    )


@dataclass(frozen=True, slots=True)
class _Overload:
    load: Load
    health_ms: list[float]
    memory_growth_mb: float


async def _overload(
    service: RunningService, requests: list[bytes], *, per_s: float, seconds: float
) -> _Overload:
    """Requests at a steady pace, health and memory watched meanwhile."""
    with probing(service.url, seconds=_FILLING_S + seconds) as probes:
        async with watching_memory(service.process_id, every_s=_MEMORY_EVERY_S) as memory:
            load = await open_load(
                service.url, requests, per_s=per_s, seconds=seconds, skipped_s=_FILLING_S
            )
    return _Overload(load, probes.latencies_ms, memory.since(_FILLING_S).growth_mb())


def _in_time_share(load: Load, deadline_s: float) -> float:
    taken_on = [answer for answer in load.answers if answer.status != 429]
    in_time = [
        answer for answer in taken_on if answer.status == 200 and answer.latency_s <= deadline_s
    ]
    return len(in_time) / max(1, len(taken_on))
