"""Enquiries, ratings and complaints as tables to take home: what the lists show, names of people masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from hallnet.case.case import CHINA
from hallnet.case.person import masked
from hallnet.codec.moments import from_timestamp
from hallnet.window import complaint as complaints
from hallnet.window import rating as ratings
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

_ENQUIRY_STATES = {
    wire_window.ENQUIRY_STATE_OPEN: "待答复",
    wire_window.ENQUIRY_STATE_ANSWERED: "已答复",
}
_TICKETS = {
    wire_window.COMPLAINT_KIND_ENQUIRY: "咨询",
    wire_window.COMPLAINT_KIND_REQUEST: "求助、建议",
    wire_window.COMPLAINT_KIND_COMPLAINT: "投诉、举报",
}


@dataclass(frozen=True, slots=True)
class RecordTable:
    """The columns of a kind of records, and how one of them fills a row."""

    name: str
    columns: tuple[str, ...]
    row: Callable[[Any], tuple[str, ...]]

    def rows(self, found: Iterable[wire.WindowRecord]) -> Iterator[tuple[str, ...]]:
        for one in found:
            yield self.row(getattr(one, one.WhichOneof("record") or ""))


def _enquiry(one: wire_window.Enquiry) -> tuple[str, ...]:
    return (
        one.enquiry_id,
        one.question,
        masked(one.asked_by) if one.asked_by else "",
        one.owner,
        _at(one, "opened_at"),
        one.due_on,
        _ENQUIRY_STATES[one.state],
        one.answer,
        _at(one, "answered_at"),
    )


def _rating(one: wire_window.Rating) -> tuple[str, ...]:
    return (
        one.rating_id,
        one.item_id,
        one.handler,
        ratings.LEVEL_NAMES[ratings.Satisfaction(one.level)],
        one.words,
        "默认" if one.by_default else "实名" if one.named else "匿名",
        _at(one, "rated_at"),
        ratings.STATE_NAMES[ratings.RatingState(one.state)],
        one.due_on,
        one.repair,
    )


def _complaint(one: wire_window.Complaint) -> tuple[str, ...]:
    return (
        one.complaint_id,
        _TICKETS[one.kind],
        one.words,
        one.against,
        one.owner,
        one.subject,
        _at(one, "opened_at"),
        one.due_on,
        complaints.STATE_NAMES[complaints.ComplaintState(one.state)],
        one.answer or one.sent_back_to,
        _at(one, "answered_at"),
    )


TABLES: Mapping[int, RecordTable] = {
    wire.RECORD_KIND_ENQUIRY: RecordTable(
        "咨询",
        ("编号", "咨询内容", "咨询人", "负责人", "登记时间", "期限", "状态", "答复", "答复时间"),
        _enquiry,
    ),
    wire.RECORD_KIND_RATING: RecordTable(
        "评价",
        ("对象", "事项", "被评价人", "评价", "意见", "方式", "时间", "状态", "期限", "整改"),
        _rating,
    ),
    wire.RECORD_KIND_COMPLAINT: RecordTable(
        "投诉与工单",
        (
            "编号",
            "类别",
            "内容",
            "被投诉人",
            "承办人",
            "涉及",
            "登记时间",
            "期限",
            "状态",
            "答复",
            "答复时间",
        ),
        _complaint,
    ),
}
"""By the kinds of the wire; the others are no lists to take home."""


def _at(one: Any, name: str) -> str:
    """A moment in China, to the minute; empty if it has not come."""
    if not one.HasField(name):
        return ""
    moment: Timestamp = getattr(one, name)
    return from_timestamp(moment).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
