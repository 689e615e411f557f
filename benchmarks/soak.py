"""Whether the service's memory grows: an hour of mixed requests that keep about one core busy.

    python -m benchmarks.soak --minutes 60

Tracklets of 1 to 64 frames are embedded, searched for and enrolled in random order at a steady
rate, and now and then an upload is broken. Enrolments repeat the same few ids, so that the gallery
does not grow. The rate is half of what the service did in a short trial just before. After the
first sixth of the time, resident memory is fitted by a line: `slope_mb_per_min` is its slope.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.http_load import Load, closed_load, open_load
from benchmarks.resident_memory import MemoryCurve, watching_memory
from benchmarks.running_service import RunningService, running_service
from benchmarks.sent_tracklets import multipart, of_lengths

LENGTHS = (1, 2, 3, 4, 5, 8, 8, 8, 11, 16, 23, 32, 64)
_WAYS = (
    "POST /embed?encoding=base64",
    "POST /embed?encoding=base64",
    "POST /embed",
    "POST /search",
    "PUT /galleries/default/tracklets/soak-{number}",
)
_ENROLLED = 40
_BROKEN_SHARE = 0.02
_REQUESTS = 600
_TRIAL_CLIENTS = 8
_EXPECTED = frozenset({"200", "201", "422", "429"})
_SAMPLES = 720
_SETTLES = 1 / 6


@dataclass(frozen=True)
class Soak:
    """What was seen.

    Attributes:
        offered_per_s: Requests; half of what the trial reached.
        service_cores: Cores that the service kept busy.
        statuses: Answers by status; 422 is of the broken uploads.
        unanswered: Requests that got no answer at all.
        slope_mb_per_min: Of resident memory after `settled_after_min`.
        resident_mb: Of the service at the start, when settled, and at the end.
    """

    minutes: float
    settled_after_min: float
    offered_per_s: float
    service_cores: float
    statuses: dict[str, int]
    unanswered: int
    p50_ms: float
    p99_ms: float
    slope_mb_per_min: float
    growth_mb: float
    resident_mb: tuple[float, float, float]


@dataclass(frozen=True)
class Plan:
    """What to send.

    Attributes:
        requests: Whole ones, sent in turn.
        minutes: Of the soak.
        trial_s: To find the rate before it.
    """

    requests: Sequence[bytes]
    minutes: float
    trial_s: float


def mixed_requests(samples: Path) -> list[bytes]:
    """Requests of every length and way in random order, some of them broken."""
    drawn = random.Random(0)
    lengths = [drawn.choice(LENGTHS) for _ in range(_REQUESTS)]
    requests = []
    for number, tracklet in enumerate(of_lengths(samples, lengths)):
        way = drawn.choice(_WAYS).format(number=number % _ENROLLED)
        method, path = way.split()
        broken = drawn.random() < _BROKEN_SHARE
        sent = [file[: len(file) // 2] for file in tracklet] if broken else tracklet
        requests.append(multipart(path, method=method)(sent))
    return requests


async def run_soak(
    service: RunningService, plan: Plan, sampled: Callable[[float, float], None]
) -> Soak:
    """Try how fast the service is, then send half as much for so long.

    Args:
        service: Which nobody else uses.
        plan: What to send.
        sampled: Told of each sample of memory: seconds since the first, MB.
    """
    trial = await closed_load(
        service.url, plan.requests, clients=_TRIAL_CLIENTS, seconds=plan.trial_s
    )
    per_s = len(trial.answers) / (trial.skipped_s + trial.measured_s) / 2
    seconds = 60 * plan.minutes
    began_s, began_cpu_s = time.monotonic(), _cpu_s(service.process_id)
    async with watching_memory(
        service.process_id, every_s=seconds / _SAMPLES, sampled=sampled
    ) as memory:
        load = await open_load(
            service.url, plan.requests, per_s=per_s, seconds=seconds, skipped_s=0
        )
    cores = (_cpu_s(service.process_id) - began_cpu_s) / (time.monotonic() - began_s)
    return _seen(load, memory, minutes=plan.minutes, offered_per_s=per_s, cores=cores)


def _seen(
    load: Load, memory: MemoryCurve, *, minutes: float, offered_per_s: float, cores: float
) -> Soak:
    settled = memory.since(60 * minutes * _SETTLES)
    return Soak(
        minutes=minutes,
        settled_after_min=round(minutes * _SETTLES, 3),
        offered_per_s=round(offered_per_s, 2),
        service_cores=round(cores, 2),
        statuses={str(status): count for status, count in sorted(load.statuses().items())},
        unanswered=load.unanswered,
        p50_ms=round(load.latency_ms(50), 1),
        p99_ms=round(load.latency_ms(99), 1),
        slope_mb_per_min=round(settled.slope_mb_per_min(), 3),
        growth_mb=round(settled.growth_mb(), 1),
        resident_mb=(
            round(memory.resident_mb[0], 1),
            round(settled.resident_mb[0], 1),
            round(memory.resident_mb[-1], 1),
        ),
    )


def problem_of(soak: Soak) -> str | None:
    """What the service answered that it should not have; None when all is well."""
    if not soak.unanswered and soak.statuses.keys() <= _EXPECTED:
        return None
    return (
        f"expected answers of {', '.join(sorted(_EXPECTED))} alone, received {soak.statuses} and "
        f"{soak.unanswered} without an answer; look into the service's log, and let nothing else "
        "run beside it"
    )


def _cpu_s(process_id: int) -> float:
    """Processor time of the process since its start."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(arguments: list[str] | None = None) -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--samples", type=Path, default=Path("samples"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--trial-seconds", type=float, default=20.0, help="to find the rate")
    asked = parser.parse_args(arguments)
    requests = mixed_requests(asked.samples)
    plan = Plan(requests, minutes=asked.minutes, trial_s=asked.trial_seconds)
    with (
        running_service(asked.artifact) as service,
        Progress(console=Console(stderr=True)) as shown,
    ):
        task = shown.add_task("trial", total=60 * plan.minutes)

        def sampled(at_s: float, resident_mb: float) -> None:
            shown.update(task, completed=at_s, description=f"{resident_mb:.0f} MB")

        soak = asyncio.run(run_soak(service, plan, sampled))
    json.dump(asdict(soak), sys.stdout, indent=2)
    print()
    # An hour's figures are shown whatever came of it; the exit status says what they are worth.
    problem = problem_of(soak)
    if problem is not None:
        sys.exit(problem)


if __name__ == "__main__":
    main()
