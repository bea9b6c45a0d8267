"""What a hall does that is asked for a paper by another (政务数据共享条例 articles 14, 15, 20 to 22, 26 and 28).

Papers of people are shared under conditions (有条件共享): a person looks at each request, unless the hall's policy names
the paper as shared without. The hall says once what a request lacks, answers in ten working days, supplies in twenty more, and refuses with reasons alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from hallnet.case.calendar import Calendar
from hallnet.case.case import day_of
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.case.person import Material
from hallnet.case.policy import Policy
from hallnet.window.paper_request import (
    ANSWER_LIMIT,
    CHECK_LIMIT,
    STATE_NAMES,
    PaperAnswer,
    PaperGround,
    PaperRequest,
    PaperRequestState,
    require_state,
)
from hallnet.window.problems import (
    ExtensionImpossible,
    PaperNotFound,
    StepNotPossible,
    ToldBefore,
)
from hallnet.window.words import require_words

SUPPLY_LIMIT = TimeLimit(20, TimeUnit.WORKING_DAY, "政务数据共享条例第二十二条")
EXTENSION_DAYS_MAX = 10
UNCONDITIONAL_LIMIT = TimeLimit(1, TimeUnit.WORKING_DAY, "政务数据共享条例第二十一条（无条件共享）")
OPEN_OF_ONE_HALL_MAX = 200
"""Requests of one hall that nobody answered yet: what comes beyond is refused, so that one hall cannot take up
the people of another."""
TOO_MANY_WORDS = f"贵厅在本厅尚有{OPEN_OF_ONE_HALL_MAX}件申请未答复，请待答复后再申请"
REMEDY = "对不予提供有异议的，可以先行协商；协商不成的，可以提请政务数据共享主管部门协调，协调不成的报请本级人民政府决定"
"""Article 28."""
_TO_BE_ANSWERED = (PaperRequestState.OPEN,)
_TO_BE_SUPPLIED = (PaperRequestState.OPEN, PaperRequestState.AGREED)
_TO_BE_SUPPLIED_ANEW = (*_TO_BE_SUPPLIED, PaperRequestState.DOUBTED)


def answer_limit(policy: Policy, paper: str) -> TimeLimit:
    """Within which time a request for a paper is answered (articles 14 and 21)."""
    return UNCONDITIONAL_LIMIT if paper in policy.unconditional_papers else ANSWER_LIMIT


def received(
    said: PaperRequest,
    owner: str,
    now: datetime,
    calendar: Calendar,
    limit: TimeLimit = ANSWER_LIMIT,
) -> PaperRequest:
    """A request as it first comes. What the sender says of answer, owner and due date counts for nothing."""
    is_withdrawn = said.state is PaperRequestState.WITHDRAWN
    return replace(
        said,
        state=PaperRequestState.WITHDRAWN if is_withdrawn else PaperRequestState.OPEN,
        owner=owner,
        due_on=None if is_withdrawn else calendar.count(day_of(now), limit).due_on,
        answer=None,
        told=False,
        extended=False,
        undelivered="",
    )


def received_again(
    known: PaperRequest,
    said: PaperRequest,
    now: datetime,
    calendar: Calendar,
    limit: TimeLimit = ANSWER_LIMIT,
) -> PaperRequest:
    """A request as it stands after one more message of the hall that asks; an older one, or one of another hall,
    changes nothing."""
    if said.edition <= known.edition or said.asker != known.asker:
        return known
    is_withdrawn = said.state is PaperRequestState.WITHDRAWN
    due_on = calendar.count(day_of(now), limit).due_on
    newer = replace(known, edition=said.edition, addition=said.addition)
    if known.state is PaperRequestState.SUPPLIED and said.state is PaperRequestState.DOUBTED:
        due_on = calendar.count(day_of(now), CHECK_LIMIT).due_on
        return replace(newer, state=PaperRequestState.DOUBTED, due_on=due_on, undelivered="")
    if known.is_over:
        return newer
    if is_withdrawn:
        return replace(newer, state=PaperRequestState.WITHDRAWN, due_on=None, undelivered="")
    if known.state is PaperRequestState.INCOMPLETE:
        return replace(newer, state=PaperRequestState.OPEN, due_on=due_on, undelivered="")
    return newer


def told_lacking(request: PaperRequest, by: str, words: str, now: datetime) -> PaperRequest:
    """Article 21: what a request lacks is told once, and all of it. Raises StepNotPossible, ToldBefore, WordsMissing."""
    require_state(request, "告知补充", *_TO_BE_ANSWERED)
    if request.told:
        raise ToldBefore("step")
    require_words(words, "words", "需要补充的全部内容")
    told = replace(request, told=True)
    return _answered(told, PaperRequestState.INCOMPLETE, by, now, words=words)


def extended(
    request: PaperRequest, by: str, days: int, words: str, now: datetime, calendar: Calendar
) -> PaperRequest:
    """Article 21: with the consent of the authority for data, by ten working days at most, and told. Once.

    Raises StepNotPossible, ExtensionImpossible, WordsMissing.
    """
    require_state(request, "延长答复期限", *_TO_BE_ANSWERED)
    if request.extended or not 1 <= days <= EXTENSION_DAYS_MAX or request.due_on is None:
        raise ExtensionImpossible("days", days=EXTENSION_DAYS_MAX)
    require_words(words, "words", "延长的理由和同意延长的主管部门")
    longer = TimeLimit(days, TimeUnit.WORKING_DAY)
    due_on = calendar.count(request.due_on, longer).due_on
    later = replace(request, extended=True)
    return _answered(later, PaperRequestState.OPEN, by, now, words=words, due_on=due_on)


def agreed(
    request: PaperRequest, by: str, words: str, now: datetime, calendar: Calendar
) -> PaperRequest:
    """It will be supplied within twenty working days (article 22). Raises StepNotPossible."""
    require_state(request, "同意", *_TO_BE_ANSWERED)
    due_on = calendar.count(day_of(now), SUPPLY_LIMIT).due_on
    return _answered(request, PaperRequestState.AGREED, by, now, words=words, due_on=due_on)


def require_to_be_supplied(request: PaperRequest) -> None:
    """Nobody looks for the papers of a person once a request is over. Raises StepNotPossible."""
    require_state(request, "查询可以提供的材料", *_TO_BE_SUPPLIED_ANEW)


def found_in(request: PaperRequest, found: Sequence[Material], case_no: str) -> Material:
    """The paper of the applicant in the case that was chosen. Raises PaperNotFound."""
    for material in found:
        if (material.name, material.taken_from) == (request.paper, case_no):
            return material
    raise PaperNotFound("from_case", paper=request.paper, case_no=case_no[:64])


def supplied(
    request: PaperRequest, by: str, material: Material, source: str, words: str, now: datetime
) -> PaperRequest:
    """Here it is, or the right one, and where it is from. Raises StepNotPossible, WordsMissing."""
    require_state(request, "提供材料", *_TO_BE_SUPPLIED_ANEW)
    require_words(source, "source", "材料的来源（档案名称和编号）")
    named = replace(material, name=request.paper, taken_from="", supplied_by=None)
    return _answered(
        request,
        PaperRequestState.SUPPLIED,
        by,
        now,
        words=words,
        material=named,
        source=source.strip(),
    )


def confirmed(request: PaperRequest, by: str, words: str, now: datetime) -> PaperRequest:
    """Article 26: it was looked into and is right, with reasons. Raises StepNotPossible, WordsMissing."""
    require_state(request, "答复校核", PaperRequestState.DOUBTED)
    require_words(words, "words", "校核的结果和依据")
    before = request.answer
    assert before is not None, "only what was supplied is doubted"
    return _answered(
        request,
        PaperRequestState.SUPPLIED,
        by,
        now,
        words=words,
        material=before.material,
        source=before.source,
    )


def refused(
    request: PaperRequest, by: str, ground: PaperGround, words: str, now: datetime
) -> PaperRequest:
    """Article 21: with reasons; article 28 says what can be done against it. Raises StepNotPossible, WordsMissing."""
    require_state(request, "不予提供", *_TO_BE_SUPPLIED)
    require_words(words, "words", "不予提供的依据和理由")
    return _answered(
        request, PaperRequestState.REFUSED, by, now, words=words, ground=ground, remedy=REMEDY
    )


def answer_not_arrived(request: PaperRequest, step: int, reason: str, today: date) -> PaperRequest:
    """The newest answer did not reach the hall that asks: a person has to see to it, from today."""
    if not step or request.answer_step != step:
        return request
    return replace(request, undelivered=reason, due_on=today)


def answered_again(request: PaperRequest) -> PaperRequest:
    """What did not arrive is sent once more, as it was said. Raises StepNotPossible."""
    if not request.undelivered or request.answer is None:
        raise StepNotPossible("request_no", state=STATE_NAMES[request.state], act="重新发送")
    return replace(request, undelivered="", due_on=request.answer.due_on)


def _answered(
    request: PaperRequest,
    state: PaperRequestState,
    by: str,
    now: datetime,
    words: str = "",
    due_on: date | None = None,
    ground: PaperGround | None = None,
    remedy: str = "",
    material: Material | None = None,
    source: str = "",
) -> PaperRequest:
    step = max(request.answer_step + 1, int(now.timestamp() * 1_000_000))
    answer = PaperAnswer(
        request.request_no,
        step,
        state,
        by,
        now,
        words.strip(),
        ground,
        remedy,
        due_on,
        material,
        source,
    )
    return replace(request, state=state, answer=answer, due_on=due_on, undelivered="")
