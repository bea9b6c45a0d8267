"""The copy of what a hall keeps about a person (个人信息保护法 article 45), for the person to read.

Programs read the same as a message. Of staff and of other people it says nothing but what they did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from hallnet.case.case import CHINA
from hallnet.case.person import DOCUMENT_KINDS, Person
from hallnet.places import Address

ACT_NAMES = {
    "GetCase": "查看办件",
    "ReadMaterial": "查看材料",
    "GetProgress": "凭查询码查询进度",
    "GetFees": "查看收费",
    "MakePersonalCopy": "制作个人信息副本",
    "AskForPaper": "向其他大厅申请调取材料",
    "FindPapers": "查询可以提供给其他大厅的材料",
    "SupplyPaper": "向其他大厅提供材料",
}
"""What was done at a look; what is not here was an act upon the case that was refused."""
_OTHER_ACT = "办理"
_NOTHING = "无"
_MINUTE = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class CopiedMaterial:
    """A paper of a case; `size` in bytes, `taken_from` the number of an earlier case that it was handed in for, or of the
    request by which the hall `supplied_by` gave it."""

    name: str
    size: int
    submitted_at: datetime
    taken_from: str = ""
    supplied_by: str = ""


@dataclass(frozen=True, slots=True)
class CopiedCorrection:
    """Something that was put right; what stood there stays in the record."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CopiedLook:
    """A look at a case, or one that was refused."""

    at: datetime
    act: str
    purpose: str
    refused: bool


@dataclass(frozen=True, slots=True)
class CopiedCase:
    """What is kept of one case."""

    case_no: str
    item_name: str
    stage: str
    applicant: Person
    steps: tuple[str, ...]
    materials: tuple[CopiedMaterial, ...]
    halls: tuple[str, ...]
    corrections: tuple[CopiedCorrection, ...]
    around: tuple[str, ...]
    looks: tuple[CopiedLook, ...]


@dataclass(frozen=True, slots=True)
class CopiedMandate:
    """A permission for an agent."""

    mandate_id: str
    agent_id: str
    valid_until: date


@dataclass(frozen=True, slots=True)
class PersonalCopy:
    """All that a hall keeps of a person, so far as a copy holds it."""

    hall: Address
    made_at: datetime
    person: Person
    cases: tuple[CopiedCase, ...]
    mandates: tuple[CopiedMandate, ...]
    is_cut: bool


def look_name(act: str) -> str:
    """What was done at a look, in words."""
    return ACT_NAMES.get(act, _OTHER_ACT)


def as_text(copy: PersonalCopy, hall_name: str) -> str:
    """Plain text in Chinese, one matter a line, as it is printed and handed over."""
    return "\n".join(_lines(copy, hall_name)) + "\n"


def _lines(copy: PersonalCopy, hall_name: str) -> Iterator[str]:
    yield "个人信息副本（个人信息保护法第四十五条）"
    yield f"{hall_name}（{copy.hall}） {_at(copy.made_at)}"
    yield f"本人：{copy.person.name}，{_document(copy.person)}"
    yield f"本厅保存的办件{len(copy.cases)}件，委托书{len(copy.mandates)}份。"
    if copy.is_cut:
        yield "内容较多，本副本只列出最近的，其余请凭办件编号到窗口查阅。"
    for case in copy.cases:
        yield ""
        yield from _case_lines(case)
    for mandate in copy.mandates:
        yield ""
        yield f"委托书{mandate.mandate_id}：受托人{mandate.agent_id}，有效期至{mandate.valid_until}"
    yield ""
    yield "认为信息不准确、不完整的，可以请求更正、补充；属于应当删除情形的，可以请求删除（第四十六条、第四十七条）。"


def _case_lines(case: CopiedCase) -> Iterator[str]:
    applicant = case.applicant
    yield f"办件{case.case_no}：{case.item_name}（{case.stage}）"
    yield f"  申请人：{applicant.name}，{_document(applicant)}"
    yield f"  电话：{applicant.phone or _NOTHING}；住址：{applicant.address or _NOTHING}"
    if applicant.representative or applicant.contact:
        yield f"  代表人：{applicant.representative or _NOTHING}；联系人：{applicant.contact or _NOTHING}"
    yield f"  保存该办件的大厅：{'、'.join(case.halls)}"
    yield from _part("经过", case.steps)
    yield from _part("材料", [_material(one) for one in case.materials])
    yield from _part(
        "更正", [f"{one.field}：由“{one.before}”改为“{one.after}”" for one in case.corrections]
    )
    yield from _part("评价、投诉和收费", case.around)
    yield from _part("查看记录", [_look(one) for one in case.looks])


def _part(title: str, lines: tuple[str, ...] | list[str]) -> Iterator[str]:
    if lines:
        yield f"  {title}："
        yield from (f"    {line}" for line in lines)


def _material(one: CopiedMaterial) -> str:
    origin = f"，沿用办件{one.taken_from}的材料" if one.taken_from else ""
    if one.supplied_by:
        origin = f"，由{one.supplied_by}提供（调取申请{one.taken_from}）"
    return f"{one.name}，{one.size}字节，{_at(one.submitted_at)}{origin}"


def _look(one: CopiedLook) -> str:
    purpose = f"，目的：{one.purpose}" if one.purpose else ""
    return f"{_at(one.at)} {one.act}{'（被拒绝）' if one.refused else ''}{purpose}"


def _document(person: Person) -> str:
    return f"{DOCUMENT_KINDS.get(person.document_kind, '证件')}{person.document_number}"


def _at(moment: datetime) -> str:
    return moment.astimezone(CHINA).strftime(_MINUTE)
