"""The gRPC server of a process: mutual TLS, who may call what, problems as statuses, deadlines, health.

A method that is not in the table of callers may be called by nobody. A call beyond what can be answered in good
time is turned away before it is read (`hallnet.node.admission`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from hallnet.node import telemetry
from hallnet.node.admission import Admission
from hallnet.node.bounds import require_bounds
from hallnet.node.home import NODE_NAME, Home, Part
from hallnet.node.status import to_status
from hallnet.problems import Kind, Problem, Reported
from hallnet.store.sharing import HallBusy

MESSAGE_BYTES_MAX = 8 * 1024 * 1024
UNARY_SECONDS_MAX = 30.0
UPLOAD_SECONDS_MAX = 600.0
"""For a request that comes in parts."""
CONCURRENT_CALLS_MAX = 500
"""Of all kinds, also those that are being turned away and those that stay open."""
UNREAD_CALLS_MAX = 8_000
"""So many wait in the library until it is decided whether they are taken on: to turn them all away takes a few
seconds, much less than whoever calls waits."""
BUSY_LOG_SECONDS = 10.0
"""So often at most the log says that calls are turned away."""
STOP_GRACE_SECONDS = 2.0

Callers = Mapping[str, frozenset[Part]]
EVERY_PART = frozenset(Part)

_log = logging.getLogger("hallnet.server")
_caller: ContextVar[Part] = ContextVar("caller")
_OPEN_SERVICES = ("/grpc.health.", "/grpc.reflection.")


def caller() -> Part:
    """The part of the node in whose name the present call came."""
    return _caller.get()


class CallerUnknown(Problem):
    """The caller has no certificate of a part of this node."""

    kind = Kind.UNAUTHENTICATED
    reason = "CALLER_UNKNOWN"
    zh = "调用方不是本节点的组成部分"
    zh_remedy = "请使用本节点签发的证书连接"
    en = "The caller is no part of this node"
    en_remedy = "Connect with a certificate that this node issued"


class CallerNotAllowed(Problem):
    """The caller may not call this method."""

    kind = Kind.DENIED
    reason = "CALLER_NOT_ALLOWED"
    zh = "{part}无权调用{method}"
    zh_remedy = "请改用有权限的部件或账号"
    en = "{part} may not call {method}"
    en_remedy = "Use a part or an account that may"


class DeadlinePassed(Problem):
    """A call took longer than it may."""

    kind = Kind.UNAVAILABLE
    reason = "DEADLINE_PASSED"
    zh = "操作超过{seconds}秒未完成"
    zh_remedy = "请稍后用同一request_id重试，不会重复办理"
    en = "The call was not finished within {seconds} seconds"
    en_remedy = "Try again later with the same request_id: it will not be done twice"


class Server:
    """One server with the faces of one or more services."""

    def __init__(self, home: Home, address: str, parts: Sequence[Part]) -> None:
        self._callers: dict[str, frozenset[Part]] = {}
        self._names: list[str] = []
        self._health_server: aio.Server | None = None
        self._server = aio.server(
            interceptors=[_Guard(self._callers)],
            maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX,
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
                ("grpc.so_reuseport", 0),
                # Beyond the first it would drop some without a word, beyond the second all.
                ("grpc.server.max_pending_requests", UNREAD_CALLS_MAX),
                ("grpc.server.max_pending_requests_hard_limit", UNREAD_CALLS_MAX),
            ],
        )
        part = parts[0].value
        credentials = grpc.ssl_server_credentials(
            [(home.read(f"tls/{part}.key"), home.read(f"tls/{part}.pem"))],
            root_certificates=home.read("trust/node-authority.pem"),
            require_client_auth=True,
        )
        self.port = self._server.add_secure_port(address, credentials)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        health_address = home.settings().endpoints.health
        if health_address:
            # A kubelet has no certificate of the node: it gets a port that tells health alone.
            self._health_server = aio.server()
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._health_server)
            self._health_server.add_insecure_port(health_address)

    def add(
        self,
        service: ServiceDescriptor,
        add_to_server: Callable[[Any, aio.Server], None],
        servicer: object,
        callers: Callers,
    ) -> None:
        """Serve a face; `callers` names the parts that may call each method."""
        methods = {method.name for method in service.methods}
        if methods != set(callers):
            raise TypeError(f"{service.full_name}: callers of {methods ^ set(callers)}")
        for method, parts in callers.items():
            self._callers[f"/{service.full_name}/{method}"] = parts
        self._names.append(service.full_name)
        add_to_server(servicer, self._server)

    async def start(self) -> None:
        names = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        await self._server.start()
        if self._health_server is not None:
            await self._health_server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        await self._health.enter_graceful_shutdown()
        await self._server.stop(STOP_GRACE_SECONDS)
        if self._health_server is not None:
            await self._health_server.stop(STOP_GRACE_SECONDS)


class _Guard(aio.ServerInterceptor):
    """Wraps every method: whether it is taken on, who calls, within which time, in which trace, and what went wrong."""

    def __init__(self, callers: Mapping[str, frozenset[Part]]) -> None:
        self._callers = callers
        self._admission = Admission()
        self._turned_away = 0
        self._told_in_log = -BUSY_LOG_SECONDS
        self._guarded: dict[str, Any] = {}
        """The wrapped methods, as many as the faces have."""
        self._bounded: set[str] = set()
        """Those of them whose calls are one question and one answer."""
        self._busy_handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self._turn_away
        )

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method: str = handler_call_details.method or ""
        if method in self._bounded and not self._admission.admits():
            return self._busy_handler
        guarded = self._guarded.get(method)
        if guarded is not None:
            return guarded
        handler: Any = await continuation(handler_call_details)
        if handler is None or method.startswith(_OPEN_SERVICES):
            return handler
        wrap = self._streaming if handler.response_streaming else self._unary
        self._guarded[method] = wrap(handler, method)
        if not (handler.request_streaming or handler.response_streaming):
            self._bounded.add(method)
        return self._guarded[method]

    async def _turn_away(self, _request: Any, context: Any) -> None:
        busy = self._admission.turn_away()
        self._turned_away += 1
        now = time.monotonic()
        if now - self._told_in_log >= BUSY_LOG_SECONDS:
            _log.warning("busy: %d calls turned away so far", self._turned_away)
            self._told_in_log = now
        await context.abort_with_status(_busy_status(**busy.particulars))

    @contextmanager
    def _taken_on(self, method: str) -> Iterator[None]:
        """Counted while it is with the server; what stays open is not."""
        if method not in self._bounded:
            yield
            return
        taken = self._admission.begin(time.monotonic())
        try:
            yield
        finally:
            self._admission.end(taken, time.monotonic())

    def _unary(self, handler: Any, method: str) -> Any:
        inner = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def guarded(request: Any, context: Any) -> Any:
            remaining = context.time_remaining()
            patience = math.inf if remaining is None else remaining
            # Others may have come while this one was read.
            if method in self._bounded and not self._admission.admits(patience):
                await self._turn_away(request, context)
            with self._taken_on(method), telemetry.span(method, _trace_of(context)):
                try:
                    self._require_caller(method, context)
                    longest = UPLOAD_SECONDS_MAX if handler.request_streaming else UNARY_SECONDS_MAX
                    limit = min(remaining or longest, longest)
                    if not handler.request_streaming:
                        require_bounds(request)
                    async with asyncio.timeout(limit):
                        return await inner(request, context)
                except TimeoutError:
                    await _abort(context, DeadlinePassed(seconds=round(limit)))
                except (Problem, Reported) as problem:
                    await _abort(context, problem)
                except Exception as error:
                    await _report(context, method, error)

        make = (
            grpc.stream_unary_rpc_method_handler
            if handler.request_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(guarded, handler.request_deserializer, handler.response_serializer)

    def _streaming(self, handler: Any, method: str) -> Any:
        async def guarded(request: Any, context: Any) -> Any:
            with telemetry.span(method, _trace_of(context)):
                try:
                    self._require_caller(method, context)
                    async for response in handler.unary_stream(request, context):
                        yield response
                except (Problem, Reported) as problem:
                    await _abort(context, problem)
                except Exception as error:
                    await _report(context, method, error)

        return grpc.unary_stream_rpc_method_handler(
            guarded, handler.request_deserializer, handler.response_serializer
        )

    def _require_caller(self, method: str, context: Any) -> None:
        part = _part_named(*context.auth_context().get("x509_subject_alternative_name", ()))
        if part is None:
            raise CallerUnknown()
        if part not in self._callers.get(method, frozenset()):
            raise CallerNotAllowed(part=part.value, method=method.rpartition("/")[2])
        _caller.set(part)


@lru_cache(maxsize=64)
def _part_named(*names: bytes) -> Part | None:
    """The part to which a certificate of these names was given."""
    suffix = f".{NODE_NAME}"
    parts = [name.decode().removesuffix(suffix) for name in names if name.decode() != NODE_NAME]
    return next((part for part in Part if part.value in parts), None)


def _trace_of(context: Any) -> str:
    """The trace to which a call belongs; empty if it says none."""
    for key, value in context.invocation_metadata() or ():
        if key == "traceparent":
            return str(value)
    return ""


@lru_cache(maxsize=64)
def _busy_status(waiting: str, retry_seconds: str) -> Any:
    """Mostly the same as a moment ago."""
    return rpc_status.to_status(to_status(HallBusy(waiting=waiting, retry_seconds=retry_seconds)))


async def _abort(context: Any, problem: Problem | Reported) -> None:
    _log.info("refused: %s", problem.reason)
    await context.abort_with_status(rpc_status.to_status(to_status(problem)))


async def _report(context: Any, method: str, error: Exception) -> None:
    if isinstance(error, aio.AbortError):
        raise error
    _log.error("%s failed", method, exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, "internal error, see the log of the node")
