"""How the service answers at half of what it can do, and at twice as much.

Peak and overload are measured in turns: what other machines take of a virtual one changes from one
quarter of a minute to the next by more than an overload costs.
"""

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.health_prober import probing
from benchmarks.http_load import Load, closed_load, open_load
from benchmarks.resident_memory import MemoryCurve, watching_memory
from benchmarks.running_service import RunningService, running_service
from benchmarks.sent_tracklets import multipart
from benchmarks.serving_throughput import EMBED_PATH, Contest, require_only_good

_FILLING_S = 3.0
"""After the start of an overload, until the queue is as long as it will be."""
_MEMORY_EVERY_S = 0.25
TURNS = 5


@dataclass(frozen=True, slots=True)
class LoadedService:
    """Requests a second of one tracklet each.

    Attributes:
        peak_per_s: By clients that wait for their answers; the mean of all turns.
        offered_per_s: In the overloads, twice the peak just before each.
        goodput_per_s: Answers in the overloads that came within their deadline.
        goodput_ratios: Of each turn: its goodput over its peak.
        in_time_share: Of the requests that the service took on, refused ones left out.
        refused_share: Of the requests that were offered.
        unanswered: Requests that got no answer at all.
        overload_p99_ms: Of the good answers, from the moment at which the request was due; the
            median of the turns.
        memory_growth_mb: Of the service, from the first fifth of all overloads to the last.
    """

    half_load_p50_ms: float
    half_load_p99_ms: float
    peak_per_s: float
    offered_per_s: float
    goodput_per_s: float
    goodput_ratios: tuple[float, ...]
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
    """Half load, then peak and overload in turns, of one service."""
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

    half = await open_load(
        service.url, requests, per_s=await peak() / 2, seconds=2 * contest.seconds
    )
    done("half load")
    urgent = multipart(EMBED_PATH, timeout_s=deadline_s)
    in_a_hurry = [urgent(tracklet) for tracklet in contest.tracklets]
    peaks, overloads = [], []
    for _ in range(TURNS):
        peaks.append(await peak())
        overloads.append(
            await _overload(service, in_a_hurry, per_s=2 * peaks[-1], seconds=contest.seconds)
        )
        done("overload")
    return _figures(half, peaks, overloads, deadline_s)


@dataclass(frozen=True, slots=True)
class _Overload:
    load: Load
    health_ms: list[float]
    memory: MemoryCurve


async def _overload(
    service: RunningService, requests: list[bytes], *, per_s: float, seconds: float
) -> _Overload:
    """Requests at a steady pace, health and memory watched meanwhile."""
    with probing(service.url, seconds=_FILLING_S + seconds) as probes:
        async with watching_memory(service.process_id, every_s=_MEMORY_EVERY_S) as memory:
            load = await open_load(
                service.url, requests, per_s=per_s, seconds=seconds, skipped_s=_FILLING_S
            )
    return _Overload(load, probes.latencies_ms, memory.since(_FILLING_S))


def _figures(
    half: Load, peaks: list[float], overloads: list[_Overload], deadline_s: float
) -> LoadedService:
    loads = [overload.load for overload in overloads]
    goodput = [load.per_s(within_s=deadline_s) for load in loads]
    health_ms = [latency for overload in overloads for latency in overload.health_ms]
    resident_mb = [sample for overload in overloads for sample in overload.memory.resident_mb]
    answers = sum(len(load.answers) for load in loads)
    return LoadedService(
        half_load_p50_ms=half.latency_ms(50),
        half_load_p99_ms=half.latency_ms(99),
        peak_per_s=statistics.mean(peaks),
        offered_per_s=2 * statistics.mean(peaks),
        goodput_per_s=statistics.mean(goodput),
        goodput_ratios=tuple(good / peak for good, peak in zip(goodput, peaks, strict=True)),
        deadline_s=deadline_s,
        in_time_share=_in_time_share(loads, deadline_s),
        refused_share=sum(load.statuses()[429] for load in loads) / max(1, answers),
        unanswered=sum(load.unanswered for load in loads),
        overload_p99_ms=statistics.median(load.latency_ms(99) for load in loads),
        healthz_p50_ms=float(np.percentile(health_ms, 50)),
        healthz_p99_ms=float(np.percentile(health_ms, 99)),
        memory_growth_mb=MemoryCurve(resident_mb=resident_mb).growth_mb(),
    )


def _in_time_share(loads: Sequence[Load], deadline_s: float) -> float:
    taken_on = [answer for load in loads for answer in load.answers if answer.status != 429]
    in_time = [
        answer for answer in taken_on if answer.status == 200 and answer.latency_s <= deadline_s
    ]
    return len(in_time) / max(1, len(taken_on))
