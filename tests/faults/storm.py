"""Eight clients that enroll and delete without pause while a service and its Redis are killed.

A client repeats a request, under the same idempotency key, until it has been answered: so a write
that was made and not acknowledged must be answered as it was made, and must not be made twice.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from service.api.embedding_codec import embedding_base64
from tests.artifact_factory import DIMENSION
from tests.faults.acknowledgements import Acknowledgements, Operation
from tests.gallery_rows import embedding_of

WRITERS = 8
BATCH = "/galleries/default/tracklets:batch"

_TRACKLETS_OF_EACH = 40
_LARGEST_BATCH = 12
_ANSWER_TIMEOUT_S = 20.0


@dataclass
class Storm:
    """What the writers share.

    Args:
        url: Where the service listens at the moment.
        oracle: Their file.
        seed: Of all choices.
    """

    url: Callable[[], str]
    oracle: Acknowledgements
    seed: int
    stopping: threading.Event = field(default_factory=threading.Event)
    refusals: list[str] = field(default_factory=list)
    answered: int = 0

    @contextmanager
    def blowing(self) -> Iterator[None]:
        """Writers are at work in the body of the `with`."""
        writers = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            yield
        finally:
            self.stopping.set()
            for writer in writers:
                writer.join(60)

    def await_answers(self, more: int) -> None:
        """Wait until so many more requests have been acknowledged."""
        wanted, until = self.answered + more, time.monotonic() + 60
        while self.answered < wanted and not self.refusals:
            assert time.monotonic() < until, "no request was acknowledged in a minute"
            time.sleep(0.005)

    def _write(self, writer: int) -> None:
        chooser = random.Random(1000 * self.seed + writer)
        held: set[str] = set()
        number = 0
        with httpx.Client(timeout=_ANSWER_TIMEOUT_S) as http:
            while not self.stopping.is_set():
                number += 1
                operation = _chosen(chooser, writer, number, held)
                self.oracle.tried(operation)
                seq = self._repeated(http, operation)
                if seq is None:
                    return
                self.oracle.acknowledged(operation, seq)
                self.answered += 1
                names = set(operation.tracklet_ids)
                held = held - names if operation.kind == "delete" else held | names

    def _repeated(self, http: httpx.Client, operation: Operation) -> int | None:
        """The `seq` that it was answered; None when the storm ended before, or it was refused."""
        body = body_of(operation)
        headers = {"Content-Type": "application/json", "Idempotency-Key": operation.key}
        while not self.stopping.is_set():
            try:
                answer = http.post(self.url() + BATCH, content=body, headers=headers)
            except httpx.HTTPError:
                time.sleep(0.02)
                continue
            if answer.is_success:
                return int(answer.json()["seq"])
            if answer.status_code < 500 and answer.status_code != 429:
                self.refusals.append(f"{operation}: {answer.status_code} {answer.text}")
                self.stopping.set()
            time.sleep(0.02)
        return None


def body_of(operation: Operation) -> bytes:
    """The request; each embedding encodes its tracklet and version."""
    if operation.kind == "delete":
        return json.dumps({"delete": list(operation.tracklet_ids)}).encode()
    rows = [
        {
            "tracklet_id": name,
            "embedding": embedding_base64(embedding_for(name, operation.version)),
            "metadata": {"attributes": {"version": operation.version}},
        }
        for name in operation.tracklet_ids
    ]
    return json.dumps({"enroll": rows}).encode()


def embedding_for(name: str, version: int):
    """What the embedding of this version of the tracklet must be."""
    place = int(name.split("-t")[1])
    return embedding_of(1000 * version + place, DIMENSION)


def _chosen(chooser: random.Random, writer: int, number: int, held: set[str]) -> Operation:
    count = chooser.randint(1, _LARGEST_BATCH)
    if len(held) > 10 and chooser.random() < 0.3:
        names = chooser.sample(sorted(held), min(count, len(held)))
        return Operation(writer, number, "delete", 0, tuple(names))
    places = chooser.sample(range(_TRACKLETS_OF_EACH), count)
    names = [f"w{writer}-t{place}" for place in places]
    return Operation(writer, number, "put", chooser.randrange(10**6), tuple(names))
