"""A collector of OpenTelemetry traces on a free port, for tests that send some."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

LONG_S = 20.0


class TraceCollector:
    """What was sent, and where to send it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def await_trace(self, name: str) -> list[Span]:
        """The spans of the first trace with a span of this name, its own first."""
        until = time.monotonic() + LONG_S
        while time.monotonic() < until:
            for root in self.spans:
                if root.name == name:
                    others = [
                        span
                        for span in self.spans
                        if span.trace_id == root.trace_id and span is not root
                    ]
                    return [root, *others]
            time.sleep(0.05)
        raise AssertionError(f"no span {name}: {[span.name for span in self.spans]}")


def attributes(span: Span) -> dict[str, object]:
    """Attributes of a span, by name."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@contextmanager
def trace_collector() -> Iterator[TraceCollector]:
    """Collects until the end of the `with`."""
    collector: TraceCollector

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = TraceCollector(f"http://127.0.0.1:{server.server_port}/v1/traces")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
