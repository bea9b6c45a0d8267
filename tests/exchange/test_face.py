"""The face of the exchange, called as its server calls it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.exchange.forging import Forger
from tests.exchange.parts import (
    dispatch,
    fill,
    journal,
    settle_exchanges,
    sure_of_itself,
    take,
    want,
)
from tests.exchange.test_attachments import come, named, pieces
from tests.exchange.test_certifying import KEY, NEWCOMER, asked
from tests.simulation.halls import BEGINNING, SUITE, World
from tests.simulation.worlds import CITY, COUNTY, TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.exchange.context import Context
from hallnet.exchange.faces.attachment_face import AttachmentMissing
from hallnet.exchange.faces.face import ExchangeFace
from hallnet.exchange.journal import journal_store
from hallnet.exchange.queue.hops import Direction, Hop
from hallnet.exchange.queue.watching import HOPS_PER_WATCHER_MAX, HopWatch
from hallnet.exchange.records.bundling import NothingToExport
from hallnet.federation.delivery import State
from hallnet.node.home import Home
from hallnet.node.paging import PageTokenInvalid
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.requests import RequestIdMissing, RequestIdReused
from hallnet.trust.bundle import verify_bundle
from hallnet.trust.certificate import make_request, read_certificate
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import PermissionMissing
from hallnet.trust.receipt import ReceiptBody, Verdict
from hallnet.trust.release import verify_release
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.release.v1 import release_pb2 as wire_release

Answer = TypeVar("Answer")
SETTINGS = """
[hall]
address = "{address}"
name = "{address} hall"
[broker]
url = "tls://parent.example:4222"
[certificate]
validity_days = 200
"""


class Counter:
    """Counts how often the service was told that the children changed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Home]:
    """Homes of the county and the township, for what the face reads from files."""
    folder = tmp_path_factory.mktemp("homes")
    return {
        address: Home.create(Path(folder / address), SETTINGS.format(address=address), BEGINNING)
        for address in (COUNTY, TOWNSHIP)
    }


def face(
    world: World,
    homes: dict[str, Home],
    at: str = COUNTY,
    changed: Callable[[], None] = lambda: None,
) -> ExchangeFace:
    station = world.at(at)
    return ExchangeFace(
        station.exchange,
        station.context,
        homes[at],
        "0.1.0",
        HopWatch(at),
        lambda: world.time.now,
        changed,
        lambda: None,
        sure_of_itself(),
    )


def ask(answer: Awaitable[Answer]) -> Answer:
    async def wait() -> Answer:
        return await answer

    return asyncio.run(wait())


def collect(stream: AsyncIterator[Answer]) -> list[Answer]:
    async def gather() -> list[Answer]:
        return [item async for item in stream]

    work: Coroutine[Any, Any, list[Answer]] = gather()
    return asyncio.run(work)


# Certifying


def certify_request(world: World, request_id: str = "request-1", **values: Any) -> Any:
    return wire.CertifyChildRequest(
        request_id=request_id, request=make_request(asked(world), KEY), **values
    )


def test_the_same_request_for_a_certificate_gives_the_same_welcome(
    world: World, homes: dict[str, Home]
) -> None:
    request, changed = certify_request(world), Counter()
    first = ask(face(world, homes, changed=changed).CertifyChild(request, None))
    signed = journal(world.at(COUNTY), EntryKind.SIGNED)
    world.time.pass_by(days=1)
    world.restart(COUNTY)
    again = ask(face(world, homes, changed=changed).CertifyChild(request, None))
    assert again == first
    assert journal(world.at(COUNTY), EntryKind.SIGNED) == signed
    assert changed.count == 2
    assert first.welcome.broker_url == "tls://parent.example:4222"
    body = read_certificate(first.welcome.chain[0]).body
    assert (body.not_after - body.not_before).days == 200
    assert body.subject == NEWCOMER


def test_a_request_id_belongs_to_one_request(world: World, homes: dict[str, Home]) -> None:
    ask(face(world, homes).CertifyChild(certify_request(world), None))
    with pytest.raises(RequestIdReused):
        ask(face(world, homes).CertifyChild(certify_request(world, validity_days=7), None))


