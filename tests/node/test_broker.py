"""Who may do what at a message server: every way out of a child's own subjects, tried by hand."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.node.raw_nats import Closed, Message, RawClient
from tests.node.test_messaging import HERE, connected

from hallnet.node import broker, tls
from hallnet.node.clock import clock
from hallnet.node.home import Home
from hallnet.node.messaging import MESSAGE_BYTES_MAX, LinkClient
from hallnet.places import Address
from hallnet.sandbox.ports import free_ports

CHILD, SIBLING = Address("330127101"), Address("330127102")
DENIED = "permissions violation"


@dataclass(slots=True)
class Star:
    """A parent's message server, with the certificates of those who dial it."""

    home: Home
    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, configuration: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [str(broker.program()), "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def certify(
        self,
        name: str,
        user: str,
        authority: tls.Authority | None = None,
        at: datetime | None = None,
        days: int = 1,
    ) -> tuple[Path, Path]:
        """A certificate for somebody, by the parent's authority unless by another."""
        key = tls.new_private_key()
        issued = tls.issue(
            authority or self.home.link_authority(),
            tls.public_der(key),
            [user],
            at or clock(),
            days,
        )
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(issued)
        private.write_bytes(key)
        return certificate, private

    @property
    def authority(self) -> Path:
        return self.home.path("trust/link-authority.pem")

    def dial(self, name: str, port: int = 0) -> RawClient:
        """A connection with a certificate that was issued under that name."""
        return RawClient(
            port or self.port,
            self.authority,
            self.folder / f"{name}.pem",
            self.folder / f"{name}.key",
        )

    def enter(self, name: str, port: int = 0) -> RawClient:
        client = self.dial(name, port)
        client.connect()
        return client

    def as_owner(self, port: int = 0) -> RawClient:
        client = RawClient(
            port or self.port,
            self.authority,
            self.home.path("tls/own-link.pem"),
            self.home.path("tls/own-link.key"),
        )
        client.connect()
        return client

    def owner(self, port: int = 0) -> LinkClient:
        return LinkClient(
            f"tls://127.0.0.1:{port or self.port}",
            str(HERE),
            self.home.path("tls/own-link.pem"),
            self.home.path("tls/own-link.key"),
            self.authority,
        )


@pytest.fixture
def star(tmp_path: Path) -> Iterator[Star]:
    """A parent with two children that may dial in."""
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
    broker.write_configuration(home, listen, HERE, [CHILD, SIBLING])
    made = Star(home, tmp_path, port)
    made.certify("child", broker.user_name(CHILD))
    made.certify("sibling", broker.user_name(SIBLING))
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


@pytest.fixture
def running(star: Star) -> Star:
    star.run(star.home.path(broker.CONFIGURATION))
    until_there(star)
    return star


def until_there(star: Star, port: int = 0) -> None:
    for _ in range(400):
        with suppress(OSError):
            star.as_owner(port)._socket.close()
            return
        star.processes[-1].poll()
        assert star.processes[-1].returncode is None
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


# Its own subjects


def test_a_child_may_ask_its_parent_and_answer_it(running: Star) -> None:
    """So that what is denied below is not denied because nothing works."""
    child, parent = running.enter("child"), running.as_owner()
    with child, parent:
        parent.subscribe("up.*.batch", "exchange")
        child.subscribe(f"down.{CHILD}.batch", "exchange")
        child.subscribe(f"_INBOX.{CHILD}.1")
        parent.subscribe(f"_INBOX.{HERE}.1")
        parent.fence()
        child.fence()
        child.publish(f"up.{CHILD}.batch", b"up", f"_INBOX.{CHILD}.1")
        assert parent.next_message() == Message(f"up.{CHILD}.batch", f"_INBOX.{CHILD}.1", b"up")
        parent.publish(f"_INBOX.{CHILD}.1", b"answer")
        assert child.next_message().data == b"answer"
        parent.publish(f"down.{CHILD}.batch", b"down", f"_INBOX.{HERE}.1")
        asked = child.next_message()
        child.publish(asked.reply, b"taken")
        assert parent.next_message().data == b"taken"
        assert child.errors == parent.errors == []


