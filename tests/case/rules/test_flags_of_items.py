"""Items that are only filed, that are filed anew, and variants that need nothing: what it does to a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.case.builders import (
    ACCEPTED,
    CLOSED,
    COUNTY,
    ITEM,
    START,
    TOWNSHIP,
    History,
    at,
    calendar,
    case_with,
    context,
    event_for,
    extended,
    filed,
    material,
)

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.clock import ClockKind, clocks
from hallnet.case.decide import decide
from hallnet.case.event import (
    Closed,
    Declined,
    DeclineGround,
    Defect,
    DeliveryMethod,
    Fact,
    NoticeGiven,
    Outcome,
)
from hallnet.case.fact import Ended, EndManner, LegOutcome, ViolationRecorded, ViolationRule
from hallnet.case.item import ItemVersion
from hallnet.case.possible import possible_acts
from hallnet.case.problems import ActNotPossible, DefectsIncomplete, NotCompetent
from hallnet.case.rules.joint import outcome_of_leg
from hallnet.case.rules.problems import NothingNeeded, NothingToDecide
from hallnet.case.rules.time import watch_on, what_time_brings
from hallnet.case.stage import Stage

ITEMS = {found.item_id: found for found in supplied_catalogue().items}
FILING, COMPANY = ITEMS["investment-filing"], ITEMS["company-registration"]
FOOD, LOGGING = ITEMS["food-business-licence"], ITEMS["logging-permit"]
CLOSE = commands.Close(DeliveryMethod.ELECTRONIC, "章三")


def case_of(item: ItemVersion, *facts: Fact, left_out: int = 0, **opening: Any) -> Case:
    """An application for an item, complete but for the last few papers."""
    papers = [needed.name for needed in item.materials if needed.asked_of_applicant]
    kept = papers[: len(papers) - left_out]
    made = filed(item_id=item.item_id, materials=tuple(map(material, kept)), **opening)
    return History(made).extend(facts).case


# 备案


@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_only_filed_is_neither_granted_nor_refused(outcome: Outcome) -> None:
    """企业投资项目核准和备案管理条例 articles 13 and 15."""
    for case in (case_of(FILING), case_of(FILING, ACCEPTED)):
        assert "Decide" not in possible_acts(case, FILING, COUNTY)
        with pytest.raises(NothingToDecide):
            decide(case, commands.Decide(outcome, "理由", "依据"), context(wanted=FILING))


def test_what_is_only_filed_is_accepted_when_complete_and_then_done() -> None:
    accepted = case_of(FILING, *decide(case_of(FILING), commands.Accept(), context(wanted=FILING)))
    assert "Close" in possible_acts(accepted, FILING, COUNTY)
    [closed] = decide(accepted, CLOSE, context(wanted=FILING))
    assert closed == Closed(DeliveryMethod.ELECTRONIC, "章三")
    done = case_of(FILING, ACCEPTED, closed)
    assert done.stage is Stage.CLOSED
    [promise] = [one for one in clocks(done, FILING, calendar()) if one.kind is ClockKind.PROMISE]
    assert promise.met_on == START.date()


def test_what_is_only_filed_is_done_by_the_hall_that_is_competent() -> None:
    away = case_of(FILING, ACCEPTED, intake=TOWNSHIP, competent=COUNTY)
    assert "Close" not in possible_acts(away, FILING, TOWNSHIP)
    with pytest.raises(NotCompetent):
        decide(away, CLOSE, context(TOWNSHIP, FILING))


def test_everything_else_is_decided_before_it_is_done() -> None:
    case = case_with(ACCEPTED)
    assert "Close" not in possible_acts(case, ITEM, COUNTY)
    with pytest.raises(ActNotPossible):
        decide(case, CLOSE, context())


def test_a_leg_that_is_only_filed_agrees_when_it_is_done() -> None:
    assert outcome_of_leg(case_of(FILING, ACCEPTED)) is None
    assert outcome_of_leg(case_of(FILING, ACCEPTED, CLOSED)) is LegOutcome.AGREED


# Filed anew


def test_incomplete_papers_go_back_with_all_that_is_missing_and_there_is_no_supplement() -> None:
    """市场主体登记管理条例实施细则 article 18."""
    case = case_of(COMPANY, left_out=1)
    [missing] = case.missing_materials(COMPANY)
    notice = commands.GiveNotice((Defect(missing, "未提交", "请提交"),))
    facts = decide(case, notice, context(wanted=COMPANY))
    [ended] = facts
    assert isinstance(ended, Ended)
    assert ended.manner is EndManner.RETURNED
    assert ended.document_no
    assert f"1. {missing}：未提交，请提交" in ended.reasons
    after = case_of(COMPANY, ended, left_out=1)
    assert after.stage is Stage.ENDED
    assert "Supplement" not in possible_acts(after, COMPANY, COUNTY)
    [told] = [one for one in clocks(after, COMPANY, calendar()) if one.kind is ClockKind.NOTICE]
    assert told.met_on == START.date()


def test_also_what_is_filed_anew_is_told_once_and_all_of_it() -> None:
    case = case_of(COMPANY, left_out=2)
    first = case.missing_materials(COMPANY)[0]
    notice = commands.GiveNotice((Defect(first, "未提交", "请提交"),))
    with pytest.raises(DefectsIncomplete):
        decide(case, notice, context(wanted=COMPANY))


def test_every_other_item_keeps_its_supplement_round() -> None:
    notice = commands.GiveNotice((Defect("照片", "模糊", "重拍"),))
    [fact] = decide(case_with(), notice, context())
    assert isinstance(fact, NoticeGiven)


# Nothing needed


@pytest.mark.parametrize(
    ("item", "option"),
    [(FOOD, "销售食用农产品"), (LOGGING, "竹林（自然保护区外）、房前屋后零星林木")],
    ids=["farm produce", "bamboo"],
)
def test_a_variant_that_needs_nothing_is_declined_at_once_and_nothing_else(
    item: ItemVersion, option: str
) -> None:
    """行政许可法 article 32(1); 食品安全法 article 35, 森林法 article 56."""
    case = case_of(item, option=option)
    here = context(wanted=replace(item, report_up=False))
    acts = possible_acts(case, here.item, here.here)
    assert "Decline" in acts
    assert not {"Accept", "AcceptWithGaps", "GiveNotice", "Decide"} & set(acts)
    for command in (
        commands.Accept(),
        commands.GiveNotice((Defect("申请书", "缺少", "补交"),)),
    ):
        with pytest.raises(NothingNeeded):
            decide(case, command, here)
    decline = commands.Decline(DeclineGround.NOT_NEEDED, "依法不需要办理", "")
    [declined] = decide(case, decline, here)
    assert isinstance(declined, Declined)


def test_silence_accepts_nothing_where_nothing_is_needed_and_is_recorded_once() -> None:
    """Article 32(1): there is nothing that could be granted."""
    case = case_of(LOGGING, option="竹林（自然保护区外）、房前屋后零星林木")
    running = clocks(case, LOGGING, calendar())
    last = watch_on(case, running, LOGGING)
    assert last is not None
    late = context(wanted=LOGGING, now=at(f"{last + timedelta(days=1)} 09:00"))
    [violation] = what_time_brings(case, late)
    assert isinstance(violation, ViolationRecorded)
    assert violation.rule is ViolationRule.SILENCE
    after = extended(case, event_for(case, violation, case.custodian))
    assert after.stage is Stage.RECEIVED
    assert what_time_brings(after, late) == []
    assert watch_on(after, clocks(after, LOGGING, calendar()), LOGGING) is None
    assert "Decline" in possible_acts(after, LOGGING, late.here)


def test_the_other_variants_of_the_same_item_are_accepted() -> None:
    case = case_of(LOGGING, option="受委托乡镇核发")
    assert decide(case, commands.Accept(), context(wanted=LOGGING))
