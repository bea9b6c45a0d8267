"""The gRPC face of notify."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from hallnet.codec.moments import to_timestamp
from hallnet.node.home import Part
from hallnet.node.paging import Page
from hallnet.node.server import Callers
from hallnet.notify import tables
from hallnet.notify.writing import State
from hallnet.problems import Kind, Problem
from hallnet.store import Connection, Database
from hallnet.wire.notify.v1 import notify_service_pb2 as wire
from hallnet.wire.notify.v1 import notify_service_pb2_grpc as wire_grpc

CALLERS: Callers = {
    "ListNotices": frozenset({Part.PORTAL, Part.OPERATOR}),
    "RetryNotice": frozenset({Part.PORTAL, Part.OPERATOR}),
}


class NoticeUnknown(Problem):
    """There is no such notice."""

    kind = Kind.NOT_FOUND
    reason = "NOTICE_UNKNOWN"
    zh = "没有这条通知"
    zh_remedy = "请从通知列表中选择"
    en = "There is no such notice"
    en_remedy = "Choose one from the list"


class NotifyFace(wire_grpc.NotifyServiceServicer):
    """Serves hallnet.wire.notify.v1.NotifyService."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake

    async def ListNotices(self, request: wire.ListNoticesRequest, context: Any) -> Any:
        page = Page.of(request.page_size, request.page_token)

        def look(connection: Connection) -> wire.ListNoticesResponse:
            table = tables.notice
            query = (
                select(table)
                .where(table.c.position > page.after)
                .order_by(table.c.position)
                .limit(page.size + 1)
            )
            if request.subject:
                query = query.where(table.c.subject == request.subject)
            rows = connection.execute(query).all()
            return wire.ListNoticesResponse(
                notices=[_view(row) for row in rows[: page.size]],
                next_page_token=page.next_token([row.position for row in rows]),
            )

        return await self._database.read(look)

    async def RetryNotice(self, request: wire.RetryNoticeRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.RetryNoticeResponse:
            table = tables.notice
            this = (table.c.notice_id == request.notice_id) & (table.c.channel == request.channel)
            connection.execute(
                update(table)
                .where(this, table.c.state == State.GIVEN_UP)
                .values(state=State.WAITING, attempts=0, next_try_at=now)
            )
            row = connection.execute(select(table).where(this)).one_or_none()
            if row is None:
                raise NoticeUnknown("notice_id")
            return wire.RetryNoticeResponse(notice=_view(row))

        response = await self._database.write(
            lambda connection: tables.answered.once(
                connection,
                request.request_id,
                request,
                now,
                wire.RetryNoticeResponse,
                lambda: work(connection),
            )
        )
        self._wake()
        return response


def _view(row: Row[Any]) -> wire.Notice:
    view = wire.Notice(
        notice_id=row.notice_id,
        subject=row.subject,
        audience=row.audience,
        channel=row.channel,
        text=row.text,
        template=row.template,
        state=row.state,
        attempts=row.attempts,
        written_at=to_timestamp(row.written_at),
        last_error=row.last_error,
    )
    if row.sent_at is not None:
        view.sent_at.CopyFrom(to_timestamp(row.sent_at))
    return view
