"""Who is told of requests: the metrics, and traces where a collector is named."""

from typing import TYPE_CHECKING

from service.answered_request import AnsweredRequest
from service.request_metrics import RequestMetrics
from service.settings import Settings

if TYPE_CHECKING:
    from service.tracing import Tracing


class RequestWatch:
    """Tells metrics and traces of each request.

    Args:
        metrics: Count every request.
        settings: Of them `traces_endpoint` and `traces_share`.
    """

    def __init__(self, metrics: RequestMetrics, settings: Settings) -> None:
        self._metrics = metrics
        self._tracing = _tracing(settings)

    def began(self) -> None:
        """A request has begun."""
        self._metrics.began()

    def ended(self, answered: AnsweredRequest) -> None:
        """A request was answered, or its client has left."""
        self._metrics.ended(answered)
        if self._tracing is not None:
            self._tracing.ended(answered)

    def close(self) -> None:
        """Send the traces that have gathered; blocks for a moment at most."""
        if self._tracing is not None:
            self._tracing.close()


def _tracing(settings: Settings) -> "Tracing | None":
    if settings.traces_endpoint is None:
        return None
    from service.tracing import Tracing  # noqa: PLC0415 nothing of it is loaded where it is off

    return Tracing(settings.traces_endpoint, share=settings.traces_share)
