"""Traces and logs. One case is one trace across halls: the context travels in the envelope header.

Nothing personal goes into a span or a log line: identifiers, addresses, kinds and reasons only.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hallnet.node.settings import TelemetrySettings

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("hallnet")


def start_telemetry(settings: TelemetrySettings, node: str, service: str) -> None:
    """Set up logs, and traces if there is somewhere to send them. Once in a process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(node, service))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for chatty in ("asyncio", "nats", "httpx", "httpcore", "alembic", "uvicorn.access", "grpc"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"hallnet-{service}", "hallnet.node": node})
    )
    if settings.otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint))
        )
    trace.set_tracer_provider(provider)


@contextmanager
def span(name: str, traceparent: str = "", **attributes: str | int) -> Iterator[None]:
    """A span; `traceparent` joins it to the trace of an earlier act, elsewhere or before a restart."""
    parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    with _TRACER.start_as_current_span(name, context=parent, attributes=attributes):
        yield


def traceparent() -> str:
    """The present trace context in the W3C form; empty if there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=context.get_current())
    return carrier.get("traceparent", "")


class _JsonFormatter(logging.Formatter):
    def __init__(self, node: str, service: str) -> None:
        super().__init__()
        self._node = node
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "node": self._node,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        current = trace.get_current_span().get_span_context()
        if current.is_valid:
            line["trace"] = format(current.trace_id, "032x")
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
