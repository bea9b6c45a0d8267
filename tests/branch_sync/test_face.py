"""The face of branch-sync, called as its server calls it, with a real exchange that signs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.branch_sync.parts import Halls, ask
from tests.exchange.parts import journal, sure_of_itself
from tests.exchange.test_face import SETTINGS
from tests.simulation.worlds import COUNTY, PROVINCE, TOWNSHIP

from hallnet.branch_sync.face import BranchSyncFace
from hallnet.branch_sync.publishing import PUBLICATION, Publisher
from hallnet.branch_sync.releasing import ReleaseUnknown
from hallnet.codec import MessageMalformed
from hallnet.codec.moments import to_timestamp
from hallnet.exchange.faces.face import CALLERS, ExchangeFace
from hallnet.exchange.queue.watching import HopWatch
from hallnet.node.client import open_channel
from hallnet.node.home import Home, Part
from hallnet.node.paging import PageTokenInvalid
from hallnet.node.server import Server
from hallnet.problems import Problem, Reported
from hallnet.store.requests import RequestIdMissing, RequestIdReused
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import ReleaseOutOfReach
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as wire_exchange_grpc
from hallnet.wire.release.v1 import release_pb2 as wire_release

Result = TypeVar("Result")
NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Keys and certificates for the calls within a node, which go by the real clock."""
    folder = tmp_path_factory.mktemp("homes") / COUNTY
    return Home.create(Path(folder), SETTINGS.format(address=COUNTY), datetime.now(UTC))


@asynccontextmanager
async def served(halls: Halls, home: Home, at: str) -> AsyncIterator[str]:
    """The exchange of a hall behind a real server; gives its address."""
    station = halls.world.at(at)
    server = Server(home, "127.0.0.1:0", [Part.EXCHANGE])
    face = ExchangeFace(
        station.exchange,
        station.context,
        home,
        "0.1.0",
        HopWatch(at),
        lambda: halls.now,
        lambda: None,
        lambda: None,
        sure_of_itself(),
    )
    server.add(
        wire_exchange.DESCRIPTOR.services_by_name["ExchangeService"],
        wire_exchange_grpc.add_ExchangeServiceServicer_to_server,
        face,
        CALLERS,
    )
    await server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        await server.stop()


def face(halls: Halls, home: Home, at: str, exchange: str) -> BranchSyncFace:
    sync = halls.at(at)
    channel = open_channel(home, Part.BRANCH_SYNC, exchange)
    publisher = Publisher(sync.database, sync.context, channel, lambda: halls.now)
    return BranchSyncFace(sync.database, sync.context, publisher, lambda: halls.now)


def with_exchange(
    halls: Halls, home: Home, work: Callable[[BranchSyncFace], Awaitable[Result]], at: str = COUNTY
) -> Result:
    async def run() -> Result:
        async with served(halls, home, at) as address:
            return await work(face(halls, home, at, address))

    return ask(run())


def publish(halls: Halls, home: Home, *requests: Any, at: str = COUNTY) -> list[wire.ReleaseView]:
    """Publish one after the other."""

    async def work(desk: BranchSyncFace) -> list[wire.ReleaseView]:
        return [(await desk.PublishRelease(request, None)).release for request in requests]

    return with_exchange(halls, home, work, at)


def wanted(request_id: str = "request-1", **changes: Any) -> wire.PublishReleaseRequest:
    values: dict[str, Any] = {
        "kind": wire_release.RELEASE_KIND_POLICY,
        "content": b"policy",
        "summary": "办法",
    }
    return wire.PublishReleaseRequest(request_id=request_id, **(values | changes))


def test_versions_grow_for_each_kind_by_itself(halls: Halls, home: Home) -> None:
    views = publish(
        halls,
        home,
        wanted("request-1"),
        wanted("request-2", content=b"another"),
        wanted("request-3", kind=wire_release.RELEASE_KIND_CODE_MAP),
        wanted("request-4"),
    )
    assert [(view.kind, view.version) for view in views] == [(4, 1), (4, 2), (6, 1), (4, 3)]
    assert {view.author for view in views} == {COUNTY}
    assert views[-1].standing == wire.RELEASE_STANDING_IN_FORCE
    assert (views[-1].summary, views[-1].size) == ("办法", len(b"policy"))
    assert views[-1].issued_at == to_timestamp(halls.now)


