"""The service as it runs: it follows real feeds, with others beside it, and its log names nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import MetaData, delete, insert
from tests.case.builders import ACCEPTED, CLOSED, GRANTED, START
from tests.exchange.test_face import SETTINGS
from tests.notify.parts import BY_AGENT, SECRETS, ask, notices, told_of, until
from tests.store.builders import VAULT

from hallnet.node.feeds import CALLERS, SERVICE, FeedFace
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.node.settings import SETTINGS_FILE
from hallnet.notify import tables
from hallnet.notify.service import Notify
from hallnet.notify.writing import State
from hallnet.store import Database
from hallnet.store.feed import Entry, Feed
from hallnet.wire.feed.v1 import feed_pb2_grpc

metadata = MetaData()
intake = Feed("intake", metadata)
PLAIN = SETTINGS.format(address="330127")


class Node:
    """A home, the feed of its intake behind a real server, and what notify keeps."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.home = Home.create(folder, PLAIN, datetime.now(UTC))
        self.database_url = database_url
        self.source = Database(database_url, "intake", VAULT)
        self.source.create_schema()
        metadata.create_all(self.source.engine)
        self.records = Database(self._of_notify(), "notify", self.home.vault(Part.NOTIFY))

    def _of_notify(self) -> str:
        return self.database_url.replace("hallnet.db", "notify.db")

    def close(self) -> None:
        self.source.close()
        self.records.close()

    def happen(self) -> None:
        """A case goes from its opening to its end."""
        entries = [
            Entry(entry.kind, entry.subject, entry.payload, START)
            for entry in told_of(ACCEPTED, GRANTED, CLOSED, opening=BY_AGENT)
        ]
        for entry in entries:
            self.source.transact(lambda c, entry=entry: intake.append(c, [entry]))  # type: ignore[misc]

    async def run(self, count: int, work: Callable[[], Awaitable[None]]) -> None:
        """Some notifies on the same records, for as long as the work needs."""
        server = Server(self.home, "127.0.0.1:0", [Part.INTAKE])
        feeds = FeedFace()
        feeds.add(intake, self.source)
        server.add(SERVICE, feed_pb2_grpc.add_FeedServiceServicer_to_server, feeds, CALLERS)
        await server.start()
        address = f"127.0.0.1:{server.port}"
        endpoints = f'[endpoints]\nintake = "{address}"\n[database]\nurl = "{self._of_notify()}"\n'
        self.home.write(SETTINGS_FILE, (PLAIN + endpoints).encode())
        notifies = [Notify(self.home, lambda: START) for _ in range(count)]
        tasks = [
            asyncio.ensure_future(body())
            for notify in notifies
            for name, body in notify.loops()
            if name in ("notify follows intake", "notify sends by file")
        ]
        try:
            await work()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for notify in notifies:
                await notify.close()
            await server.stop()

    def sent(self) -> bool:
        """Whether all that there is to tell was told."""
        found = notices(self.records)
        return len(found) == 8 and all(row.state == State.SENT for row in found)


@pytest.fixture
def node(tmp_path: Path, database_url: str) -> Iterator[Node]:
    made = Node(tmp_path / "home", database_url)
    yield made
    made.close()


def test_several_who_follow_the_same_feed_write_each_notice_once_and_their_log_names_nobody(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def work() -> None:
        node.happen()
        intake.announce()
        await until(node.sent)

    ask(node.run(3, work))
    found = notices(node.records)
    assert len({row.notice_id for row in found}) == len(found) == 8
    assert len(list((node.folder / "notices").glob("*.json"))) == 8
    assert not any(secret in caplog.text for secret in SECRETS)
    assert [item for item in caplog.records if item.levelno >= logging.WARNING] == []


def test_a_notify_that_starts_again_goes_on_where_it_ended(node: Node) -> None:
    async def work() -> None:
        await until(node.sent)

    node.happen()
    ask(node.run(1, work))
    before = notices(node.records)
    ask(node.run(1, work))
    assert notices(node.records) == before


def test_what_is_nothing_to_notify_costs_it_no_transaction(node: Node) -> None:
    """It goes on from the last entry that concerned it, and comes to the next that does."""
    odd = [Entry("case.sent_again", "", b"", START)] * 3

    def position() -> int:
        return node.records.look(lambda c: tables.cursors.position(c, "intake"))

    async def work() -> None:
        await until(node.sent)
        at = position()
        node.source.transact(lambda c: intake.append(c, odd))
        intake.announce()
        await asyncio.sleep(1)
        assert position() == at
        node.happen()
        intake.announce()
        await until(lambda: position() > at + len(odd))

    node.happen()
    ask(node.run(1, work))


def test_a_failing_database_is_logged_without_naming_anybody_and_tried_until_it_works(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    table = tables.notice
    in_the_way = insert(table).values(
        notice_id="intake-1-applicant",
        channel="file",
        subject="",
        audience=1,
        address="",
        text="",
        template="",
        written_at=START,
        state=State.GIVEN_UP,
        attempts=0,
        next_try_at=START,
        last_error="",
    )

    async def work() -> None:
        node.records.transact(lambda c: c.execute(in_the_way))
        node.happen()
        await until(lambda: "failed on the feed of intake" in caplog.text)
        node.records.transact(
            lambda c: c.execute(delete(table).where(table.c.state == State.GIVEN_UP))
        )
        await until(node.sent)

    ask(node.run(1, work))
    assert "IntegrityError" in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)
