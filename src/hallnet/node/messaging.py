"""The one place that speaks to NATS: a client that dials a message server over mutual TLS.

NATS carries and does not keep: a request that fails was not delivered, and the caller, who has it in a
database, sends it again. What matters stands inside the message, never in a NATS header.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

MESSAGE_BYTES_MAX = 8 * 1024 * 1024
CONNECT_SECONDS = 6
"""For a connection, and again for its handshake: a township may be at the end of a slow line, but one that
was lost in the middle of a handshake goes unnoticed for as long."""
AWAY_SECONDS_MAX = 30.0
"""A client that found no way back for so long is thrown away: a new one starts from nothing."""
PING_SECONDS = 10
PINGS_OUTSTANDING_MAX = 2
RECONNECT_SECONDS = 1
CLOSE_SECONDS = 2.0
CLOSE_TRIES = 3
HANG_CHECK_SECONDS = 5.0
HANG_TRIES = 3
REQUESTS_AT_ONCE_MAX = 4
"""On one subject: a neighbour has two requests of a kind under way, and perhaps as many that it gave up."""

Answer = Callable[[str, bytes], Awaitable[bytes]]

_log = logging.getLogger("hallnet.messaging")


class NeighbourAbsent(Exception):
    """Nobody listens at the other end, or there is no connection at all."""


class NeighbourSilent(Exception):
    """The other end did not answer in time: whether it took the message is not known."""


def _inbox(name: str) -> str:
    """Where the answers to somebody's requests arrive."""
    return f"_INBOX.{name}"