def test_the_same_request_gives_the_same_release_and_signs_nothing_more(
    halls: Halls, home: Home
) -> None:
    (first,) = publish(halls, home, wanted())
    signed = journal(halls.world.at(COUNTY), EntryKind.SIGNED)
    halls.pass_by(days=1)
    halls.restart(COUNTY)
    again, other = publish(halls, home, wanted(), wanted("request-2"))
    assert again == first
    assert other.version == 2
    assert len(journal(halls.world.at(COUNTY), EntryKind.SIGNED)) == len(signed) + 1
    assert len(halls.releases(COUNTY)) == 2


def test_a_request_id_belongs_to_one_release(halls: Halls, home: Home) -> None:
    publish(halls, home, wanted())
    for changes in ({"content": b"other"}, {"summary": "其他"}, {"kind": 6}):
        with pytest.raises(RequestIdReused):
            publish(halls, home, wanted(**changes))
    assert len(halls.releases(COUNTY)) == 1


UNUSABLE_IDS = ["", "short", "a" * 65, "with space", "请求编号请求编号"]


def test_a_release_without_a_usable_request_id_is_not_published(halls: Halls, home: Home) -> None:
    """What came from above has no request: it is never given as an answer."""
    halls.come(COUNTY, halls.signed(PROVINCE))
    before = journal(halls.world.at(COUNTY), EntryKind.SIGNED)
    for request_id in UNUSABLE_IDS:
        with pytest.raises(RequestIdMissing):
            publish(halls, home, wanted(request_id))
    assert len(halls.releases(COUNTY)) == 1
    assert journal(halls.world.at(COUNTY), EntryKind.SIGNED) == before


def test_a_release_that_was_signed_and_not_kept_is_signed_again_with_the_same_version(
    halls: Halls, home: Home
) -> None:
    """The process ended between the signature and its own commit."""

    async def sign(desk: BranchSyncFace) -> None:
        found = PUBLICATION.from_message(wanted())
        body = wire_release.ReleaseBody(kind=int(found.kind), content=found.content)  # type: ignore[arg-type]
        body.effective_at.FromDatetime(halls.now)
        await desk._publisher._signed(body, halls.now)

    with_exchange(halls, home, sign)
    halls.restart(COUNTY)
    (view,) = publish(halls, home, wanted())
    assert view.version == 1
    assert halls.content(COUNTY) == b"policy"


def test_publishing_at_once_gives_each_request_a_version_of_its_own(
    halls: Halls, home: Home
) -> None:
    async def work(desk: BranchSyncFace) -> list[int]:
        requests = [wanted(f"request-{number % 4}") for number in range(12)]
        answers = await asyncio.gather(*(desk.PublishRelease(r, None) for r in requests))
        return [answer.release.version for answer in answers]

    versions = with_exchange(halls, home, work)
    assert versions == versions[:4] * 3
    assert sorted(versions[:4]) == [1, 2, 3, 4]
    assert len(halls.releases(COUNTY)) == 4


def test_a_hall_that_may_not_publish_is_refused_and_nothing_is_kept(
    halls: Halls, home: Home
) -> None:
    with pytest.raises(Reported) as refused:
        publish(halls, home, wanted(), at=TOWNSHIP)
    assert refused.value.reason == "PERMISSION_MISSING"
    assert halls.releases(TOWNSHIP) == []


def test_an_exchange_that_does_not_answer_is_reported_and_the_same_request_works_later(
    halls: Halls, home: Home
) -> None:
    with pytest.raises(Reported):
        ask(_publish_nowhere(halls, home))
    assert halls.releases(COUNTY) == []
    (view,) = publish(halls, home, wanted())
    assert view.version == 1


