"""kill -9 while the store is written: what was acknowledged is there, and nothing else is.

Each round goes on with the data of the one before. The writer notes what it tries and what was
acknowledged in a synced file; at most the one operation it was killed in may be either way.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from service.gallery.ranking.search import SearchOptions
from tests.gallery_rows import embedding_of, kept, page, search, with_service

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 6

Held = dict[str, tuple[str, int]]
"""Identity and version by tracklet id."""


def kill_a_writer(directory: Path, oracle: Path, seed: int) -> None:
    """Run a writer and kill it at a random moment after its first acknowledged operation."""
    already = oracle.stat().st_size if oracle.exists() else 0
    command = [sys.executable, "-m", "tests.faults.store_writer", directory, oracle, str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as writer:
        deadline_s = time.monotonic() + 30
        while not oracle.exists() or oracle.stat().st_size < already + 200:
            assert writer.poll() is None, writer.stderr.read().decode()
            assert time.monotonic() < deadline_s, "the writer wrote nothing in 30 s"
            time.sleep(0.005)
        time.sleep(random.Random(seed).uniform(0, 0.5))
        os.kill(writer.pid, signal.SIGKILL)
        assert writer.wait(10) == -signal.SIGKILL


def apply(held: Held, operation: list[str]) -> Held:
    kind, name, *rest = operation
    if kind == "enroll":
        return held | {name: (rest[0], int(rest[1]))}
    if kind == "delete":
        return {other: row for other, row in held.items() if other != name}
    return {other: row for other, row in held.items() if row[0] != name}


def replay(lines: list[str], held: Held) -> list[Held]:
    """What may be held after these lines: one state, or two with an operation in flight."""
    trying: list[str] | None = None
    for line in lines:
        if line == "ok":
            held, trying = apply(held, trying), None
        else:
            trying = line.split()[1:]
    return [held] if trying is None else [held, apply(held, trying)]


async def read_back(service) -> Held:
    """What store and index hold, after checking that they hold the same."""
    health = await service.health()
    assert (health.ready, health.reason) == (True, None)
    held = {}
    for record in (await page(service)).records:
        version = record.metadata.attributes["version"]
        assert record.embedding.tobytes() == kept(embedding_of(version)).tobytes()
        held[record.tracklet_id] = (record.metadata.identity, version)
    found = await search(service, embedding_of(1), SearchOptions(top_k=1000))
    assert {
        match.tracklet_id: (match.metadata.identity, match.metadata.attributes["version"])
        for match in found.matches
    } == held
    for name, (_, version) in held.items():
        exactly = SearchOptions(min_similarity=1.0, top_k=1000)
        found = await search(service, kept(embedding_of(version)), exactly)
        assert name in {match.tracklet_id for match in found.matches}
    assert health.tracklets == len(held)
    return held


def test_acknowledged_writes_survive_kill_and_nothing_else_appears(tmp_path):
    first_seed = int.from_bytes(os.urandom(4), "big")
    oracle, held, done = tmp_path / "oracle", {}, 0
    for seed in range(first_seed, first_seed + ROUNDS):
        print(f"seed {seed}")
        kill_a_writer(tmp_path / "data", oracle, seed)
        lines = oracle.read_text().splitlines()
        possible = replay(lines[done:], held)
        done = len(lines)
        held = with_service(tmp_path / "data", read_back)
        assert held in possible
    assert lines.count("ok") > 4 * ROUNDS
