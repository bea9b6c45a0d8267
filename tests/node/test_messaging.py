"""The client of a message server, against a real one over mutual TLS."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hallnet.node import broker, messaging
from hallnet.node.clock import clock
from hallnet.node.home import Home
from hallnet.node.messaging import LinkClient, NeighbourAbsent, NeighbourSilent
from hallnet.places import Address
from hallnet.sandbox.ports import free_ports

HERE = Address("330127")


@dataclass(slots=True)
class Server:
    """A message server of a home, and how to dial it as its owner."""

    home: Home
    url: str
    process: subprocess.Popen[bytes]

    def client(self, url: str = "") -> LinkClient:
        return LinkClient(
            url or self.url,
            str(HERE),
            self.home.path("tls/own-link.pem"),
            self.home.path("tls/own-link.key"),
            self.home.path("trust/link-authority.pem"),
        )

    def start(self) -> None:
        configuration = str(self.home.path(broker.CONFIGURATION))
        self.process = subprocess.Popen(
            [str(broker.program()), "-c", configuration],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (port,) = free_ports(1)
    listen = f"127.0.0.1:{port}"
    settings = f"""
[hall]
address = "{HERE}"
name = "test"
[broker]
listen = "{listen}"
url = "tls://{listen}"
"""
    home = Home.create(tmp_path / "home", settings, clock())
    broker.write_configuration(home, listen, HERE, [])
    made = Server(home, f"tls://{listen}", None)  # type: ignore[arg-type]
    made.start()
    yield made
    made.stop()


@asynccontextmanager
async def connected(client: LinkClient) -> AsyncIterator[None]:
    """The client runs; it is up at the beginning."""
    running = asyncio.create_task(client.run())
    try:
        await until(lambda: client.is_up)
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(holds, seconds: float = 40.0) -> None:  # type: ignore[no-untyped-def]
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about in time")


def stands_still(pid: int) -> bool:
    """Whether all threads of a process have stopped, as they do a moment after the signal."""
    states = [
        (thread / "stat").read_text().rpartition(")")[2].split()[0]
        for thread in Path(f"/proc/{pid}/task").iterdir()
    ]
    return set(states) == {"T"}


async def echo(subject: str, data: bytes) -> bytes:
    return subject.encode() + b" " + data


async def answers(client: LinkClient, seconds: float = 40.0) -> bytes:
    """The answer to a request, tried again as a link does."""
    for _ in range(int(seconds / 0.1)):
        with suppress(NeighbourAbsent, NeighbourSilent):
            return await client.request("up.a.batch", b"x", 1.0)
        await asyncio.sleep(0.1)
    raise AssertionError("no answer in time")


def test_a_request_is_answered_and_an_absent_neighbour_is_known_at_once(server: Server) -> None:
    async def story() -> None:
        giver, taker = server.client(), server.client()
        taker.serve("up.*.batch", "exchange", echo)
        async with connected(giver):
            with pytest.raises(NeighbourAbsent):
                await giver.request("up.a.batch", b"x", 5.0)
            async with connected(taker):
                assert await answers(giver) == b"up.a.batch x"

    asyncio.run(story())


def test_a_neighbour_whose_batch_takes_long_delays_no_other_and_floods_nobody(
    server: Server,
) -> None:
    """While the batch of one is at work the other's is answered; of a flood a bounded part is."""
    done = asyncio.Event()
    at_work: list[bytes] = []

    async def answer(subject: str, data: bytes) -> bytes:
        if subject == "up.slow.batch":
            at_work.append(data)
            await done.wait()
        return data

    async def story() -> None:
        giver, taker = server.client(), server.client()
        taker.serve("up.*.batch", "exchange", answer)
        async with connected(giver), connected(taker):
            await answers(giver)
            flood = [
                asyncio.create_task(giver.request("up.slow.batch", b"%d" % number, 30.0))
                for number in range(50)
            ]
            await until(lambda: len(at_work) == messaging.REQUESTS_AT_ONCE_MAX)
            assert await giver.request("up.quick.batch", b"x", 10.0) == b"x"
            assert at_work == [b"%d" % n for n in range(messaging.REQUESTS_AT_ONCE_MAX)]
            done.set()
            assert await flood[0] == b"0"
            for task in flood[messaging.REQUESTS_AT_ONCE_MAX :]:
                task.cancel()
            assert await giver.request("up.slow.batch", b"again", 10.0) == b"again"

    asyncio.run(story())


def test_a_request_is_never_sent_later_than_it_was_asked_for(server: Server) -> None:
    """While the server is away a request fails at once, and nothing of it comes when it is back."""
    taken: list[bytes] = []

    async def note(subject: str, data: bytes) -> bytes:
        taken.append(data)
        return b"ok"

    async def story() -> None:
        giver, taker = server.client(), server.client()
        taker.serve("up.*.batch", "exchange", note)
        async with connected(giver), connected(taker):
            server.stop()
            await until(lambda: not giver.is_up)
            with pytest.raises(NeighbourAbsent):
                await giver.request("up.a.batch", b"early", 1.0)
            server.start()
            await until(lambda: giver.is_up and taker.is_up)
            await answers(giver)
            await asyncio.sleep(0.2)
            assert taken == [b"x"]

    asyncio.run(story())


def test_a_server_that_hangs_is_noticed_and_dialled_anew(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messaging, "HANG_CHECK_SECONDS", 0.2)

    async def story() -> None:
        giver, taker = server.client(), server.client()
        taker.serve("up.*.batch", "exchange", echo)
        async with connected(giver), connected(taker):
            assert await answers(giver)
            os.kill(server.process.pid, signal.SIGSTOP)
            await until(lambda: stands_still(server.process.pid))
            with pytest.raises((NeighbourSilent, NeighbourAbsent)):
                await giver.request("up.a.batch", b"x", 0.3)
            await until(lambda: not giver.is_up)
            os.kill(server.process.pid, signal.SIGCONT)
            assert await answers(giver) == b"up.a.batch x"

    asyncio.run(story())


def test_a_server_that_was_away_for_long_is_found_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a client that lost its way: it is thrown away and made anew."""
    monkeypatch.setattr(messaging, "HANG_CHECK_SECONDS", 0.3)
    monkeypatch.setattr(messaging, "AWAY_SECONDS_MAX", 0.9)

    async def story() -> None:
        client = server.client()
        client.serve("up.*.batch", "exchange", echo)
        async with connected(client):
            first = client._client
            server.stop()
            await until(lambda: client._client is not first)
            second = client._client
            await until(lambda: client._client is not second)
            server.start()
            assert await answers(client) == b"up.a.batch x"

    asyncio.run(story())


@pytest.mark.parametrize("turns", range(24))
def test_a_client_ends_when_it_is_told_to_whatever_its_server_does(
    server: Server, turns: int
) -> None:
    """A process that is stopped together with its server does not hang.

    The server breaks off in the middle of a handshake, a few turns of the loop before the client is told.
    """

    async def run() -> None:
        broken = asyncio.Event()

        async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.transport.abort()
            broken.set()

        listener = await asyncio.start_server(break_off, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        running = asyncio.create_task(server.client(f"tls://127.0.0.1:{port}").run())
        await broken.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=10)
        listener.close()
        assert ended
        assert running.cancelled()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others

    asyncio.run(run())
