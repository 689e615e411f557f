"""Sends a trace of each request to an OpenTelemetry collector, after the request was answered.

A trace is one span of the request with one of each stage, made from times that were taken anyway:
while it is answered, a request does nothing for its trace. A thread of the exporter sends what has
gathered. Where the collector is away or slow, traces are lost and requests are not touched.

This module is imported only where traces are wanted.
"""

import logging
import threading
import time
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.answered_request import AnsweredRequest
from service.log import log_event

logger = logging.getLogger(__name__)

_EXPORT_WITHIN_S = 5.0
_CLOSE_WITHIN_S = 2.0
_LOST_FROM_STATUS = 500


class Tracing:
    """Makes traces of requests that have ended.

    Args:
        endpoint: Where the collector takes OTLP over HTTP, path included.
        share: Of the requests that come without a trace of their caller, so many are traced.
    """

    def __init__(self, endpoint: str, *, share: float) -> None:
        # What the exporter has to say is said once, by `_Exporter`.
        for chatty in ("opentelemetry", "urllib3"):
            logging.getLogger(chatty).setLevel(logging.CRITICAL)
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=Resource.create(
                {"service.name": "tracklet-reid", "service.version": version("tracklet-reid")}
            ),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(_Exporter(endpoint)))
        self._tracer = self._provider.get_tracer("service")
        self._propagator = TraceContextTextMapPropagator()

    def ended(self, answered: AnsweredRequest) -> None:
        """Hand over the trace of a request; never waits."""
        epoch_ns = time.time_ns() - time.monotonic_ns()
        sent = {} if answered.traceparent is None else {"traceparent": answered.traceparent}
        span = self._tracer.start_span(
            f"{answered.method} {answered.route}",
            context=self._propagator.extract(sent),
            kind=SpanKind.SERVER,
            start_time=_since_epoch_ns(answered.began_s, epoch_ns),
            attributes={
                "http.request.method": answered.method,
                "http.route": answered.route,
                "http.response.status_code": answered.status,
                "reid.request_id": answered.request_id,
            },
        )
        if answered.error_code is not None:
            span.set_attribute("error.type", answered.error_code)
        if answered.status >= _LOST_FROM_STATUS:
            span.set_status(Status(StatusCode.ERROR))
        if isinstance(span, Span):
            self._add_stages(span, answered, epoch_ns)
        span.end(_since_epoch_ns(answered.began_s + answered.duration_s, epoch_ns))

    def close(self) -> None:
        """Send what has gathered, for a moment only; what is left is lost."""
        # The exporter would wait for half a minute for a collector that is away.
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_WITHIN_S)

    def _add_stages(self, span: Span, answered: AnsweredRequest, epoch_ns: int) -> None:
        """One span a stage; where many tracklets went through it, from the first to the last."""
        within = set_span_in_context(span)
        for stage, taken in answered.stages.stages.items():
            child = self._tracer.start_span(
                stage,
                context=within,
                start_time=_since_epoch_ns(taken.began_s, epoch_ns),
                attributes={"reid.seconds": taken.seconds},
            )
            child.end(_since_epoch_ns(taken.ended_s, epoch_ns))


class _Exporter(SpanExporter):
    """Sends spans, and logs when that begins to fail and when it works again."""

    def __init__(self, endpoint: str) -> None:
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_WITHIN_S)
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            log_event(logger, logging.WARNING, "traces_lost", spans=len(spans))
        elif self._failing and not failed:
            log_event(logger, logging.INFO, "traces_sent_again")
        self._failing = failed
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _since_epoch_ns(moment_s: float, epoch_ns: int) -> int:
    return int(moment_s * 1e9) + epoch_ns
