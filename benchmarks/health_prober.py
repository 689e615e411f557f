"""Asks `/healthz` at a steady pace, as an orchestrator does, and prints how long each answer took.

    python -m benchmarks.health_prober http://127.0.0.1:8000 --seconds 10

It is a process of its own, so that a load generator that is busy does not hold it up.
"""

import argparse
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_EVERY_S = 0.02
_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Probes:
    """Milliseconds of each answer, once the prober has ended; every one of them was a 200."""

    latencies_ms: list[float] = field(default_factory=list)


@contextmanager
def probing(url: str, *, seconds: float) -> Iterator[Probes]:
    """Probe beside the body of the `with`, for `seconds`; the answers are known after it.

    Raises:
        RuntimeError: When a probe was not answered with 200.
    """
    command = [sys.executable, "-m", "benchmarks.health_prober", url, "--seconds", f"{seconds}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    probes = Probes()
    try:
        yield probes
        printed, failed = process.communicate(timeout=seconds + 60)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise RuntimeError(f"expected every /healthz to be answered, received: {failed[-500:]}")
    probes.latencies_ms.extend(json.loads(printed))


def latencies_ms(url: str, *, seconds: float) -> list[float]:
    """Milliseconds of each answer.

    Raises:
        OSError: When a probe is not answered in 10 s.
        RuntimeError: When one is answered with anything but 200.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    taken_ms: list[float] = []
    started_s = time.perf_counter()
    with closing(connection):
        while (asked_s := time.perf_counter()) - started_s < seconds:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"expected 200 of /healthz, received {answer.status}")
            took_s = time.perf_counter() - asked_s
            taken_ms.append(round(1e3 * took_s, 3))
            time.sleep(max(0.0, _EVERY_S - took_s))
    return taken_ms


def main() -> None:
    """Probe, and print a JSON list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    print(json.dumps(latencies_ms(asked.url, seconds=asked.seconds)))


if __name__ == "__main__":
    main()
