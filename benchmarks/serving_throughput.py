"""Frames a second: the bare runtime, the service over HTTP, and other servers, in turns.

The machine's speed drifts, so everything is measured once a round, one after the other, and ratios
are those of the medians. Each server runs alone while it is measured.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.http_load import Load, closed_load
from benchmarks.null_artifact import write_null_artifact
from benchmarks.raw_runtime import BestRaw, Sessions, best_batch
from benchmarks.running_rival import running_rival
from benchmarks.running_service import RunningService, running_service
from benchmarks.sent_tracklets import base64_json, multipart
from service.cpu_count import usable_cores

EMBED_PATH = "/embed?encoding=base64"
RIVAL_PATH = "/embed"
_BATCH_TRIAL_S = 0.2
"""Of `seconds`, how long each batch is tried before the best is known."""


@dataclass(frozen=True, slots=True)
class Contest:
    """What is measured and for how long.

    Attributes:
        tracklets: Picture files of equally many frames each.
        clients: Of each server at a time.
        seconds: Of one measurement.
    """

    artifact: Path
    tracklets: Sequence[Sequence[bytes]]
    clients: int
    seconds: float
    rounds: int

    @property
    def frames(self) -> int:
        """Of each tracklet."""
        return len(self.tracklets[0])


@dataclass(frozen=True, slots=True)
class Rates:
    """Frames a second, medians over the rounds.

    Attributes:
        raw: One session with a thread on each core, at its best batch.
        raw_sessions: One session on each core with one thread, at its best batch.
        http: The service, with ONNX Runtime in float32 as well.
        http_auto: The service, with the runtime and precision that it chooses itself.
        chosen: Which they are.
        decode_ms: From an upload to the pixels of its frames, in the service of `http`.
        null_model: The service, with a model that costs nothing, decoding on each core.
        null_model_long: The same, of tracklets of twice as many frames.
        client_cores: The most that the load generator took of the cores in any measurement.
    """

    raw: float
    raw_batch: int
    raw_sessions: float
    raw_sessions_batch: int
    http: float
    http_auto: float
    chosen: str
    decode_ms: float
    plain_fastapi: float
    litserve: float
    null_model: float
    null_model_long: float
    client_cores: float


def measure_rates(contest: Contest, done: Callable[[str], None]) -> Rates:
    """Measure all of them in turns.

    Args:
        contest: What and how long.
        done: Told what has been measured.

    Raises:
        RuntimeError: When a server does not start, or answers anything but 200.
    """
    trial_s = contest.seconds * _BATCH_TRIAL_S
    one = best_batch(contest.artifact, Sessions(1, usable_cores()), seconds=trial_s)
    several = best_batch(contest.artifact, Sessions(usable_cores(), 1), seconds=trial_s)
    done("batches")
    with tempfile.TemporaryDirectory() as directory:
        rounds = _Rounds(contest, one, several, Path(directory))
        for _ in range(contest.rounds):
            for name, rate in rounds.measure():
                done(name)
                rounds.rates.setdefault(name, []).append(rate)
    medians = {name: statistics.median(rates) for name, rates in rounds.rates.items()}
    return Rates(
        **medians,
        raw_batch=one.batch,
        raw_sessions_batch=several.batch,
        chosen=rounds.chosen,
        client_cores=rounds.client_cores,
    )


class _Rounds:
    """Measures everything once a round."""

    def __init__(self, contest: Contest, one: BestRaw, several: BestRaw, directory: Path) -> None:
        self.rates: dict[str, list[float]] = {}
        self.client_cores = 0.0
        self.chosen = ""
        self._contest = contest
        self._raw = {"raw": one, "raw_sessions": several}
        tracklets = [list(tracklet) for tracklet in contest.tracklets]
        pairs = zip(tracklets[::2], tracklets[1::2], strict=False)
        self._multipart = [multipart(EMBED_PATH)(tracklet) for tracklet in tracklets]
        self._long = [multipart(EMBED_PATH)(first + second) for first, second in pairs]
        self._json = [base64_json(RIVAL_PATH)(tracklet) for tracklet in tracklets]
        self._data = directory / "data"
        self._null = directory / "null"
        write_null_artifact(self._null)

    def measure(self) -> Iterator[tuple[str, float]]:
        """Name and figure of each."""
        contest = self._contest
        for name, raw in self._raw.items():
            yield name, raw.frames_per_s(contest.seconds)
        with self._service(contest.artifact, inference_provider="cpu") as service:
            yield "http", self._http(service.url, self._multipart, frames=contest.frames)
            yield "decode_ms", _decode_ms(service.admin_url)
        with running_rival("benchmarks.ordinary_fastapi", contest.artifact) as url:
            yield "plain_fastapi", self._http(url, self._multipart, frames=contest.frames)
        with running_rival("benchmarks.ordinary_litserve", contest.artifact) as url:
            yield "litserve", self._http(url, self._json, frames=contest.frames)
        with self._service(contest.artifact, inference_provider="auto") as service:
            self.chosen = _served_by(service.url)
            yield "http_auto", self._http(service.url, self._multipart, frames=contest.frames)
        yield from self._null_model()

    def _null_model(self) -> Iterator[tuple[str, float]]:
        frames = self._contest.frames
        threads = str(usable_cores())
        decoding = {"inference_provider": "cpu", "decode_threads": threads}
        with self._service(self._null, **decoding) as service:
            yield "null_model", self._http(service.url, self._multipart, frames=frames)
            yield "null_model_long", self._http(service.url, self._long, frames=2 * frames)

    @contextmanager
    def _service(self, artifact: Path, **settings: str) -> Iterator[RunningService]:
        """What `auto` found out in the first round is kept for the others."""
        data_dir = self._data / artifact.name
        with running_service(artifact, data_dir=str(data_dir), **settings) as service:
            yield service

    def _http(self, url: str, requests: Sequence[bytes], *, frames: int) -> float:
        contest = self._contest
        load = asyncio.run(
            closed_load(url, requests, clients=contest.clients, seconds=contest.seconds)
        )
        require_only_good(load)
        self.client_cores = max(self.client_cores, load.client_cores)
        return load.per_s() * frames


def _decode_ms(admin_url: str) -> float:
    """Mean of all that the service decoded."""
    text = httpx.get(f"{admin_url}/metrics").raise_for_status().text
    seen = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name == "reid_stage_seconds" and sample.labels["stage"] == "decode"
    }
    return 1e3 * seen["reid_stage_seconds_sum"] / seen["reid_stage_seconds_count"]


def _served_by(url: str) -> str:
    answer = httpx.get(f"{url}/model").raise_for_status().json()
    return f"{answer['provider']} {answer['precision']}"


def require_only_good(load: Load) -> None:
    """A rate of failures is none.

    Raises:
        RuntimeError: When anything but 200 was answered, or nothing in the measured part.
    """
    statuses = load.statuses()
    if load.unanswered or set(statuses) != {200}:
        raise RuntimeError(
            f"expected only answers of status 200, received {dict(statuses)} and "
            f"{load.unanswered} without an answer; lower --clients"
        )
    if not load.per_s():
        raise RuntimeError(
            f"expected answers in {load.measured_s:g} s, received none; measure for longer, or on "
            "a machine that does nothing else"
        )
