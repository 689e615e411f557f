"""What the service says of itself to Prometheus: its requests, its batches and its galleries."""

from collections.abc import Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest

from service.batch_metrics import BatchMetrics
from service.gallery_metrics import GalleryFacts, GalleryMetrics
from service.request_metrics import RequestMetrics
from service.service_metrics import ServiceFacts, ServiceMetrics

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The metrics of one application, in a registry of their own.

    Args:
        listed: Names of galleries that may be labels.
        galleries: What is known of the galleries now; None while the service is not ready.
        service: What is known of the process now.

    Attributes:
        requests: Counts requests and the time of their stages.
        batches: Counts what the model runs; told by the batching threads.
    """

    def __init__(
        self,
        listed: Sequence[str],
        *,
        galleries: Callable[[], GalleryFacts | None],
        service: Callable[[], ServiceFacts],
    ) -> None:
        self._registry = CollectorRegistry()
        self.requests = RequestMetrics(self._registry)
        self.batches = BatchMetrics(self._registry)
        self._registry.register(GalleryMetrics(listed, galleries))
        self._registry.register(ServiceMetrics(service))
        self._searches = Counter(
            "reid_gallery_searches",
            "Searches that were answered, by what searched and whether the answer is exact",
            ["tier", "exact"],
            registry=self._registry,
        )

    def searched(self, *, tier: str, exact: bool) -> None:
        """Count a search that was answered."""
        self._searches.labels(tier, str(exact).lower()).inc()

    def exposition(self) -> bytes:
        """All of it as text, as `CONTENT_TYPE` says."""
        return generate_latest(self._registry)
