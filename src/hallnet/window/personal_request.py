"""What people may ask of a hall about what it keeps of them (个人信息保护法 articles 45 to 47 and 50).

To see it and have a copy, to have it corrected, to have it erased. A request has an owner and a limit; it is
refused on a ground of the law alone, with reasons and what can be done against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

from hallnet.case.calendar import Calendar
from hallnet.case.case import Case, day_of
from hallnet.case.fact import Corrected
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.person import Person, require_person
from hallnet.case.problems import NotYours, OwnerMissing
from hallnet.window.problems import (
    CopyNotMade,
    CorrectionNotMade,
    GroundNotOfLaw,
    NotANaturalPerson,
    StepNotPossible,
)
from hallnet.window.words import require_words

USUAL_LIMIT = TimeLimit(30, TimeUnit.CALENDAR_DAY, "核实身份后30日内答复（GB/T 35273—2020）")
REMEDY = (
    "对处理结果不服的，可以向履行个人信息保护职责的部门投诉、举报，也可以依法向人民法院提起诉讼"
)
"""Articles 50 and 65."""


class PersonalRight(IntEnum):
    """The numbers are those of the wire."""

    COPY = 1
    CORRECT = 2
    ERASE = 3


class PersonalRequestState(IntEnum):
    """The numbers are those of the wire."""

    OPEN = 1
    GRANTED = 2
    REFUSED = 3


class PersonalGround(IntEnum):
    """The numbers are those of the wire."""

    NOT_HELD = 1
    CONFIDENTIAL = 2
    FOUND_CORRECT = 3
    KEPT_BY_LAW = 4
    NOT_POSSIBLE = 5
    NO_CAUSE = 6


RIGHT_NAMES = {
    PersonalRight.COPY: "查阅、复制",
    PersonalRight.CORRECT: "更正、补充",
    PersonalRight.ERASE: "删除",
}
STATE_NAMES = {
    PersonalRequestState.OPEN: "办理中",
    PersonalRequestState.GRANTED: "已按请求办理",
    PersonalRequestState.REFUSED: "已答复不予办理",
}
GROUND_NAMES = {
    PersonalGround.NOT_HELD: "本厅没有保存该个人信息",
    PersonalGround.CONFIDENTIAL: "依法应当保密，或者告知将妨碍国家机关履行法定职责（第十八条、第三十五条、第四十五条）",
    PersonalGround.FOUND_CORRECT: "经核实，信息准确、完整（第四十六条）",
    PersonalGround.KEPT_BY_LAW: (
        "法律、行政法规规定的保存期限未届满，除存储和采取必要的安全保护措施外停止其他处理（第四十七条）"
    ),
    PersonalGround.NOT_POSSIBLE: (
        "删除从技术上难以实现，除存储和采取必要的安全保护措施外停止其他处理（第四十七条）"
    ),
    PersonalGround.NO_CAUSE: "不属于应当删除的情形（第四十七条）",
}
GROUNDS: Mapping[PersonalRight, frozenset[PersonalGround]] = {
    PersonalRight.COPY: frozenset({PersonalGround.NOT_HELD, PersonalGround.CONFIDENTIAL}),
    PersonalRight.CORRECT: frozenset({PersonalGround.NOT_HELD, PersonalGround.FOUND_CORRECT}),
    PersonalRight.ERASE: frozenset(
        {
            PersonalGround.NOT_HELD,
            PersonalGround.KEPT_BY_LAW,
            PersonalGround.NOT_POSSIBLE,
            PersonalGround.NO_CAUSE,
        }
    ),
}
"""What the law lets each be refused on."""


@dataclass(frozen=True, slots=True)
class PersonalRequest:
    """What is asked for about whom, who answers until when, and the answer."""

    request_no: str
    right: PersonalRight
    person: Person
    identity_shown: str
    representative: str
    authority: str
    about: str
    words: str
    owner: str
    opened_at: datetime
    limit: TimeLimit
    due_on: date
    state: PersonalRequestState = PersonalRequestState.OPEN
    ground: PersonalGround | None = None
    answer: str = ""
    remedy: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    copied_at: datetime | None = None


def opened(
    request_no: str,
    right: PersonalRight,
    person: Person,
    identity_shown: str,
    representative: str,
    authority: str,
    about: str,
    words: str,
    owner: str,
    now: datetime,
    calendar: Calendar,
    limit: TimeLimit = USUAL_LIMIT,
) -> PersonalRequest:
    """Raises OwnerMissing, what `require_person` raises, NotANaturalPerson, WordsMissing.

    Who it is was seen by a paper; who asks for another says why he or she may (articles 31 and 49).
    """
    if not owner:
        raise OwnerMissing("owner")
    require_person(person, "person")
    if person.is_organisation:
        # What is kept of an organisation is nobody's personal information (article 4).
        raise NotANaturalPerson("person.document_kind")
    require_words(identity_shown, "identity_shown", "核验的身份证件")
    if representative.strip():
        require_words(authority, "authority", "代为提出的依据")
    if right is not PersonalRight.COPY:
        require_words(about, "about", "所涉办件、预约或咨询的编号")
        require_words(words, "words", "请求的内容和理由")
    due_on = calendar.count(day_of(now), limit).due_on
    return PersonalRequest(
        request_no,
        right,
        person,
        identity_shown,
        representative,
        authority,
        about.strip(),
        words,
        owner,
        now,
        limit,
        due_on,
    )


def copied(request: PersonalRequest, by: str, now: datetime) -> PersonalRequest:
    """The copy was made; more than once if it is wanted again."""
    _require_owner(request, by)
    if request.right is not PersonalRight.COPY:
        raise StepNotPossible("request_no", state=RIGHT_NAMES[request.right], act="制作副本")
    if request.state is PersonalRequestState.REFUSED:
        raise StepNotPossible("request_no", state=STATE_NAMES[request.state], act="制作副本")
    return replace(request, copied_at=request.copied_at or now)


def granted(request: PersonalRequest, by: str, answer: str, now: datetime) -> PersonalRequest:
    """Done, and said what. Raises CopyNotMade for a copy that nobody made."""
    _require_to_answer(request, by, answer, "办理内容")
    if request.right is PersonalRight.COPY and request.copied_at is None:
        raise CopyNotMade("request_no")
    return _answered(request, PersonalRequestState.GRANTED, by, answer, now)


def refused(
    request: PersonalRequest, by: str, ground: PersonalGround, answer: str, now: datetime
) -> PersonalRequest:
    """On a ground of the law, with reasons (article 50). Raises GroundNotOfLaw."""
    _require_to_answer(request, by, answer, "不予办理的理由")
    if ground not in GROUNDS[request.right]:
        raise GroundNotOfLaw(
            "ground", ground=GROUND_NAMES[ground], right=RIGHT_NAMES[request.right]
        )
    answered = _answered(request, PersonalRequestState.REFUSED, by, answer, now)
    return replace(answered, ground=ground, remedy=REMEDY)


def require_corrected(case: Case, since: datetime) -> None:
    """What is granted was put right in the case itself, beside what stood there: no event is written over.

    Raises CorrectionNotMade.
    """
    if not any(isinstance(mark.fact, Corrected) and mark.at >= since for mark in case.marks):
        raise CorrectionNotMade("request_no", case_no=case.case_no)


def is_overdue(request: PersonalRequest, today: date) -> bool:
    """Whether it was or is answered after its end."""
    at = request.answered_at
    return (day_of(at) if at else today) > request.due_on


def _answered(
    request: PersonalRequest, state: PersonalRequestState, by: str, answer: str, now: datetime
) -> PersonalRequest:
    return replace(request, state=state, answer=answer, answered_by=by, answered_at=now)


def _require_to_answer(request: PersonalRequest, by: str, answer: str, what: str) -> None:
    if request.state is not PersonalRequestState.OPEN:
        raise StepNotPossible("request_no", state=STATE_NAMES[request.state], act="答复")
    _require_owner(request, by)
    require_words(answer, "answer", what)


def _require_owner(request: PersonalRequest, by: str) -> None:
    if by != request.owner:
        raise NotYours("by", detail="承办人是他人")