@pytest.mark.parametrize("request_id", ["", "short", "a" * 65, "with space", "请求编号请求编号"])
def test_a_request_without_a_usable_id_is_refused(
    world: World, homes: dict[str, Home], request_id: str
) -> None:
    with pytest.raises(RequestIdMissing):
        ask(face(world, homes).CertifyChild(certify_request(world, request_id), None))
    assert Address(NEWCOMER) not in world.restart(COUNTY).context.children


# Releases


def sign_request(world: World, at: str = COUNTY, request_id: str = "request-1") -> Any:
    return wire.SignReleaseRequest(
        request_id=request_id,
        release=wire_release.ReleaseBody(
            kind=wire_release.RELEASE_KIND_POLICY,
            author=at,
            version=1,
            issued_at=to_timestamp(world.time.now),
            effective_at=to_timestamp(world.time.now),
            content=b"policy",
            summary="办法",
        ),
    )


def test_a_release_is_signed_once_and_stands_in_the_journal(
    world: World, homes: dict[str, Home]
) -> None:
    request = sign_request(world)
    release = ask(face(world, homes).SignRelease(request, None)).release
    township = world.at(TOWNSHIP)
    body = verify_release(release, township.context.trust, township.address, world.time.now)
    assert (body.author, body.content) == (Address(COUNTY), b"policy")
    digest = SUITE.digest(release.body)
    assert journal(world.at(COUNTY), EntryKind.SIGNED)[-1] == digest
    assert ask(face(world, homes).SignRelease(request, None)).release == release
    assert journal(world.at(COUNTY), EntryKind.SIGNED).count(digest) == 1


def test_a_hall_that_may_not_publish_signs_no_release(world: World, homes: dict[str, Home]) -> None:
    with pytest.raises(PermissionMissing):
        ask(face(world, homes, TOWNSHIP).SignRelease(sign_request(world, TOWNSHIP), None))
    assert journal(world.at(TOWNSHIP), EntryKind.SIGNED) == []


# Looking


def test_the_status_says_how_the_node_stands(world: World, homes: dict[str, Home]) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)
    want(world, COUNTY, dispatch(TOWNSHIP), dispatch(TOWNSHIP), dispatch(CITY))
    status = ask(face(world, homes).GetStatus(wire.GetStatusRequest(), None))
    assert (status.address, status.version) == (COUNTY, "0.1.0")
    assert status.undelivered == 3
    assert status.incidents == 0
    assert status.believed_halls == 5
    assert status.trust_version == 0
    assert status.suite == Suite.ED25519
    assert [(use.suite, use.allowed, use.halls) for use in status.suites] == [(1, True, 5)]
    links = {item.neighbour: item for item in status.links}
    assert list(links) == [CITY, TOWNSHIP]
    assert links[CITY].role == wire.LINK_ROLE_PARENT
    assert links[TOWNSHIP].role == wire.LINK_ROLE_CHILD
    assert (links[CITY].waiting, links[TOWNSHIP].waiting) == (1, 2)
    assert links[TOWNSHIP].oldest_waiting_since == to_timestamp(world.time.now)
    assert links[TOWNSHIP].up
    assert not links[CITY].up
    size = sum(len(journal(world.at(COUNTY), kind)) for kind in EntryKind)
    assert status.journal_size == size
    assert f"\n{size}\n".encode() in status.head.note


