"""What the model runs: batches, how full they are, and what was never computed."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from service.batching.observer import DropReason

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_FILL = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)


class BatchMetrics:
    """The `BatchObserver` of the service; an item is a frame, or a clip."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._items = Counter("reid_batch_items", "Items that were computed", registry=registry)
        self._fill = Histogram(
            "reid_batch_fill",
            "Share of a batch's rows that were items; the rest is padding",
            buckets=_FILL,
            registry=registry,
        )
        self._seconds = Histogram(
            "reid_batch_seconds",
            "What the model took for a batch",
            buckets=_SECONDS,
            registry=registry,
        )
        self._dropped = Counter(
            "reid_items_dropped",
            "Items that were never computed, because nobody waited for them any more",
            ["reason"],
            registry=registry,
        )

    def batch_done(self, *, items: int, size: int, run_s: float) -> None:
        """A batch of `size` rows, `items` of them real, took `run_s` seconds."""
        self._items.inc(items)
        self._fill.observe(items / size)
        self._seconds.observe(run_s)

    def dropped(self, reason: DropReason, *, items: int) -> None:
        """So many items were never computed, because nobody waits for them any more."""
        self._dropped.labels(reason).inc(items)
