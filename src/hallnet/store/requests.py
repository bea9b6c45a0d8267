"""Answered requests: the same request again has no second effect and gets the first answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Column, MetaData, String, Table, insert, select

from hallnet.problems import Kind, Problem
from hallnet.store.columns import Bytes, Closed, Moment
from hallnet.store.database import Connection

Answer = TypeVar("Answer", bound=Message)

REQUEST_ID_LENGTH = (8, 64)


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
        """Do `act` once for the id, in this transaction; give the first answer ever after.

        Raises RequestIdMissing or RequestIdReused.
        """
        known = self.answer(connection, request_id, request, answer_type)
        if known is not None:
            return known
        answer = act()
        connection.execute(
            insert(self._request).values(
                request_id=request_id,
                digest=_digest(request),
                answer=answer.SerializeToString(),
                answered_at=now,
            )
        )
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
        known: Any = connection.execute(
            select(self._request.c.digest, self._request.c.answer).where(
                self._request.c.request_id == request_id
            )
        ).one_or_none()
        if known is None:
            return None
        if known.digest != _digest(request):
            raise RequestIdReused("request_id")
        return answer_type.FromString(known.answer)


def _digest(request: Message) -> bytes:
    return hashlib.sha256(
        request.DESCRIPTOR.full_name.encode()
        + b"\0"
        + request.SerializeToString(deterministic=True)
    ).digest()
