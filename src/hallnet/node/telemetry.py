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
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hallnet.node.settings import TelemetrySettings

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("hallnet")
_IDS = RandomIdGenerator()
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_exports = False
"""Whether this process sends its spans anywhere; if not, it carries traces on and records nothing."""


def start_telemetry(settings: TelemetrySettings, node: str, service: str) -> None:
    """Set up logs, and traces if there is somewhere to send them. Once in a process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(node, service))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for chatty in ("asyncio", "nats", "httpx", "httpcore", "alembic", "uvicorn.access", "grpc"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if settings.otlp_endpoint:
        _export(settings.otlp_endpoint, node, service)


def _export(endpoint: str, node: str, service: str) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    global _exports
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"hallnet-{service}", "hallnet.node": node})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    _exports = True


@contextmanager
def span(name: str, traceparent: str = "", **attributes: str | int) -> Iterator[None]:
    """A span; `traceparent` joins it to the trace of an earlier act, elsewhere or before a restart."""
    parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    if _exports:
        with _TRACER.start_as_current_span(name, context=parent, attributes=attributes):
            yield
        return
    with within(trace.set_span_in_context(_carried_on(parent))):
        yield


def _carried_on(parent: Context | None) -> NonRecordingSpan:
    """The next span of a trace, or the first of a new one."""
    earlier = trace.get_current_span(parent).get_span_context()
    trace_id = earlier.trace_id if earlier.is_valid else _IDS.generate_trace_id()
    return NonRecordingSpan(SpanContext(trace_id, _IDS.generate_span_id(), False, _SAMPLED))


def present() -> Context:
    """The trace that goes on now, to be carried into a thread; a thread knows nothing of it by itself."""
    return context.get_current()


@contextmanager
def within(joined: Context) -> Iterator[None]:
    """Within it the trace goes on that was present elsewhere."""
    token = context.attach(joined)
    try:
        yield
    finally:
        context.detach(token)


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
