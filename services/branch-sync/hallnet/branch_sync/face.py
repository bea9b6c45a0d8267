"""The gRPC face of branch-sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from hallnet.branch_sync import comparing, releasing, rollups, standings, tables
from hallnet.branch_sync.context import Context
from hallnet.branch_sync.publishing import PUBLICATION, Publisher, view
from hallnet.codec import MessageMalformed
from hallnet.node.home import Part
from hallnet.node.paging import Page
from hallnet.node.server import EVERY_PART, Callers
from hallnet.store import Connection, Database
from hallnet.trust.release import ReleaseKind
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2_grpc as wire_grpc
from hallnet.wire.release.v1 import release_pb2 as wire_release

CALLERS: Callers = {
    "PublishRelease": frozenset({Part.OPERATOR}),
    "ListReleases": EVERY_PART,
    "GetRelease": EVERY_PART,
    "ListReplicas": EVERY_PART,
    "CompareReplicas": frozenset({Part.OPERATOR}),
    "SumRollups": EVERY_PART,
    "WithdrawRelease": frozenset({Part.OPERATOR}),
    "ListStandings": EVERY_PART,
}


class BranchSyncFace(wire_grpc.BranchSyncServiceServicer):
    """Serves hallnet.wire.branch_sync.v1.BranchSyncService."""

    def __init__(
        self,
        database: Database,
        context: Context,
        publisher: Publisher,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._context = context
        self._publisher = publisher
        self._clock = clock

    async def PublishRelease(self, request: wire.PublishReleaseRequest, context: Any) -> Any:
        return await self._publisher.publish(PUBLICATION.from_message(request))

    async def ListReleases(self, request: wire.ListReleasesRequest, context: Any) -> Any:
        page = Page.of(request.page_size, request.page_token)

        def look(connection: Connection) -> wire.ListReleasesResponse:
            table = tables.release
            query = select(table).order_by(table.c.position.desc()).limit(page.size + 1)
            if page.after:
                query = query.where(table.c.position < page.after)
            rows = connection.execute(query).all()
            return wire.ListReleasesResponse(
                releases=[view(row) for row in rows[: page.size]],
                next_page_token=page.next_token([row.position for row in rows]),
            )

        return await self._database.read(look)

    async def GetRelease(self, request: wire.GetReleaseRequest, context: Any) -> Any:
        def look(connection: Connection) -> wire.GetReleaseResponse:
            row = releasing.in_force(connection, _kind(request.kind))
            return wire.GetReleaseResponse(
                release=wire_release.SignedRelease.FromString(row.signed), view=view(row)
            )

        return await self._database.read(look)

    async def ListReplicas(self, request: wire.ListReplicasRequest, context: Any) -> Any:
        return await self._database.read(
            lambda c: wire.ListReplicasResponse(replicas=comparing.views(c))
        )

    async def CompareReplicas(self, request: wire.CompareReplicasRequest, context: Any) -> Any:
        now = self._clock()
        await self._database.write(lambda c: comparing.ask_all(c, now))
        return wire.CompareReplicasResponse()

    async def SumRollups(self, request: wire.SumRollupsRequest, context: Any) -> Any:
        now = self._clock()
        return await self._database.read(lambda c: rollups.sums(c, self._context, request, now))

    async def WithdrawRelease(self, request: wire.WithdrawReleaseRequest, context: Any) -> Any:
        _kind(request.kind)
        return await self._publisher.withdraw(request)

    async def ListStandings(self, request: wire.ListStandingsRequest, context: Any) -> Any:
        return await self._database.read(lambda c: standings.spread(c, self._context, request.kind))


def _kind(number: int) -> ReleaseKind:
    try:
        return ReleaseKind(number)
    except ValueError as error:
        raise MessageMalformed("kind", message="GetReleaseRequest", detail="kind") from error