def test_a_child_may_answer_once_and_only_what_it_was_asked(running: Star) -> None:
    child, parent = running.enter("child"), running.as_owner()
    with child, parent:
        child.subscribe(f"down.{CHILD}.batch")
        parent.subscribe(f"_INBOX.{HERE}.*")
        parent.fence()
        child.fence()
        parent.publish(f"down.{CHILD}.batch", b"down", f"_INBOX.{HERE}.1")
        reply = child.next_message().reply
        child.publish(reply, b"once")
        child.publish(reply, b"twice")
        child.publish(f"_INBOX.{HERE}.2", b"unasked")
        child.fence()
        parent.fence()
        assert [message.data for message in parent.messages] == [b"once"]
        assert len([text for text in child.errors if DENIED in text.lower()]) == 2


# Everybody else's

LISTENED = [
    ">",
    "*",
    "*.>",
    "*.*.*",
    "up.>",
    "up.*.batch",
    f"up.{CHILD}.batch",
    f"up.{SIBLING}.>",
    "down.>",
    "down.*.batch",
    f"down.{SIBLING}.>",
    f"down.{SIBLING}.batch",
    f"down.{CHILD}",
    f"down.{CHILD}1.>",
    "_INBOX.>",
    "_INBOX.*.>",
    f"_INBOX.{SIBLING}.>",
    f"_INBOX.{HERE}.>",
    f"_INBOX.{CHILD}",
    "$SYS.>",
    "$SYS.ACCOUNT.>",
    "$SYS.REQ.SERVER.PING",
    "$JS.>",
    "$JS.API.>",
    "_R_.>",
    "_GR_.>",
]


@pytest.mark.parametrize("queue", ["", "exchange"], ids=["alone", "in the queue of the exchange"])
@pytest.mark.parametrize("subject", LISTENED)
def test_a_child_hears_nothing_that_is_not_for_it(running: Star, subject: str, queue: str) -> None:
    """Neither alone nor by taking what is meant for the parent out of its queue."""
    child, sibling, parent = (
        running.enter("child"),
        running.enter("sibling"),
        running.as_owner(),
    )
    with child, sibling, parent:
        child.subscribe(subject, queue)
        child.fence()
        sibling.publish(f"up.{SIBLING}.batch", b"secret", f"_INBOX.{SIBLING}.1")
        sibling.fence()
        for other in (f"down.{SIBLING}.batch", f"_INBOX.{SIBLING}.1", f"_INBOX.{HERE}.1"):
            parent.publish(other, b"secret")
        parent.fence()
        child.fence()
        assert [DENIED in text.lower() for text in child.errors] == [True]
        assert child.messages == []


SPOKEN = [
    f"up.{SIBLING}.batch",
    f"up.{SIBLING}.hello",
    f"up.{CHILD}",
    f"up.{CHILD}1.batch",
    "up.batch",
    f"down.{SIBLING}.batch",
    f"down.{CHILD}.batch",
    f"_INBOX.{SIBLING}.1",
    f"_INBOX.{HERE}.1",
    f"_INBOX.{CHILD}.1",
    "$SYS.REQ.ACCOUNT.PING",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.USER.INFO.x",
    "$JS.API.STREAM.CREATE.x",
    "anything",
]


@pytest.mark.parametrize("headers", [False, True], ids=["plain", "with headers"])
@pytest.mark.parametrize("subject", SPOKEN)
def test_a_child_says_nothing_in_the_place_of_another(
    running: Star, subject: str, headers: bool
) -> None:
    child, parent = running.enter("child"), running.as_owner()
    with child, parent:
        parent.subscribe(">")
        parent.fence()
        if headers:
            child.publish_with_headers(subject, b"Nats-Msg-Id: 1", b"forged")
        else:
            child.publish(subject, b"forged")
        child.fence()
        parent.fence()
        assert [DENIED in text.lower() for text in child.errors] == [True]
        assert [message for message in parent.messages if message.data == b"forged"] == []