async def _publish_nowhere(halls: Halls, home: Home, **changes: Any) -> None:
    await face(halls, home, COUNTY, NOWHERE).PublishRelease(wanted(**changes), None)


UNUSABLE: list[tuple[dict[str, Any], type[Problem]]] = [
    ({"kind": 0}, MessageMalformed),
    ({"kind": 99}, MessageMalformed),
    ({"kind": 1, "content": b"\xff"}, MessageMalformed),
    ({"kind": 2, "content": b"\xff"}, MessageMalformed),
    ({"kind": 3, "content": b""}, ReleaseOutOfReach),
    ({"kind": 1, "content": b"\x0a\x00"}, MessageMalformed),
    ({"summary": "a\0b"}, MessageMalformed),
    ({"effective_at": {"seconds": 10**15}}, MessageMalformed),
    ({"effective_at": {"seconds": 253402300799}}, MessageMalformed),
]


def test_what_cannot_be_a_release_is_refused_before_it_is_signed(halls: Halls, home: Home) -> None:
    before = journal(halls.world.at(COUNTY), EntryKind.SIGNED)
    for changes, problem in UNUSABLE:
        with pytest.raises(problem):
            ask(_publish_nowhere(halls, home, **changes))
    assert journal(halls.world.at(COUNTY), EntryKind.SIGNED) == before
    assert halls.releases(COUNTY) == []


def test_a_release_can_be_published_for_a_later_date(halls: Halls, home: Home) -> None:
    date = to_timestamp(halls.now.replace(day=30))
    (view,) = publish(halls, home, wanted(effective_at=date))
    assert view.standing == wire.RELEASE_STANDING_PENDING
    assert view.effective_at == date
    with pytest.raises(ReleaseUnknown):
        ask(_get(halls, home))


def test_the_release_in_force_is_given_as_its_author_signed_it(halls: Halls, home: Home) -> None:
    release = halls.signed(PROVINCE, content=b"policy")
    halls.come(COUNTY, release)
    answer = ask(_get(halls, home))
    assert answer.release == release
    assert (answer.view.author, answer.view.version) == (PROVINCE, 1)


def test_a_kind_that_is_none_is_refused(halls: Halls, home: Home) -> None:
    for kind in (0, 99):
        with pytest.raises(MessageMalformed):
            ask(_get(halls, home, kind))


async def _get(halls: Halls, home: Home, kind: int = 4) -> wire.GetReleaseResponse:
    request = wire.GetReleaseRequest(kind=kind)  # type: ignore[arg-type]
    answer: wire.GetReleaseResponse = await face(halls, home, COUNTY, NOWHERE).GetRelease(
        request, None
    )
    return answer


def test_releases_are_listed_newest_first_without_loss_or_repetition(
    halls: Halls, home: Home
) -> None:
    for version in range(1, 8):
        halls.come(COUNTY, halls.signed(PROVINCE, version=version))
    forged = halls.signed(TOWNSHIP)
    halls.come(COUNTY, forged)
    found: list[wire.ReleaseView] = []
    token = ""
    while True:
        page = ask(_list(halls, home, page_size=3, page_token=token))
        found += page.releases
        token = page.next_page_token
        if not token:
            break
    assert [(view.author, view.version) for view in found] == [
        (TOWNSHIP, 1),
        *((PROVINCE, version) for version in range(7, 0, -1)),
    ]
    assert found[0].standing == wire.RELEASE_STANDING_REFUSED
    assert found[0].reason == "PERMISSION_MISSING"


def test_a_page_token_that_came_from_nowhere_is_refused(halls: Halls, home: Home) -> None:
    for token in ["x", "!!!!", "eHh4", "LTU=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"]:
        with pytest.raises(PageTokenInvalid):
            ask(_list(halls, home, page_token=token))


async def _list(halls: Halls, home: Home, **values: Any) -> wire.ListReleasesResponse:
    request = wire.ListReleasesRequest(**values)
    answer: wire.ListReleasesResponse = await face(halls, home, COUNTY, NOWHERE).ListReleases(
        request, None
    )
    return answer
