"""Papers that another hall has: what a hall asks of another for a case, so that nobody carries them
(政务数据共享条例 articles 19 to 22, 25 and 26).

A request is kept by both halls. Each says its part in messages that count: the hall that asks its editions, the
hall that is asked the steps of its answer. The newest of each holds, whichever comes first or twice.
What the hall that is asked may do stands in `paper_answering`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum

from hallnet.case.calendar import Calendar
from hallnet.case.case import Case, day_of
from hallnet.case.item import ItemVersion, TimeLimit, TimeUnit
from hallnet.case.person import Material, Person
from hallnet.case.problems import CaseInTransit, NotTheCustodian
from hallnet.case.reuse import may_be_taken_again
from hallnet.case.stage import NAMES
from hallnet.places import Address
from hallnet.window.problems import (
    AskedBefore,
    PaperNotToBeAsked,
    StepNotPossible,
    TermImpossible,
)
from hallnet.window.words import require_words

ANSWER_LIMIT = TimeLimit(10, TimeUnit.WORKING_DAY, "政务数据共享条例第二十一条（有条件共享）")
PAPERS_OF_A_CASE_MAX = 50
CHECK_LIMIT = TimeLimit(10, TimeUnit.WORKING_DAY, "政务数据共享条例第二十六条")
USED_DAYS_MAX = 365
"""A term of use is named (article 20); what is needed for longer is asked for anew."""


class PaperRequestState(IntEnum):
    """The numbers are those of the wire."""

    OPEN = 1
    INCOMPLETE = 2
    AGREED = 3
    SUPPLIED = 4
    REFUSED = 5
    WITHDRAWN = 6
    UNDELIVERED = 7
    DOUBTED = 8


class PaperGround(IntEnum):
    """The numbers are those of the wire."""

    NOT_HELD = 1
    NOT_SHARED_BY_LAW = 2
    CONDITIONS_NOT_MET = 3
    TOO_MANY = 4


STATE_NAMES = {
    PaperRequestState.OPEN: "待答复",
    PaperRequestState.INCOMPLETE: "待补充申请",
    PaperRequestState.AGREED: "已同意，待提供",
    PaperRequestState.SUPPLIED: "已提供",
    PaperRequestState.REFUSED: "不予提供",
    PaperRequestState.WITHDRAWN: "已撤回",
    PaperRequestState.UNDELIVERED: "未送达",
    PaperRequestState.DOUBTED: "已提供，待校核",
}
GROUND_NAMES = {
    PaperGround.NOT_HELD: "本厅没有该材料",
    PaperGround.NOT_SHARED_BY_LAW: "法律、行政法规或者国务院决定规定不予共享（第十五条）",
    PaperGround.CONDITIONS_NOT_MET: "申请不符合该材料的共享条件（第十四条、第二十条）",
    PaperGround.TOO_MANY: "申请方在本厅尚未答复的申请过多",
}
_ENDED = frozenset(
    {PaperRequestState.SUPPLIED, PaperRequestState.REFUSED, PaperRequestState.WITHDRAWN}
)


@dataclass(frozen=True, slots=True)
class PaperAnswer:
    """What the hall that was asked said last. `step` grows with each answer: microseconds since 1970."""

    request_no: str
    step: int
    state: PaperRequestState
    answered_by: str
    answered_at: datetime
    words: str = ""
    ground: PaperGround | None = None
    remedy: str = ""
    due_on: date | None = None
    material: Material | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class PaperRequest:
    """Who asks whom for which paper of whom, on what basis, for what and how long; and how far it is.

    `edition` counts from 1; `due_on` is the day until which something is to be done next.
    """

    request_no: str
    asker: Address
    asked: Address
    case_id: str
    case_no: str
    item_name: str
    applicant: Person
    paper: str
    basis: str
    purpose: str
    used_until: date
    asked_by: str
    asked_at: datetime
    edition: int
    state: PaperRequestState
    owner: str
    due_on: date | None
    addition: str = ""
    answer: PaperAnswer | None = None
    told: bool = False
    extended: bool = False
    undelivered: str = ""

    @property
    def answer_step(self) -> int:
        """Of the newest answer; 0 while there is none."""
        return self.answer.step if self.answer is not None else 0

    @property
    def is_over(self) -> bool:
        """Whether nobody has to do anything about it any more."""
        return self.state in _ENDED and not self.undelivered


def asked(
    request_no: str,
    case: Case,
    item: ItemVersion,
    here: Address,
    hall: Address,
    paper: str,
    basis: str,
    purpose: str,
    used_until: date,
    owner: str,
    asked_by: str,
    now: datetime,
    calendar: Calendar,
) -> PaperRequest:
    """Article 20: basis, use, extent and term are named; no more of the applicant is told than whose paper it is.

    Raises PaperNotToBeAsked, NotTheCustodian, CaseInTransit, WordsMissing, TermImpossible.
    """
    _require_in_hand(case, here)
    _require_wanted(case, item, paper)
    if hall == here:
        raise PaperNotToBeAsked("hall", paper=paper, detail="不能向本厅申请")
    require_words(basis, "basis", "使用依据")
    require_words(purpose, "purpose", "使用用途")
    if not day_of(now) <= used_until <= day_of(now) + timedelta(days=USED_DAYS_MAX):
        raise TermImpossible("used_until", days=USED_DAYS_MAX)
    return PaperRequest(
        request_no,
        here,
        hall,
        case.case_id,
        case.case_no,
        item.name,
        _whose(case.filed.applicant),
        paper,
        basis.strip(),
        purpose.strip(),
        used_until,
        asked_by,
        now,
        edition=1,
        state=PaperRequestState.OPEN,
        owner=owner,
        due_on=calendar.count(day_of(now), ANSWER_LIMIT).due_on,
    )


def require_not_asked_before(request: PaperRequest, hall: Address, paper: str) -> None:
    """One hall is asked for one paper of a case once, unless it went wrong. Raises AskedBefore."""
    is_same = (request.asked, request.paper) == (hall, paper)
    if is_same and request.state in (
        PaperRequestState.OPEN,
        PaperRequestState.INCOMPLETE,
        PaperRequestState.AGREED,
        PaperRequestState.SUPPLIED,
        PaperRequestState.DOUBTED,
    ):
        raise AskedBefore("paper", paper=paper, state=STATE_NAMES[request.state])


def completed(request: PaperRequest, words: str, now: datetime, calendar: Calendar) -> PaperRequest:
    """What was lacking is added; the time for the answer begins anew. Raises StepNotPossible, WordsMissing."""
    require_state(request, "补充申请", PaperRequestState.INCOMPLETE)
    require_words(words, "words", "补充的内容")
    return _said(
        replace(request, addition=words.strip(), state=PaperRequestState.OPEN),
        calendar.count(day_of(now), ANSWER_LIMIT).due_on,
    )


def doubted(request: PaperRequest, words: str, now: datetime, calendar: Calendar) -> PaperRequest:
    """Article 26: what came is found wrong; the hall that supplied it looks into it in ten working days, and until then
    it is not used. Raises StepNotPossible, WordsMissing."""
    require_state(request, "申请校核", PaperRequestState.SUPPLIED)
    require_words(words, "words", "错误之处和依据")
    return _said(
        replace(request, addition=words.strip(), state=PaperRequestState.DOUBTED),
        calendar.count(day_of(now), CHECK_LIMIT).due_on,
    )


def withdrawn(request: PaperRequest) -> PaperRequest:
    """It is needed no more: the applicant brought it, or the case is over. Raises StepNotPossible."""
    require_state(
        request,
        "撤回",
        PaperRequestState.OPEN,
        PaperRequestState.INCOMPLETE,
        PaperRequestState.AGREED,
        PaperRequestState.UNDELIVERED,
    )
    return _said(replace(request, state=PaperRequestState.WITHDRAWN), None)


def asked_again(request: PaperRequest, now: datetime, calendar: Calendar) -> PaperRequest:
    """What did not arrive is sent once more. Raises StepNotPossible."""
    require_state(request, "重新发送", PaperRequestState.UNDELIVERED)
    was_supplied = request.answer is not None and request.answer.material is not None
    state = PaperRequestState.DOUBTED if was_supplied else PaperRequestState.OPEN
    limit = CHECK_LIMIT if was_supplied else ANSWER_LIMIT
    return _said(replace(request, state=state), calendar.count(day_of(now), limit).due_on)


def not_arrived(request: PaperRequest, reason: str, today: date) -> PaperRequest:
    """It did not reach the hall that is asked: a person here has to see to it, from today."""
    waits = request.answer is None or request.state is PaperRequestState.DOUBTED
    if request.is_over or not waits:
        return request
    return replace(request, state=PaperRequestState.UNDELIVERED, undelivered=reason, due_on=today)


def learned(request: PaperRequest, answer: PaperAnswer) -> PaperRequest:
    """A request as it stands after one more answer; an older one changes nothing.

    What was withdrawn stays so, with the answer beside it; a paper that was supplied stays, whatever a hall says that
    forgot it. It counts as handed in when it was supplied.
    """
    if answer.step <= request.answer_step or request.state is PaperRequestState.SUPPLIED:
        return request
    material = answer.material
    if material is not None:
        material = replace(
            material,
            name=request.paper,
            submitted_at=answer.answered_at,
            taken_from=request.request_no,
            supplied_by=request.asked,
        )
    known = replace(request, answer=replace(answer, material=material))
    if request.state is PaperRequestState.WITHDRAWN:
        return known
    return replace(known, state=answer.state, due_on=answer.due_on, undelivered="")


def usable_paper(request: PaperRequest, case: Case, today: date) -> Material | None:
    """The paper that was supplied for a case: for that case and its term alone (article 25)."""
    is_for = request.state is PaperRequestState.SUPPLIED and request.case_id == case.case_id
    if not is_for or request.answer is None or today > request.used_until:
        return None
    return request.answer.material


def _require_in_hand(case: Case, here: Address) -> None:
    if case.transit is not None:
        raise CaseInTransit("case_id", to=case.transit.to)
    if case.custodian != here:
        raise NotTheCustodian("case_id", custodian=case.custodian)


def _require_wanted(case: Case, item: ItemVersion, paper: str) -> None:
    """What the item asks for, is the same in every matter, and the case has not; while the case is open."""
    needed = item.material(paper)
    if case.ended:
        detail = f"办件当前为“{NAMES[case.stage]}”"
    elif needed is None:
        detail = "本事项不需要该材料"
    elif not may_be_taken_again(needed):
        detail = "该材料由申请人为本次申请填写或声明"
    elif paper in {material.name for material in case.materials}:
        detail = "本件已有该材料"
    else:
        return
    raise PaperNotToBeAsked("paper", paper=paper, detail=detail)


def _whose(applicant: Person) -> Person:
    """As much as is needed to find the paper."""
    return Person(applicant.name, applicant.document_kind, applicant.document_number, "", "")


def _said(request: PaperRequest, due_on: date | None) -> PaperRequest:
    """One more thing that the other hall is told."""
    return replace(request, edition=request.edition + 1, due_on=due_on, undelivered="")


def require_state(request: PaperRequest, act: str, *states: PaperRequestState) -> None:
    """Raises StepNotPossible if a request is in none of these."""
    if request.state not in states:
        raise StepNotPossible("request_no", state=STATE_NAMES[request.state], act=act)
