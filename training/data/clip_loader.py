"""Requests → batches of clips, decoded ahead by threads.

Threads and not processes: decoding, resizing and normalising release Python's lock, so threads keep
every core busy, write into the batch directly, share one cache of frames, and start at once.
"""

import math
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.clip_dataset import Clip, ClipDataset, ClipRequest

_BATCHES_AHEAD = 2
_ALIGNMENT_BYTES = 64


class ClipLoader:
    """Batches in the order of the requests; the number of threads changes neither bit nor stride.

    Args:
        dataset: Draws the clips.
        batches: The requests of each batch; may be endless.
        threads: How many decode up to two batches ahead; 0 decodes when a batch is asked for.
        pinned: Whether batches lie in page-locked memory, from which a GPU copies by itself.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        batches: Iterable[Sequence[ClipRequest]],
        *,
        threads: int,
        pinned: bool = False,
    ) -> None:
        self._dataset = dataset
        self._batches = batches
        self._threads = threads
        self._pinned = pinned

    def __iter__(self) -> Generator[Clip]:
        """Batches, as long as there are requests; stops its threads when it is closed.

        Raises:
            ValueError: When a frame cannot be read, with its path.
        """
        if not self._threads:
            for requests in self._batches:
                clips = self._empty(requests)
                outs = clips.frames.numpy()
                drawn = [
                    self._dataset.draw(request, out)
                    for request, out in zip(requests, outs, strict=True)
                ]
                yield _numbered(clips, drawn)
            return
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="clips")
        try:
            yield from self._ahead(pool)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _ahead(self, pool: ThreadPoolExecutor) -> Iterator[Clip]:
        waiting: deque[_Drawing] = deque()
        for requests in self._batches:
            waiting.append(self._start(requests, pool))
            if len(waiting) > _BATCHES_AHEAD:
                yield waiting.popleft().finished()
        while waiting:
            yield waiting.popleft().finished()

    def _start(self, requests: Sequence[ClipRequest], pool: ThreadPoolExecutor) -> "_Drawing":
        clips = self._empty(requests)
        outs = clips.frames.numpy()
        return _Drawing(
            clips,
            [
                pool.submit(self._dataset.draw, request, out)
                for request, out in zip(requests, outs, strict=True)
            ],
        )

    def _empty(self, requests: Sequence[ClipRequest]) -> Clip:
        shape = (len(requests), *self._dataset.clip_shape)
        numbers = [self._dataset.class_number(request) for request in requests]
        frames = torch.empty(shape, pin_memory=True) if self._pinned else _huge_pages(shape)
        return Clip(frames, torch.tensor(numbers))


def _huge_pages(shape: Sequence[int]) -> torch.Tensor:
    """Uninitialised floats, aligned as torch aligns them.

    NumPy asks the kernel for huge pages where torch does not, and a new batch then costs a few page
    faults instead of one for each 4 KiB.
    """
    count = math.prod(shape)
    floats = np.empty(count + _ALIGNMENT_BYTES // 4, np.float32)
    start = -floats.ctypes.data % _ALIGNMENT_BYTES // 4
    return torch.from_numpy(floats[start : start + count]).view(*shape)


def _numbered(clips: Clip, frame_numbers: Sequence[NDArray[np.int64]]) -> Clip:
    return clips._replace(frame_numbers=torch.from_numpy(np.stack(frame_numbers)))


class _Drawing(NamedTuple):
    """A batch that threads are filling."""

    clips: Clip
    parts: list[Future[NDArray[np.int64]]]

    def finished(self) -> Clip:
        return _numbered(self.clips, [part.result() for part in self.parts])