def test_a_hall_that_becomes_sure_while_its_status_is_read_is_not_sure_in_it(
    world: World, homes: dict[str, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the status would say that nothing is lost: the tables were read as they were before that was found."""
    context = world.at(COUNTY).context
    newest_head = journal_store.newest_head

    def meanwhile(connection: Connection, of: Context) -> SignedCheckpoint | None:
        context.is_sure = True
        return newest_head(connection, of)

    context.is_sure = False
    monkeypatch.setattr(journal_store, "newest_head", meanwhile)
    status = ask(face(world, homes).GetStatus(wire.GetStatusRequest(), None))
    assert not status.journal_sure
    assert ask(face(world, homes).GetStatus(wire.GetStatusRequest(), None)).journal_sure


def test_the_deliveries_of_a_matter_are_paged_without_loss_or_repetition(
    world: World, homes: dict[str, Home]
) -> None:
    fill(world, TOWNSHIP, COUNTY, 7)
    want(world, TOWNSHIP, dispatch(COUNTY, subject="another"))
    settle_exchanges(world)
    found: list[bytes] = []
    token = ""
    while True:
        page = ask(
            face(world, homes, TOWNSHIP).ListDeliveries(
                wire.ListDeliveriesRequest(subject="matter-1", page_size=3, page_token=token), None
            )
        )
        found += [item.envelope_id for item in page.deliveries]
        assert {item.state for item in page.deliveries} == {State.ACCEPTED}
        assert len(page.deliveries) <= 3
        token = page.next_page_token
        if not token:
            break
    assert len(found) == len(set(found)) == 7


def test_incidents_are_listed_the_newest_first_and_paged(
    world: World, homes: dict[str, Home]
) -> None:
    who = Forger(world.at(TOWNSHIP).context.identity)
    county = world.at(COUNTY).context.identity.certificate
    for name in ("330127-a1", "330127-b1", "330127-c1", "330127-d1", "330127-e1"):
        forged = who.letter(county, world.time.now, sender=name)
        take(world, TOWNSHIP, COUNTY, who.batch(world.time.now, [forged]))
    claimed: list[str] = []
    token = ""
    while True:
        page = ask(
            face(world, homes).ListIncidents(
                wire.ListIncidentsRequest(page_size=2, page_token=token), None
            )
        )
        claimed += [item.incident.claimed_from for item in page.incidents]
        assert all(item.leaf_index >= 0 for item in page.incidents)
        token = page.next_page_token
        if not token:
            break
    assert claimed == ["330127-e1", "330127-d1", "330127-c1", "330127-b1", "330127-a1"]


def test_a_page_token_that_came_from_nowhere_is_refused(
    world: World, homes: dict[str, Home]
) -> None:
    for token in ("x", "!!!!", "eHh4"):
        with pytest.raises(PageTokenInvalid):
            ask(face(world, homes).ListIncidents(wire.ListIncidentsRequest(page_token=token), None))


def test_a_bundle_comes_in_parts_and_verifies(world: World, homes: dict[str, Home]) -> None:
    fill(world, TOWNSHIP, COUNTY, 3, 300_000)
    settle_exchanges(world)
    request = wire.ExportBundleRequest(subject="matter-1", actor_id="chief", purpose="复议")
    parts = collect(face(world, homes).ExportBundle(request, None))
    assert len(parts) > 1
    assert verify_bundle(b"".join(part.data for part in parts), world.root).holds
    with pytest.raises(NothingToExport):
        collect(face(world, homes).ExportBundle(wire.ExportBundleRequest(subject="x"), None))


def test_a_material_is_read_only_when_it_is_complete(world: World, homes: dict[str, Home]) -> None:
    data = bytes(range(256)) * 3000
    first, *others = pieces(data)
    request = wire.ReadAttachmentRequest(digest=named(data).digest)
    for payloads in ([], [first]):
        come(world, payloads)
        with pytest.raises(AttachmentMissing):
            collect(face(world, homes).ReadAttachment(request, None))
    come(world, others)
    parts = collect(face(world, homes).ReadAttachment(request, None))
    assert b"".join(part.data for part in parts) == data


# Watching


def hop(number: int) -> Hop:
    body = ReceiptBody(
        Suite.ED25519,
        b"%016d" % number,
        bytes(32),
        Address(COUNTY),
        Address(TOWNSHIP),
        Verdict.ACCEPTED,
        "",
        BEGINNING,
    )
    return Hop(Address(TOWNSHIP), Direction.TAKEN, body, number)


def test_every_watcher_sees_every_hop_and_a_slow_one_loses_the_oldest(world: World) -> None:
    async def watch() -> list[list[int]]:
        shown = HopWatch(COUNTY)
        shown.show([hop(0)], world.time.now)
        watchers = [shown.watch(), shown.watch()]
        firsts = [asyncio.ensure_future(anext(watcher)) for watcher in watchers]
        await asyncio.sleep(0)
        shown.show([hop(1)], world.time.now)
        seen = [[(await first).size] for first in firsts]
        shown.show([hop(n) for n in range(2, HOPS_PER_WATCHER_MAX + 4)], world.time.now)
        for sizes, watcher in zip(seen, watchers, strict=True):
            sizes.append((await anext(watcher)).size)
        return seen

    assert asyncio.run(watch()) == [[1, 4], [1, 4]]
