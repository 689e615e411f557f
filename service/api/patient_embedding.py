"""Embeds one tracklet of many: while the service is full, it waits for its turn."""

import asyncio
import time

from service.api.deadline import NOTHING_KEPT, Deadline
from service.batching.urgency import Urgency
from service.errors import Overloaded
from service.media.tracklet_source import TrackletSource
from service.runtime import EmbeddedTracklet, Runtime


async def embed_patiently(
    runtime: Runtime, source: TrackletSource, deadline: Deadline, urgency: Urgency
) -> EmbeddedTracklet:
    """Embed a tracklet whose sender has more, and is slowed down by waiting for this one.

    Raises:
        Overloaded: When the service is full, or the key's quota spent, for longer than the time.
        DeadlineExceeded: When the time is over.
        ReidError: As `Runtime.embed` does.
    """
    async with deadline.bounding(NOTHING_KEPT):
        while True:
            try:
                return await runtime.embed(source, urgency=urgency)
            except Overloaded as full:
                pause_s = full.retry_after_s
                if pause_s is None or time.monotonic() + pause_s >= deadline.until_s:
                    raise
                await asyncio.sleep(pause_s)
