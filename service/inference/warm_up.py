"""Runs every batch size once before the first request does, which else would wait for it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from service.batching.backend import Backend, BackendOutOfMemory
from service.inference.artifact import Artifact
from service.inference.graph import ProviderError
from service.inference.startup_probe import batch_of

WarmUp = Literal["full", "smallest", "off"]


def warm_up(
    lanes: Sequence[Backend],
    artifact: Artifact,
    batch_sizes: Sequence[int],
    *,
    extent: WarmUp,
    report: Callable[[str], None],
) -> None:
    """Run batches of the golden clip on all lanes at once, the largest first.

    The largest takes the memory that the others then find.

    Args:
        lanes: Whose threads have not started yet.
        artifact: Whose golden clip is run.
        batch_sizes: Ascending.
        extent: All of them, the smallest alone, or none.
        report: Told how far it is.

    Raises:
        ProviderError: When a batch does not fit into the memory.
    """
    chosen = {"full": list(batch_sizes), "smallest": list(batch_sizes[:1]), "off": []}[extent]
    with ThreadPoolExecutor(len(lanes), "warm-up") as pool:
        for number, size in enumerate(reversed(chosen), 1):
            report(f"warming up: batch size {number} of {len(chosen)}")
            batch = batch_of(artifact, size)
            try:
                list(pool.map(lambda lane, batch=batch: lane.run(batch), lanes))
            except BackendOutOfMemory as error:
                raise ProviderError(
                    f"expected memory for batches of {size} on {len(lanes)} lanes, received none: "
                    f"{error}; lower REID_MAX_BATCH_FRAMES"
                ) from error
