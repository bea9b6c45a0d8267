"""A program of the hall that takes notices over HTTP, on a real socket, and behaves as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Request:
    """What came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Takes requests one connection after the other."""

    behaviour: Behaviour
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody who was served has gone."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await _read(reader))
            await self.behaviour(writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        self.left.set()


@asynccontextmanager
async def receiving(
    behaviour: Behaviour, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    receiver = Receiver(behaviour)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *lines = head.strip().split("\r\n")
    headers: dict[str, Any] = {}
    for item in lines:
        name, _, value = item.partition(": ")
        headers[name.lower()] = value
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(line, headers, body)


def status(code: int, *headers: str) -> Behaviour:
    """A plain answer."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = (f"HTTP/1.1 {code} x", "Content-Length: 2", *headers, "", "ok")
        writer.write("\r\n".join(lines).encode())
        await writer.drain()

    return answer


async def silence(writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    await asyncio.sleep(3600)


async def cut(writer: asyncio.StreamWriter) -> None:
    """Ends in the middle of the first line."""
    writer.write(b"HTTP/1.1 20")
    await writer.drain()


async def rubbish(writer: asyncio.StreamWriter) -> None:
    """Speaks something else."""
    writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
    await writer.drain()


async def drops(writer: asyncio.StreamWriter) -> None:
    """A head that never ends: always something comes, and never an answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless(writer: asyncio.StreamWriter) -> None:
    """Says yes, and goes on talking for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()
