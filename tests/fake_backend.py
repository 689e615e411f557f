"""A stand-in for a runtime, and ways to make a batcher gather; for tests of the batcher."""

import asyncio
import threading

import numpy as np

POISON = 255
LONG_S = 15


class FakeBackend:
    """Stands for a runtime: three sums per frame, a gate to hold it, poison that makes it fail."""

    def __init__(self):
        self.sizes = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def run(self, frames):
        self.sizes.append(len(frames))
        self.entered.set()
        if not self.gate.wait(LONG_S):
            raise TimeoutError("the gate stayed shut")
        if (frames == POISON).all(axis=(1, 2, 3)).any():
            raise RuntimeError("poisoned")
        return reference(frames)


class RunsAs:
    """A backend that runs a function."""

    name = "function"
    precision = "fp32"

    def __init__(self, function):
        self.run = function

    def close(self):
        pass


async def features_of(batcher, frames, **options):
    """The features alone of one call."""
    return (await batcher.features(frames, **options)).features


def reference(frames):
    flat = frames.reshape(len(frames), -1).astype(np.float32)
    weights = np.arange(flat.shape[1], dtype=np.float32)
    return np.stack([flat.sum(axis=1), flat @ weights, flat[:, 0]], axis=1)


def tracklet(seed, length):
    return np.random.default_rng(seed).integers(0, 200, (length, 4, 2, 3), dtype=np.uint8)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, LONG_S))


async def held(batcher, backend):
    """Occupy the backend with one frame, so that what comes next has to gather."""
    backend.gate.clear()
    backend.entered.clear()
    task = asyncio.create_task(features_of(batcher, tracklet(99, 1)))
    if not await asyncio.to_thread(backend.entered.wait, LONG_S):
        raise TimeoutError("the batcher asked for nothing")
    return task


async def gathered(batcher, backend, tracklets):
    """Let all tracklets wait while the backend is held, then answer them together."""
    first = await held(batcher, backend)
    tasks = [asyncio.create_task(features_of(batcher, frames)) for frames in tracklets]
    await asyncio.sleep(0)
    backend.sizes.clear()
    backend.gate.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)
