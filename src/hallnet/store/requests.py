"""Answered requests: the same request again has no second effect and gets the first answer, for KEPT_FOR."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Column, Index, MetaData, String, Table, bindparam, delete, insert, select

from hallnet.problems import Kind, Problem
from hallnet.store.columns import Bytes, Closed, Moment
from hallnet.store.database import Connection
from hallnet.store.gathering import execute_later, gathered

Answer = TypeVar("Answer", bound=Message)

REQUEST_ID_LENGTH = (8, 64)
KEPT_FOR = timedelta(days=90)
"""So long a request that is sent again gets its first answer. Who tries again does so within seconds, who left a
page open within days; after this the same id is a new request."""
FORGOTTEN_AT_ONCE_MAX = 1_000


class RequestIdMissing(Problem):
    """A write without a usable id."""

    kind = Kind.INVALID
    reason = "REQUEST_ID_MISSING"
    zh = "写入请求缺少有效的request_id"
    zh_remedy = "请为每次操作生成8至64位的字母、数字或连字符，重试时沿用同一个"
    en = "The write has no usable request_id"
    en_remedy = "Give 8 to 64 letters, digits or hyphens, and the same ones when you try again"


class RequestIdReused(Problem):
    """The id belongs to another request."""

    kind = Kind.CONFLICT
    reason = "REQUEST_ID_REUSED"
    zh = "request_id已用于内容不同的另一请求"
    zh_remedy = "请为新的操作生成新的request_id"
    en = "The request_id belongs to another request with other content"
    en_remedy = "Give a new request_id to a new act"


class AnsweredRequests:
    """The table of answers, in the service's own database."""

    def __init__(self, metadata: MetaData) -> None:
        self._request = Table(
            "answered_request",
            metadata,
            Column("request_id", String(64), primary_key=True),
            Column("digest", Bytes, nullable=False),
            Column("answer", Closed("answered_request.answer"), nullable=False),
            Column("answered_at", Moment, nullable=False),
            Index("answered_request_at", "answered_at"),
        )
        self._keep = insert(self._request)
        self._find_all = select(
            self._request.c.request_id, self._request.c.digest, self._request.c.answer
        ).where(self._request.c.request_id.in_(bindparam("sought", expanding=True)))
        self._find = select(self._request.c.digest, self._request.c.answer).where(
            self._request.c.request_id == bindparam("sought")
        )

    def once(
        self,
        connection: Connection,
        request_id: str,
        request: Message,
        now: datetime,
        answer_type: type[Answer],
        act: Callable[[], Answer],
    ) -> Answer:
        """Do `act` once for the id, in this transaction; give the first answer from then on.

        Raises RequestIdMissing or RequestIdReused.
        """
        known = self.answer(connection, request_id, request, answer_type)
        if known is not None:
            return known
        answer, digest = act(), _digest(request)
        row: dict[str, Any] = {
            "request_id": request_id,
            "digest": digest,
            "answer": answer.SerializeToString(),
            "answered_at": now,
        }
        execute_later(connection, self._keep, [row])
        answers = gathered(_Answers, self)
        if answers is not None:
            answers.add(request_id, digest, row["answer"])
        return answer

    def answer(
        self,
        connection: Connection,
        request_id: str,
        request: Message,
        answer_type: type[Answer],
    ) -> Answer | None:
        """The first answer to a request, None if it is new; raises RequestIdMissing or RequestIdReused."""
        shortest, longest = REQUEST_ID_LENGTH
        plain = request_id.replace("-", "")
        if not (shortest <= len(request_id) <= longest and plain.isascii() and plain.isalnum()):
            raise RequestIdMissing("request_id")
        known = self._known(connection, request_id)
        if known is None:
            return None
        if known[0] != _digest(request):
            raise RequestIdReused("request_id")
        return answer_type.FromString(known[1])

    def forget_old(self, connection: Connection, now: datetime) -> int:
        """Forget some of what was answered longer than KEPT_FOR ago; returns how many, 0 if none is left."""
        table = self._request
        old = (
            select(table.c.request_id)
            .where(table.c.answered_at < now - KEPT_FOR)
            .order_by(table.c.answered_at)
            .limit(FORGOTTEN_AT_ONCE_MAX)
        )
        result = connection.execute(delete(table).where(table.c.request_id.in_(old)))
        return result.rowcount

    def look_up(self, connection: Connection, request_ids: Sequence[str]) -> None:
        """Find the answers to many requests of a shared transaction at once."""
        answers = gathered(_Answers, self)
        if answers is None:
            return
        usable = [request_id for request_id in request_ids if "\0" not in request_id]
        found = connection.execute(self._find_all, {"sought": usable})
        answers.looked_up(usable, {row.request_id: (row.digest, row.answer) for row in found})

    def _known(self, connection: Connection, request_id: str) -> tuple[bytes, bytes] | None:
        """The digest of the request and the answer, also of one earlier in the same transaction."""
        answers = gathered(_Answers, self)
        if answers is not None and answers.has_looked_for(request_id):
            return answers.find(request_id)
        found: Any = connection.execute(self._find, {"sought": request_id}).one_or_none()
        return None if found is None else (found.digest, found.answer)


class _Answers:
    """Answers that a shared transaction has looked up, and its own, which are not in the table yet."""

    def __init__(self) -> None:
        self._stored: dict[str, tuple[bytes, bytes]] = {}
        self._looked_for: set[str] = set()
        self._own: dict[str, tuple[bytes, bytes]] = {}

    def looked_up(self, request_ids: Sequence[str], found: dict[str, tuple[bytes, bytes]]) -> None:
        self._looked_for.update(request_ids)
        self._stored.update(found)

    def has_looked_for(self, request_id: str) -> bool:
        return request_id in self._looked_for or request_id in self._own

    def add(self, request_id: str, digest: bytes, answer: bytes) -> None:
        self._own[request_id] = digest, answer

    def find(self, request_id: str) -> tuple[bytes, bytes] | None:
        return self._own.get(request_id) or self._stored.get(request_id)

    def mark(self) -> int:
        return len(self._own)

    def undo(self, mark: int) -> None:
        for request_id in list(self._own)[mark:]:
            del self._own[request_id]

    def flush(self, connection: Connection) -> None:
        """They are kept by a statement that is executed later."""


def _digest(request: Message) -> bytes:
    return hashlib.sha256(
        request.DESCRIPTOR.full_name.encode()
        + b"\0"
        + request.SerializeToString(deterministic=True)
    ).digest()
