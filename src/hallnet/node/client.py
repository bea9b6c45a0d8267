"""Calls to the services of the own node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from grpc import aio

from hallnet.node import telemetry
from hallnet.node.home import NODE_NAME, Home, Part
from hallnet.node.server import MESSAGE_BYTES_MAX
from hallnet.node.status import from_error

CALL_SECONDS = 15.0
KEEPALIVE_MS = 20_000


def open_channel(home: Home, part: Part, address: str) -> aio.Channel:
    """A channel to a service of this node, in the name of a part of it."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=home.read("trust/node-authority.pem"),
        private_key=home.read(f"tls/{part.value}.key"),
        certificate_chain=home.read(f"tls/{part.value}.pem"),
    )
    return aio.secure_channel(
        address,
        credentials,
        options=[
            ("grpc.ssl_target_name_override", NODE_NAME),
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.keepalive_time_ms", KEEPALIVE_MS),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            # Each channel has its own connection, so that a restarted service is noticed by each.
            ("grpc.use_local_subchannel_pool", 1),
        ],
        interceptors=_TRACING,
    )


@contextmanager
def problems_raised() -> Iterator[None]:
    """Turn failed calls within the block into Reported."""
    try:
        yield
    except aio.AioRpcError as error:
        raise from_error(error) from error


class _Tracing(aio.UnaryUnaryClientInterceptor):
    """Sends the trace context along and sets a deadline where the caller set none."""

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: aio.ClientCallDetails, request: Any
    ) -> Any:
        metadata = aio.Metadata(*(client_call_details.metadata or ()))
        traceparent = telemetry.traceparent()
        if traceparent:
            metadata.add("traceparent", traceparent)
        details = aio.ClientCallDetails(
            method=client_call_details.method,
            timeout=client_call_details.timeout or CALL_SECONDS,
            metadata=metadata,
            credentials=client_call_details.credentials,
            wait_for_ready=client_call_details.wait_for_ready,
        )
        return await continuation(details, request)


_TRACING: Sequence[aio.ClientInterceptor] = (_Tracing(),)