@pytest.mark.parametrize(
    "reply",
    [
        f"down.{SIBLING}.batch",
        f"up.{SIBLING}.batch",
        f"_INBOX.{SIBLING}.1",
        f"_INBOX.{HERE}.1",
        f"_INBOX.{CHILD}",
        f"_INBOX.{CHILD}1.1",
        "$SYS.REQ.ACCOUNT.PING",
    ],
)
def test_a_parent_answers_nowhere_but_where_the_asker_listens(running: Star, reply: str) -> None:
    """A child names the place of the answer: it must not have its parent speak where it may not."""
    asked: list[bytes] = []

    async def answer(subject: str, data: bytes) -> bytes:
        asked.append(data)
        return b"answer to " + data

    async def story() -> list[Message]:
        owner = running.owner()
        owner.serve("up.*.batch", "exchange", answer, broker.asker)
        with running.as_owner() as watching, running.enter("child") as child:
            watching.subscribe(">")
            child.subscribe(f"_INBOX.{CHILD}.1")
            await asyncio.to_thread(watching.fence)
            async with connected(owner):
                child.publish(f"up.{CHILD}.batch", b"trick", reply)
                child.publish(f"up.{CHILD}.batch", b"question", f"_INBOX.{CHILD}.1")
                found = await asyncio.to_thread(child.next_message)
                assert found.data == b"answer to question"
            watching.fence()
            assert child.errors == []
            return watching.messages

    heard = asyncio.run(story())
    assert [item.subject for item in heard if item.data == b"answer to trick"] == []


def test_what_is_too_large_ends_the_connection_and_no_other(running: Star) -> None:
    child, sibling, parent = (
        running.enter("child"),
        running.enter("sibling"),
        running.as_owner(),
    )
    with child, sibling, parent:
        parent.subscribe("up.*.batch")
        parent.fence()
        child.send(f"PUB up.{CHILD}.batch {MESSAGE_BYTES_MAX + 1}\r\n".encode())
        child.until_closed()
        assert child.errors == ["Maximum Payload Violation"]
        sibling.publish(f"up.{SIBLING}.batch", b"x")
        assert parent.next_message().data == b"x"


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\r\n" * 1000,
        b"PUB\r\n",
        b"SUB " + b"x" * 10_000_000,
        b"PUB up 99999999999999\r\n",
        b"\0" * 99,
    ],
    ids=["empty lines", "half a line", "an endless line", "a length that is none", "zeros"],
)
def test_rubbish_ends_the_connection_and_no_other(running: Star, rubbish: bytes) -> None:
    child, parent = running.enter("child"), running.as_owner()
    with child, parent:
        with suppress(Closed):
            child.send(rubbish)
            child.fence()
        parent.subscribe(f"_INBOX.{HERE}.1")
        parent.publish(f"_INBOX.{HERE}.1", b"x")
        assert parent.next_message().data == b"x"


# Who gets in


def is_turned_away(client: RawClient) -> bool:
    try:
        client.connect()
    except Closed:
        return True
    return False


def turned_away_with(star: Star, name: str, port: int = 0) -> bool:
    """Whether the server takes nobody with that certificate, at the handshake or just after."""
    try:
        with star.dial(name, port) as client:
            return is_turned_away(client)
    except (ssl.SSLError, ConnectionError):
        return True


