"""Receiving: pre-review, notice, supplement, the ways to accept, and to decline (行政许可法 articles 29 to 33)."""

from __future__ import annotations

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import REMEDY, Context, require_possible, require_text
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    Declined,
    DeclineGround,
    Defect,
    Fact,
    Filed,
    NoticeGiven,
    PrereviewReturned,
    Supplemented,
)
from hallnet.case.fact import (
    Ended,
    EndManner,
    PrereviewPassed,
    ViolationRecorded,
    ViolationRule,
)
from hallnet.case.item import ItemVersion, TimeLimit, TimeUnit
from hallnet.case.item_terms import ServedParty
from hallnet.case.mandate import MandateAct
from hallnet.case.person import Material, Person
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActNotPossible,
    ApplicantNotServed,
    DefectsIncomplete,
    DefectsMissing,
    MaterialsMissing,
    MaterialUnknown,
    NotCompetent,
    NothingSupplemented,
    RightBodyMissing,
)
from hallnet.case.rules.deceit import IN_APPLYING, deceit_found
from hallnet.case.rules.problems import (
    CreditNotRepaired,
    GapsNotPromised,
    GapsUnknown,
    NothingNeeded,
    PromiseUnsigned,
)
from hallnet.case.stage import NAMES, Stage

RETURNED_TO_FILE_ANEW = "材料不齐全或者不符合法定形式，请补齐后重新申请"
GAPS_LIMIT = TimeLimit(20, TimeUnit.WORKING_DAY)
"""For an item without a promise: as long as the law gives the hall (article 42)."""


def pass_prereview(case: Case, command: commands.PassPrereview, context: Context) -> list[Fact]:
    """Online filing is filing (article 33): what is complete was received when it had arrived."""
    context.require(Power.VERIFY)
    require_possible(case, PrereviewPassed, "通过预审")
    _require_complete(case, context)
    arrived = [mark.day for mark in case.marks if isinstance(mark.fact, Filed | Supplemented)]
    return [PrereviewPassed(arrived[-1])]


def return_prereview(case: Case, command: commands.ReturnPrereview, context: Context) -> list[Fact]:
    context.require(Power.VERIFY)
    require_possible(case, PrereviewReturned, "退回预审")
    _require_all_named(case, command.defects, context)
    return [PrereviewReturned(command.defects)]


def give_notice(case: Case, command: commands.GiveNotice, context: Context) -> list[Fact]:
    """Article 32(4): on the spot or within five days, once, all of it.

    What was not told the first time, of a material that has not changed since, is told all the same,
    and recorded as a violation.
    """
    context.require(Power.VERIFY)
    require_possible(case, NoticeGiven, "出具一次性告知书")
    _require_something_needed(case, context)
    _require_all_named(case, command.defects, context)
    if context.item.filed_anew_when_incomplete:
        return [_given_back(command.defects, context)]
    facts: list[Fact] = [NoticeGiven(context.document_no, command.defects)]
    for name in _told_too_late(case, command.defects):
        explanation = f"“{name}”自首次告知后没有变化，再次告知时提出了新的问题"
        facts.append(ViolationRecorded(ViolationRule.SECOND_NOTICE, name, explanation))
    return facts


def _given_back(defects: tuple[Defect, ...], context: Context) -> Ended:
    """There is no supplement round: what is incomplete is given back with all that is missing, told once,
    and filed anew (市场主体登记管理条例实施细则 article 18)."""
    listed = "；".join(
        f"{number}. {defect.material}：{defect.problem}，{defect.remedy}"
        for number, defect in enumerate(defects, 1)
    )
    reasons = f"{RETURNED_TO_FILE_ANEW}：{listed}"
    return Ended(context.document_no, EndManner.RETURNED, reasons, "", REMEDY)


def supplement(case: Case, command: commands.Supplement, context: Context) -> list[Fact]:
    """What a notice asked for, what was promised, or a slip put right on the spot (article 32(3))."""
    context.require_applicant_side(case, Power.VERIFY, MandateAct.SUBMIT)
    require_possible(case, Supplemented, "补正")
    if not command.materials:
        raise NothingSupplemented("materials")
    require_known(command.materials, context.item)
    if case.stage in (Stage.ACCEPTED, Stage.REVIEWED):
        _require_promised(case, command.materials, context.item)
    return [Supplemented(command.materials)]


def accept(case: Case, command: commands.Accept, context: Context) -> list[Fact]:
    """Article 32(5): what is complete has to be accepted, with a dated paper."""
    context.require(Power.RECEIVE)
    require_possible(case, Accepted, "受理")
    _require_may_accept(case, context)
    _require_complete(case, context)
    gaps = tuple(case.missing_tolerable(context.item))
    if gaps:
        require_good_credit(context)
    if gaps and context.policy.gaps_need_promise:
        raise GapsNotPromised("materials", materials="、".join(gaps))
    if gaps:
        return [_accepted_with_gaps(gaps, None, context)]
    promised = case.commitment is not None
    basis = AcceptanceBasis.COMMITMENT if promised else AcceptanceBasis.EXAMINED
    return [Accepted(context.document_no, basis, context.today)]


