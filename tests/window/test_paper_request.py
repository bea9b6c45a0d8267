"""Papers that another hall has: what is asked of it, what it answers until when, and what may be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import (
    APPLICANT,
    COUNTY,
    EXTRACT,
    FORM,
    ITEM,
    START,
    TOWNSHIP,
    WITHDRAWN,
    calendar,
    case_with,
    filed,
    material,
)

from hallnet.case.case import Case, day_of
from hallnet.case.policy import DEFAULT, Policy
from hallnet.case.problems import NotTheCustodian
from hallnet.places import Address
from hallnet.window import paper_answering as answering
from hallnet.window import paper_request as asking
from hallnet.window.paper_request import PaperGround, PaperRequest, PaperRequestState
from hallnet.window.problems import (
    AskedBefore,
    ExtensionImpossible,
    PaperNotFound,
    PaperNotToBeAsked,
    StepNotPossible,
    TermImpossible,
    ToldBefore,
    WordsMissing,
)

CASE = case_with()
SOON = START + timedelta(hours=1)
TODAY = day_of(START)
OPEN, INCOMPLETE, AGREED, SUPPLIED, REFUSED, CALLED_OFF, UNDELIVERED, DOUBTED = PaperRequestState


def asked(case: Case = CASE, **changes: Any) -> PaperRequest:
    given_: dict[str, Any] = {
        "here": COUNTY,
        "hall": TOWNSHIP,
        "paper": EXTRACT,
        "basis": "某条例第八条",
        "purpose": "核对户籍",
        "used_until": TODAY + timedelta(days=30),
        "owner": "clerk",
        "asked_by": "李四",
    }
    given_ |= changes
    return asking.asked("r1", case, ITEM, now=START, calendar=calendar(), **given_)


def wanted(said: PaperRequest | None = None, known: PaperRequest | None = None) -> PaperRequest:
    """As the hall that is asked has it."""
    if known is not None:
        return answering.received_again(known, said or asked(), START, calendar())
    return answering.received(said or asked(), "officer", START, calendar())


def supplied(request: PaperRequest | None = None) -> PaperRequest:
    paper = material(EXTRACT)
    return answering.supplied(request or wanted(), "王五", paper, "330127101-0001", "", SOON)


def refused(request: PaperRequest) -> PaperRequest:
    return answering.refused(request, "王五", PaperGround.NOT_HELD, "查无记录", SOON)


def lacking(request: PaperRequest) -> PaperRequest:
    return answering.told_lacking(request, "王五", "请注明曾用名", SOON)


def agreed(request: PaperRequest) -> PaperRequest:
    return answering.agreed(request, "王五", "", SOON, calendar())


def after(request: PaperRequest, *answered: PaperRequest) -> PaperRequest:
    """At the hall that asks, after the newest answer of each."""
    for one in answered:
        assert one.answer is not None
        request = asking.learned(request, one.answer)
    return request


def test_a_request_names_basis_use_extent_and_term() -> None:
    request = asked()
    assert (request.state, request.due_on) == (OPEN, date(2026, 3, 16))
    with pytest.raises(WordsMissing):
        asked(basis=" ")
    with pytest.raises(WordsMissing):
        asked(purpose=" ")
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=asking.USED_DAYS_MAX + 1)):
        with pytest.raises(TermImpossible):
            asked(used_until=day)


def test_no_more_of_the_applicant_is_told_than_whose_paper_it_is() -> None:
    whose = asked().applicant
    assert whose.is_same_as(APPLICANT)
    assert (whose.phone, whose.address) == ("", "")


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        (CASE, {"paper": FORM}),
        (CASE, {"paper": "无关的材料"}),
        (CASE, {"hall": COUNTY}),
        (case_with(WITHDRAWN), {}),
        (case_with(opening=filed(materials=(material(EXTRACT),))), {}),
    ],
    ids=["written by the applicant", "not asked for", "this hall", "case over", "there already"],
)
def test_only_what_an_open_case_needs_and_others_issued_is_asked_of_another_hall(
    case: Case, changes: dict[str, Any]
) -> None:
    with pytest.raises(PaperNotToBeAsked):
        asked(case, **changes)


def test_only_the_hall_that_has_the_case_in_hand_asks() -> None:
    with pytest.raises(NotTheCustodian):
        asked(here=TOWNSHIP, hall=COUNTY)


def test_one_hall_is_asked_for_one_paper_of_a_case_once_unless_it_went_wrong() -> None:
    with pytest.raises(AskedBefore):
        asking.require_not_asked_before(asked(), TOWNSHIP, EXTRACT)
    asking.require_not_asked_before(asked(), COUNTY, EXTRACT)
    for over in (asking.withdrawn(asked()), after(asked(), refused(wanted()))):
        asking.require_not_asked_before(over, TOWNSHIP, EXTRACT)


def test_it_is_answered_in_ten_working_days_and_supplied_in_twenty_more() -> None:
    request = wanted()
    assert (request.owner, request.due_on) == ("officer", date(2026, 3, 16))
    assert agreed(request).due_on == date(2026, 3, 30)
    assert supplied(agreed(request)).due_on is None


def test_what_the_sender_says_of_answer_owner_and_due_date_counts_for_nothing() -> None:
    said = replace(supplied(), due_on=date(2030, 1, 1), told=True, extended=True, owner="x")
    assert wanted(said) == wanted()


def test_what_a_request_lacks_is_told_once_and_the_time_begins_anew() -> None:
    at_asked = lacking(wanted())
    assert (at_asked.state, at_asked.due_on) == (INCOMPLETE, None)
    at_asker = asking.completed(after(asked(), at_asked), "曾用名章四", SOON, calendar())
    later = START + timedelta(days=7)
    again = answering.received_again(at_asked, at_asker, later, calendar())
    assert (again.state, again.due_on, again.addition) == (OPEN, date(2026, 3, 23), "曾用名章四")
    assert again.owner == "officer"
    with pytest.raises(ToldBefore):
        lacking(again)
    with pytest.raises(StepNotPossible):
        asking.completed(asked(), "没有人问", SOON, calendar())


def test_an_answer_is_put_off_once_by_ten_days_with_a_reason() -> None:
    def longer(request: PaperRequest, days: int, words: str = "经县数据局同意") -> PaperRequest:
        return answering.extended(request, "王五", days, words, SOON, calendar())

    assert longer(wanted(), 10).due_on == date(2026, 3, 30)
    for days in (0, 11):
        with pytest.raises(ExtensionImpossible):
            longer(wanted(), days)
    with pytest.raises(WordsMissing):
        longer(wanted(), 5, " ")
    with pytest.raises(ExtensionImpossible):
        longer(longer(wanted(), 5), 5)
    assert after(asked(), longer(wanted(), 10)).due_on == date(2026, 3, 30)


def test_a_refusal_has_a_ground_reasons_and_what_can_be_done_against_it() -> None:
    request = refused(wanted())
    assert request.answer is not None
    assert (request.answer.ground, request.answer.remedy) == (
        PaperGround.NOT_HELD,
        answering.REMEDY,
    )
    with pytest.raises(WordsMissing):
        answering.refused(wanted(), "王五", PaperGround.NOT_HELD, "", SOON)
    assert after(asked(), request).state is REFUSED


def test_only_the_paper_that_is_asked_for_is_supplied_and_from_the_case_that_was_chosen() -> None:
    held = [replace(material(EXTRACT), taken_from="330127101-0001"), material(FORM)]
    assert answering.found_in(wanted(), held, "330127101-0001") == held[0]
    for case_no in ("330127101-0002", ""):
        with pytest.raises(PaperNotFound):
            answering.found_in(wanted(), held, case_no)
    with pytest.raises(WordsMissing):
        answering.supplied(wanted(), "王五", material(EXTRACT), " ", "", SOON)


@pytest.mark.parametrize("over", [supplied(), refused(wanted()), asking.withdrawn(wanted())])
def test_nothing_is_answered_twice(over: PaperRequest) -> None:
    for act in (lacking, agreed, supplied, refused):
        with pytest.raises(StepNotPossible):
            act(over)


def test_a_supplied_paper_says_where_it_is_from_and_is_for_that_case_and_its_term_alone() -> None:
    request = after(asked(), supplied())
    paper = asking.usable_paper(request, CASE, TODAY)
    assert paper is not None
    assert (paper.taken_from, paper.supplied_by, paper.submitted_at) == ("r1", TOWNSHIP, SOON)
    assert asking.usable_paper(request, replace(CASE, case_id="another"), TODAY) is None
    too_late = request.used_until + timedelta(days=1)
    assert asking.usable_paper(request, CASE, too_late) is None
    for not_there in (asked(), after(asking.withdrawn(asked()), supplied())):
        assert asking.usable_paper(not_there, CASE, TODAY) is None


def test_what_is_withdrawn_is_answered_no_more() -> None:
    gone = wanted(asking.withdrawn(asked()), wanted())
    assert (gone.state, gone.due_on) == (CALLED_OFF, None)
    with pytest.raises(StepNotPossible):
        supplied(gone)
    assert wanted(asking.withdrawn(asked()), supplied()).state is SUPPLIED
    with pytest.raises(StepNotPossible):
        asking.withdrawn(after(asked(), supplied()))


def test_what_did_not_arrive_waits_for_a_person_and_is_sent_again() -> None:
    lost = asking.not_arrived(asked(), "EXPIRED", TODAY)
    assert (lost.state, lost.due_on) == (UNDELIVERED, TODAY)
    again = asking.asked_again(lost, SOON, calendar())
    assert (again.state, again.edition, again.undelivered) == (OPEN, 2, "")
    # It had arrived after all.
    assert after(lost, supplied()).state is SUPPLIED
    assert asking.not_arrived(after(asked(), agreed(wanted())), "EXPIRED", TODAY).state is AGREED

    answer = supplied()
    assert answer.answer is not None
    unheard = answering.answer_not_arrived(answer, answer.answer.step, "EXPIRED", TODAY)
    assert (unheard.state, unheard.due_on, unheard.is_over) == (SUPPLIED, TODAY, False)
    assert answering.answered_again(unheard) == answer
    with pytest.raises(StepNotPossible):
        answering.answered_again(answer)
    older = answering.answer_not_arrived(answer, answer.answer.step - 1, "EXPIRED", TODAY)
    assert older == answer


ANSWERS = [lacking(wanted()), agreed(wanted()), supplied(agreed(wanted()))]
EDITIONS = [asked(), asking.withdrawn(asked())]


@given(st.lists(st.sampled_from(ANSWERS), min_size=1).map(lambda some: [*some, ANSWERS[-1]]))
def test_the_newest_answer_holds_whichever_comes_first_or_twice(order: list[PaperRequest]) -> None:
    assert after(asked(), *order) == after(asked(), ANSWERS[-1])


@given(st.permutations([*EDITIONS, *EDITIONS]))
def test_the_newest_request_holds_whichever_comes_first_or_twice(order: list[PaperRequest]) -> None:
    known = None
    for said in order:
        known = wanted(said, known)
    assert known is not None
    assert (known.state, known.edition, known.due_on) == (CALLED_OFF, 2, None)


def test_a_hall_that_forgot_its_answers_does_not_take_back_what_it_supplied() -> None:
    request = after(asked(), supplied())
    forgetful = answering.refused(
        wanted(), "王五", PaperGround.NOT_HELD, "查无记录", SOON + timedelta(days=1)
    )
    assert after(request, forgetful) == request


def test_what_came_wrong_is_looked_into_in_ten_working_days_and_not_used_until_then() -> None:
    """Article 26."""
    at_asked = supplied()
    at_asker = asking.doubted(after(asked(), at_asked), "出生日期有误", SOON, calendar())
    assert (at_asker.state, at_asker.due_on) == (DOUBTED, date(2026, 3, 16))
    assert asking.usable_paper(at_asker, CASE, TODAY) is None
    doubted = wanted(at_asker, at_asked)
    assert (doubted.state, doubted.due_on) == (DOUBTED, date(2026, 3, 16))
    assert doubted.addition == "出生日期有误"
    with pytest.raises(StepNotPossible):
        refused(doubted)

    right = answering.confirmed(doubted, "王五", "与登记一致", SOON)
    assert asking.usable_paper(after(at_asker, right), CASE, TODAY) is not None
    better = replace(material(EXTRACT), digest=b"b" * 32)
    corrected = answering.supplied(doubted, "王五", better, "330127101-0001", "", SOON)
    paper = asking.usable_paper(after(at_asker, corrected), CASE, TODAY)
    assert paper is not None
    assert paper.digest == better.digest

    lost = asking.not_arrived(at_asker, "EXPIRED", TODAY)
    assert asking.asked_again(lost, SOON, calendar()).state is DOUBTED
    with pytest.raises(StepNotPossible):
        asking.doubted(asked(), "有误", SOON, calendar())
    with pytest.raises(StepNotPossible):
        answering.confirmed(at_asked, "王五", "与登记一致", SOON)


def test_what_a_policy_shares_without_conditions_is_answered_within_a_working_day() -> None:
    """Articles 14 and 21."""
    policy = Policy(unconditional_papers=(EXTRACT,))
    limit = answering.answer_limit(policy, EXTRACT)
    request = answering.received(asked(), "officer", START, calendar(), limit)
    assert request.due_on == date(2026, 3, 3)
    assert answering.answer_limit(policy, FORM) == asking.ANSWER_LIMIT
    assert answering.answer_limit(DEFAULT, EXTRACT) == asking.ANSWER_LIMIT


def test_a_third_hall_changes_nothing_of_a_request() -> None:
    of_another = replace(asking.withdrawn(asked()), asker=Address.parse("330102"))
    assert wanted(of_another, wanted()) == wanted()