class LinkClient:
    """A connection to one message server, kept up for ever."""

    def __init__(self, url: str, name: str, certificate: Path, key: Path, authority: Path) -> None:
        self._url = url
        self._name = name
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(str(certificate), str(key))
        self._tls = context
        self._client = Client()
        self._on_up: list[Callable[[], Awaitable[None]]] = []
        self._was_up = False
        self._last_error = ""
        self._served: list[tuple[str, str, Answer, Callable[[str], str] | None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work: Counter[str] = Counter()
        """How many requests on each subject are being answered."""

    def on_up(self, call: Callable[[], Awaitable[None]]) -> None:
        """Have `call` called after each time that the connection came up."""
        self._on_up.append(call)

    @property
    def is_up(self) -> bool:
        return self._client.is_connected

    async def run(self) -> None:
        """Connect, and stay connected until cancelled.

        A server that hangs (stopped, or a black hole in between) can go unnoticed by the client while
        it has something to write; so the connection is tried from time to time and, if it does not
        answer, thrown away and made anew.
        """
        while True:
            # In a task of its own: where a handshake breaks, the client can swallow the cancellation that
            # ends this one.
            connecting = asyncio.create_task(self._connect())
            try:
                async with asyncio.timeout(AWAY_SECONDS_MAX):
                    await asyncio.shield(connecting)
                await self._until_it_hangs()
                _log.warning("%s does not answer: connecting anew", self._url)
            except TimeoutError:
                _log.info("%s is not there: trying anew", self._url)
            finally:
                for task in self._tasks:
                    task.cancel()
                await self._drop(connecting)

    async def _connect(self) -> None:
        await self._client.connect(
            self._url,
            name=self._name,
            tls=self._tls,
            tls_handshake_first=True,
            inbox_prefix=_inbox(self._name).encode(),
            connect_timeout=CONNECT_SECONDS,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=PINGS_OUTSTANDING_MAX,
            # Nothing is sent later than it is asked for: the caller would believe it unsent.
            pending_size=-1,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._came_up,
        )
        for served in self._served:
            await self._subscribe(*served)
        # Who hears that the connection is up may ask somebody to answer here.
        await self._client.flush()
        await self._came_up()

    async def _until_it_hangs(self) -> None:
        silent, away = 0, 0.0
        while silent < HANG_TRIES and away < AWAY_SECONDS_MAX:
            await asyncio.sleep(HANG_CHECK_SECONDS)
            if not self._client.is_connected:
                silent, away = 0, away + HANG_CHECK_SECONDS
                continue
            away = 0.0
            try:
                # wait_for of Python 3.11 can swallow the cancellation that ends this client.
                async with asyncio.timeout(HANG_CHECK_SECONDS):
                    await asyncio.shield(self._client.rtt())
                silent = 0
            except (TimeoutError, nats.errors.Error):
                silent += 1

    async def _drop(self, connecting: asyncio.Task[None]) -> None:
        client, self._client = self._client, Client()
        closing = asyncio.create_task(client.close())
        await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
        for _ in range(CLOSE_TRIES):
            remaining = {task for task in (closing, connecting) if not task.done()}
            if not remaining:
                break
            for task in remaining:
                task.cancel()
            await asyncio.wait(remaining, timeout=CLOSE_SECONDS)
        if not closing.done() or closing.cancelled() or closing.exception() is not None:
            _log.warning("the connection to %s did not close as it should", self._url)

    def serve(
        self,
        subject: str,
        queue: str,
        answer: Answer,
        asker: Callable[[str], str] | None = None,
    ) -> None:
        """Answer requests on a subject, sharing them with others of the same queue; before `run`.

        `asker` says by the subject who asks, where askers are not trusted: the answer goes to no other
        place than their own inbox. A server does not look at where an answer is wanted, so they could
        have it said in places where they may not speak themselves.
        """
        self._served.append((subject, queue, answer, asker))

    async def _subscribe(
        self, subject: str, queue: str, answer: Answer, asker: Callable[[str], str] | None
    ) -> None:

        async def handle(message: Msg) -> None:
            inbox = None if asker is None else f"{_inbox(asker(message.subject))}."
            if inbox is not None and not message.reply.startswith(inbox):
                _log.warning("an answer on %s was wanted elsewhere", message.subject)
                return
            if self._at_work[message.subject] >= REQUESTS_AT_ONCE_MAX:
                _log.warning("too many requests at once on %s", message.subject)
                return
            self._at_work[message.subject] += 1
            # A task of its own, so that one neighbour does not wait for the work of another.
            task = asyncio.create_task(self._answer(message, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        await self._client.subscribe(subject, queue=queue, cb=handle)

    async def _answer(self, message: Msg, answer: Answer) -> None:
        try:
            await message.respond(await answer(message.subject, message.data))
        except nats.errors.Error as error:
            _log.info("no reply on %s: %s", message.subject, error)
        except Exception:
            # No reply: the sender will send it again.
            _log.exception("a request on %s failed", message.subject)
        finally:
            self._at_work[message.subject] -= 1
            if not self._at_work[message.subject]:
                del self._at_work[message.subject]

    async def request(self, subject: str, data: bytes, seconds: float) -> bytes:
        """Ask and wait for the reply; raises NeighbourAbsent or NeighbourSilent."""
        if not self._client.is_connected:
            raise NeighbourAbsent(subject)
        try:
            return (await self._client.request(subject, data, timeout=seconds)).data
        except nats.errors.NoRespondersError as error:
            raise NeighbourAbsent(subject) from error
        except nats.errors.TimeoutError as error:
            raise NeighbourSilent(subject) from error
        except nats.errors.Error as error:
            raise NeighbourAbsent(subject) from error

    async def _came_up(self) -> None:
        self._was_up, self._last_error = True, ""
        _log.info("connected to %s", self._url)
        for call in self._on_up:
            await call()

    async def _on_disconnected(self) -> None:
        if self._was_up:
            self._was_up = False
            _log.info("disconnected from %s", self._url)

    async def _on_error(self, error: Exception) -> None:
        """The client tells the same thing every second: it is logged when it changes."""
        text = f"{type(error).__name__}: {error}"
        if text != self._last_error:
            self._last_error = text
            _log.warning("%s: %s", self._url, text)
