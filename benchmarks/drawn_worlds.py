"""Rank-1 of the shipped model on drawn people it never saw, other cameras only.

    python -m benchmarks.drawn_worlds

Each world is what `reid-train data synthesize` draws with that seed: every person is asked about
once, and the gallery holds everybody before every other camera.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from service.inference.artifact import open_artifact
from service.inference.embedder import Embedder
from service.settings import Settings
from training.data.synthetic import SyntheticWorld

IDENTITIES, CAMERAS, FRAMES = 8, 3, 6


@dataclass(frozen=True)
class Passage:
    """One person before one camera, embedded."""

    identity: int
    camera: int
    embedding: NDArray[np.float32]


async def embed_world(embedder: Embedder, seed: int) -> list[Passage]:
    """Every person of a world before every camera."""
    world = SyntheticWorld(seed=seed, identities=IDENTITIES, cameras=CAMERAS)
    return [
        Passage(
            identity,
            camera,
            await embedder.embed(world.tracklet(identity, camera, frames=FRAMES).frames),
        )
        for identity in range(IDENTITIES)
        for camera in range(CAMERAS)
    ]


def right_answers(passages: Sequence[Passage]) -> int:
    """How many people's first match from another camera is themselves."""
    right = 0
    for query in passages:
        if query.camera != query.identity % CAMERAS:
            continue
        others = [
            other
            for other in passages
            if other.camera not in {query.camera, other.identity % CAMERAS}
        ]
        first = max(others, key=lambda other: float(other.embedding @ query.embedding))
        right += first.identity == query.identity
    return right


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--worlds", type=int, default=8)
    arguments = parser.parse_args()
    embedder = Embedder(open_artifact(arguments.artifact), Settings())
    embedder.start()
    try:
        with Progress(console=Console(stderr=True)) as progress:
            right = [
                right_answers(asyncio.run(embed_world(embedder, seed)))
                for seed in progress.track(range(arguments.worlds), description="worlds")
            ]
    finally:
        embedder.close()
    asked = IDENTITIES * arguments.worlds
    measured = {"right_of_8_by_seed": right, "rank_1": round(100 * sum(right) / asked, 2)}
    json.dump(measured, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
