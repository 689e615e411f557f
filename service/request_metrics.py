"""Requests by route and status, what they waited for, and how many are under way."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from service.answered_request import AnsweredRequest
from service.stage_times import STAGES

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Bounds of the histograms of seconds: from a search alone to the deadline of a request."""


class RequestMetrics:
    """Told of each request when it begins and when it has been answered.

    A label is a route's template, a status, an error's code or a stage: all of few values.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.in_flight = Gauge(
            "reid_requests_in_flight", "Requests that are under way", registry=registry
        )
        self._requests = Counter(
            "reid_requests",
            "Requests that have ended; 499 is a client that left",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "reid_request_seconds",
            "From a request's headers to the end of its answer",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "reid_requests_refused",
            "Requests that were answered with an error, by its code",
            ["code"],
            registry=registry,
        )
        stages = Histogram(
            "reid_stage_seconds",
            "What one stage of a request took",
            ["stage"],
            buckets=SECONDS,
            registry=registry,
        )
        self._stages = {stage: stages.labels(stage) for stage in STAGES}

    def began(self) -> None:
        """Count a request that is under way."""
        self.in_flight.inc()

    def ended(self, answered: AnsweredRequest) -> None:
        """Count a request that was answered, or whose client left."""
        self.in_flight.dec()
        self._requests.labels(answered.method, answered.route, str(answered.status)).inc()
        self._seconds.labels(answered.route).observe(answered.duration_s)
        if answered.error_code is not None:
            self._refused.labels(answered.error_code).inc()
        for stage, seconds in answered.stages.seconds.items():
            self._stages[stage].observe(seconds)