STRANGERS = {
    "nobody's certificate": lambda star: star.certify(
        "x", broker.user_name(CHILD), tls.new_authority("own", clock())
    ),
    "an expired one": lambda star: star.certify(
        "x", broker.user_name(CHILD), at=clock() - timedelta(days=9), days=1
    ),
    "one of the future": lambda star: star.certify(
        "x", broker.user_name(CHILD), at=clock() + timedelta(days=9), days=1
    ),
    "that of a hall that was not certified here": lambda star: star.certify(
        "x", broker.user_name(Address("330127103"))
    ),
    "one of another name": lambda star: star.certify("x", f"x{broker.user_name(CHILD)}"),
    "one of a name in two parts": lambda star: star.certify("x", f"x.{broker.user_name(CHILD)}"),
    "one of a wildcard": lambda star: star.certify("x", "*.hallnet"),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_does_not_get_in(running: Star, who: str) -> None:
    STRANGERS[who](running)
    assert turned_away_with(running, "x")
    assert not turned_away_with(running, "child")


def test_nobody_gets_in_without_a_certificate(running: Star) -> None:
    refused = (ssl.SSLError, Closed, ConnectionError)
    with pytest.raises(refused), RawClient(running.port, running.authority) as client:
        client.connect()


CLAIMS = {
    "another user": {"user": broker.user_name(SIBLING), "pass": ""},
    "the owner": {"user": broker.user_name(HERE), "pass": ""},
    "a token": {"auth_token": "x"},
    "a key": {"nkey": "U" * 56, "sig": "x"},
    "a voucher": {"jwt": "e30.e30.e30", "sig": "x"},
    "the account of the system": {"user": "sys", "pass": "", "account": "$SYS"},
    "nothing": {"no_auth_user": broker.user_name(HERE)},
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_who_somebody_is_follows_from_the_certificate_alone(running: Star, claim: str) -> None:
    """Whatever else is claimed is refused or changes nothing."""
    with running.dial("child") as child:
        try:
            child.connect(**CLAIMS[claim])
        except Closed:
            return
        for subject in (f"down.{SIBLING}.batch", "up.>", "$SYS.>"):
            child.subscribe(subject)
        child.fence()
        assert len([text for text in child.errors if DENIED in text.lower()]) == 3


def test_a_child_that_is_shut_out_loses_its_open_connection_and_no_other_does(
    running: Star,
) -> None:
    with running.enter("child") as child, running.enter("sibling") as sibling:
        broker.write_configuration(running.home, f"127.0.0.1:{running.port}", HERE, [SIBLING])
        broker.reload(running.home)
        child.until_closed()
        sibling.fence()
        assert turned_away_with(running, "child")
        assert sibling.errors == []


# An operator's own servers


def test_an_operators_own_cluster_works_with_what_the_node_writes(star: Star) -> None:
    """Two servers that include the node's configuration and are joined: parent at one, child at the
    other."""
    ports, routes = free_ports(2), free_ports(2)
    for number in range(2):
        own = {
            "listen": f"127.0.0.1:{ports[number]}",
            "server_name": f"own-{number}",
            "pid_file": str(star.folder / f"own-{number}.pid"),
        }
        lines = [
            f"include {json.dumps(f'{star.home.path(broker.CONFIGURATION).relative_to(star.folder)}')}"
        ]
        lines += [f"{name}: {json.dumps(value)}" for name, value in own.items()]
        lines.append(
            f'cluster {{ name: own, listen: "127.0.0.1:{routes[number]}",'
            f' routes: ["nats://127.0.0.1:{routes[1 - number]}"] }}'
        )
        path = star.folder / f"own-{number}.conf"
        path.write_text("\n".join(lines))
        star.run(path)
        until_there(star, ports[number])

    async def answer(subject: str, data: bytes) -> bytes:
        return subject.encode() + b" " + data

    async def story() -> bytes:
        owner = star.owner(ports[0])
        owner.serve("up.*.batch", "exchange", answer, broker.asker)
        async with connected(owner):
            with star.enter("child", ports[1]) as child:
                child.subscribe(f"_INBOX.{CHILD}.1")
                for _ in range(200):
                    child.publish(f"up.{CHILD}.batch", b"x", f"_INBOX.{CHILD}.1")
                    found = await asyncio.to_thread(child.next_message)
                    if found.data:
                        return found.data
                    await asyncio.sleep(0.05)
                raise AssertionError("the servers do not find each other")

    assert asyncio.run(story()) == f"up.{CHILD}.batch x".encode()
    with star.enter("child", ports[1]) as child:
        child.subscribe("up.>")
        child.fence()
        assert len(child.errors) == 1
    for number, process in enumerate(star.processes):
        broker.write_configuration(star.home, f"127.0.0.1:{star.port}", HERE, [SIBLING])
        process.send_signal(signal.SIGHUP)
        for _ in range(200):
            if turned_away_with(star, "child", ports[number]):
                break
        assert turned_away_with(star, "child", ports[number])