def accept_with_gaps(case: Case, command: commands.AcceptWithGaps, context: Context) -> list[Fact]:
    """容缺受理 on the applicant's signed promise."""
    context.require(Power.RECEIVE)
    require_possible(case, Accepted, "容缺受理")
    _require_may_accept(case, context)
    gaps = tuple(case.missing_tolerable(context.item))
    if not gaps:
        raise GapsUnknown("materials")
    require_good_credit(context)
    _require_complete(case, context)
    if not command.promise.size:
        raise PromiseUnsigned("promise")
    return [_accepted_with_gaps(gaps, command.promise, context)]


def _accepted_with_gaps(
    gaps: tuple[str, ...], promise: Material | None, context: Context
) -> Accepted:
    """The main materials are there, and the item lists what may come later: which, until when, and
    what happens otherwise is told at once.

    Sources: 浙江省保障“最多跑一次”改革规定 article 4, 安阳市政务服务条例 article 24.
    """
    return Accepted(
        context.document_no,
        AcceptanceBasis.TOLERANT,
        context.today,
        gaps,
        context.policy.gaps_limit or context.item.promised_limit or GAPS_LIMIT,
        context.policy.when_gaps_stay,
        promise,
    )


def decline(case: Case, command: commands.Decline, context: Context) -> list[Fact]:
    """Article 32(1) and (2): at once, with reasons, and with the right body if there is one. Article 78: also who
    hid facts or gave false papers."""
    context.require(Power.GATEKEEP)
    require_possible(case, Declined, "不予受理")
    require_text(command.explanation, "explanation")
    if command.ground is DeclineGround.WRONG_BODY and not command.right_body.strip():
        raise RightBodyMissing("right_body")
    facts: list[Fact] = [
        Declined(context.document_no, command.ground, command.explanation, command.right_body)
    ]
    if command.ground is DeclineGround.DECEIT:
        facts.append(deceit_found(IN_APPLYING, context))
    return facts


def require_served(applicant: Person, item: ItemVersion) -> None:
    """Raises ApplicantNotServed for an organisation where the item says that it serves persons alone. A person
    may apply for what serves organisations: whoever founds one does."""
    if applicant.is_organisation and set(item.served) == {ServedParty.PERSON}:
        raise ApplicantNotServed("applicant.document_kind", item=item.name)


def require_known(materials: tuple[Material, ...], item: ItemVersion) -> None:
    """Raises MaterialUnknown for what the item does not ask for."""
    for material in materials:
        if item.material(material.name) is None:
            raise MaterialUnknown("materials", item=item.name, material=material.name)


def _require_promised(case: Case, materials: tuple[Material, ...], item: ItemVersion) -> None:
    """After acceptance only what was promised is still to come from the applicant; what another hall supplies comes when
    it comes."""
    of_applicant = [material for material in materials if not material.supplied_by]
    if of_applicant and not case.gaps:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="补正（没有待补的材料）")
    for material in of_applicant:
        if material.name not in case.gaps:
            raise MaterialUnknown("materials", item=item.name, material=material.name)


def _require_complete(case: Case, context: Context) -> None:
    missing = case.missing_materials(context.item)
    if missing:
        raise MaterialsMissing("materials", materials="、".join(missing))


def _require_all_named(case: Case, defects: tuple[Defect, ...], context: Context) -> None:
    if not defects:
        raise DefectsMissing("defects")
    named = {defect.material for defect in defects}
    left_out = [name for name in case.missing_materials(context.item) if name not in named]
    if left_out:
        raise DefectsIncomplete("defects", materials="、".join(left_out))


def require_good_credit(context: Context) -> None:
    """Who broke a promise has none taken in the place of papers until the credit is repaired.

    浙江省保障“最多跑一次”改革规定 article 14, 安阳市政务服务条例 article 29. Raises CreditNotRepaired.
    """
    if context.credit_broken_since is not None:
        raise CreditNotRepaired("case_id", since=context.credit_broken_since)


def needs_nothing(case: Case, item: ItemVersion) -> bool:
    """Whether the variant that was chosen needs no application at all (article 32(1))."""
    option = item.option(case.filed.option)
    return option is not None and option.needs_nothing


def _require_something_needed(case: Case, context: Context) -> None:
    """Raises NothingNeeded."""
    if needs_nothing(case, context.item):
        item = context.item
        raise NothingNeeded("option", item=item.name, option=case.filed.option)


def _require_may_accept(case: Case, context: Context) -> None:
    """The competent hall accepts; for items that are reported up, the hall that received does."""
    _require_something_needed(case, context)
    competent = case.competent_hall
    if competent != context.here and not context.reports_up(case):
        raise NotCompetent("case_id", competent=competent)


def _told_too_late(case: Case, defects: tuple[Defect, ...]) -> list[str]:
    """Materials that are as they were at the first notice, and of which now something new is said."""
    first = next((mark for mark in case.marks if isinstance(mark.fact, NoticeGiven)), None)
    if first is None:
        return []
    changed = {
        material.name
        for mark in case.marks_after(first, Supplemented)
        if isinstance(mark.fact, Supplemented)
        for material in mark.fact.materials
    }
    told = {
        (defect.material, defect.problem)
        for notice in case.all_of(NoticeGiven)
        for defect in notice.defects
    }
    late = [
        defect.material
        for defect in defects
        if defect.material not in changed and (defect.material, defect.problem) not in told
    ]
    return list(dict.fromkeys(late))
