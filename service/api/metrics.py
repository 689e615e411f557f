"""`/metrics`: what the gallery says of itself to Prometheus, ready or not."""

from fastapi import APIRouter, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.metrics import CONTENT_TYPE, Metrics

router = APIRouter(tags=["health"], dependencies=[requires(AccessScope.METRICS)])


@router.get("/metrics", response_class=Response)
def read_metrics(request: Request) -> Response:
    """Counters and gauges in the text format of Prometheus; nothing personal."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)
