"""A client of a message server that speaks the protocol by hand, with none of the manners of a library.

The protocol: docs.nats.io, "Client Protocol". Waiting ends by what the server says, never by time alone.
"""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE_SECONDS = 30.0
PINGS_MAX = 3
"""The server asks every ten seconds whether a client is there."""


class Closed(Exception):
    """The server closed the connection."""


@dataclass(slots=True)
class Message:
    """What came on a subscription."""

    subject: str
    reply: str
    data: bytes


@dataclass(slots=True)
class RawClient:
    """A connection over mutual TLS, opened at once."""

    port: int
    authority: Path
    certificate: Path | None = None
    key: Path | None = None
    errors: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    _socket: socket.socket = field(init=False)
    _rest: bytes = b""
    _subscriptions: int = 0
    _pings: int = 0

    def __post_init__(self) -> None:
        context = ssl.create_default_context(cafile=str(self.authority))
        if self.certificate is not None and self.key is not None:
            context.load_cert_chain(str(self.certificate), str(self.key))
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)
        self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def connect(self, **options: Any) -> dict[str, Any]:
        """Present oneself; returns what the server says of itself. Raises Closed if it turns away."""
        info = self._line()
        assert info.startswith("INFO ")
        plain = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        self.send(f"CONNECT {json.dumps(plain | options)}\r\n".encode())
        self.fence()
        found: dict[str, Any] = json.loads(info.removeprefix("INFO "))
        return found

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from error

    def subscribe(self, subject: str, queue: str = "") -> None:
        self._subscriptions += 1
        self.send(f"SUB {subject} {queue} {self._subscriptions}\r\n".encode())

    def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        self.send(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data + b"\r\n")

    def publish_with_headers(self, subject: str, headers: bytes, data: bytes) -> None:
        head = b"NATS/1.0\r\n" + headers + b"\r\n\r\n"
        lengths = f"{len(head)} {len(head) + len(data)}"
        self.send(f"HPUB {subject} {lengths}\r\n".encode() + head + data + b"\r\n")

    def fence(self) -> None:
        """Wait until the server has dealt with all that was sent before."""
        self.send(b"PING\r\n")
        while self._take() != "PONG":
            pass

    def next_message(self) -> Message:
        while not self.messages:
            self._take()
        return self.messages.pop(0)

    def until_closed(self) -> None:
        try:
            while True:
                self._take()
        except Closed:
            return

    def _take(self) -> str:
        """Deal with one thing that the server says."""
        line = self._line()
        word, _, rest = line.partition(" ")
        if word == "PING":
            self._pings += 1
            assert self._pings <= PINGS_MAX, "nothing else comes"
            self.send(b"PONG\r\n")
        elif word == "-ERR":
            self.errors.append(rest.strip("'"))
        elif word in ("MSG", "HMSG"):
            parts = rest.split()
            length = int(parts[-1])
            replies = parts[2 : len(parts) - (1 if word == "MSG" else 2)]
            data = self._bytes(length + 2)[:length]
            self.messages.append(Message(parts[0], replies[0] if replies else "", data))
        return word

    def _line(self) -> str:
        while b"\r\n" not in self._rest:
            self._more()
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line.decode()

    def _bytes(self, length: int) -> bytes:
        while len(self._rest) < length:
            self._more()
        found, self._rest = self._rest[:length], self._rest[length:]
        return found

    def _more(self) -> None:
        try:
            more = self._socket.recv(65536)
        except TimeoutError as error:
            raise AssertionError("the server says nothing") from error
        except OSError as error:
            raise Closed(str(error)) from error
        if not more:
            raise Closed
        self._rest += more
