"""Fees: only with basis, standard and permit, collected once, issued only when paid or promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import START, calendar, item

from hallnet.case import fee as fees
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.fee import Dunning, FeeAccount, Instalment, Payment, Reduction, Refund
from hallnet.case.fee_problems import (
    FeeAlreadyCollected,
    FeeAmountWrong,
    FeeNotOwed,
    FeeNotReducible,
    FeeOutstanding,
    FeeUnknown,
    FeeWithoutBasis,
    InstalmentsNotAllowed,
    PromiseNotSigned,
    RefundNotPossible,
)
from hallnet.case.item import Fee

COPY = Fee("工本费", 1000, False, "某文件", "元/本", "", "", permit="目录清单第3项")
BUILDING = Fee(
    "易地建设费",
    0,
    True,
    "省里的文件",
    "元/平方米",
    "税务部门",
    "",
    permit="目录清单第4项",
    instalments_allowed=True,
)
LICENCE, HOUSE = item(fees=(COPY,)), item(fees=(BUILDING,))
JUNE, JULY, AUGUST = date(2026, 6, 30), date(2026, 7, 31), date(2026, 8, 31)


def account() -> FeeAccount:
    """600,000 fen for 400 square metres."""
    return fees.assessed("case", HOUSE, {"易地建设费": 400}, {"易地建设费": 1500})


def thirds() -> tuple[Instalment, ...]:
    return tuple(Instalment(200_000, day) for day in (JUNE, JULY, AUGUST))


def approved() -> FeeAccount:
    return fees.approved(fees.reviewed(fees.planned(account(), thirds()), "分管"), "主管")


def payment(number: int, amount: int) -> Payment:
    return Payment(f"R{number}", amount, START)


# Acceptance check 4: a fee without a permit line; an instalment issue without a signed promise.


@pytest.mark.parametrize("missing", ["permit", "basis"])
def test_a_fee_without_a_permit_line_is_impossible(missing: str) -> None:
    """行政许可法 article 58."""
    changes: dict[str, Any] = {missing: ""}
    with pytest.raises(FeeWithoutBasis):
        fees.assessed("case", item(fees=(replace(COPY, **changes),)))


def test_an_instalment_issue_without_a_signed_promise_is_impossible() -> None:
    paid = fees.paid(approved(), payment(1, 200_000))
    with pytest.raises(PromiseNotSigned):
        fees.require_may_issue(paid)
    fees.require_may_issue(fees.promised(paid, b"signed"))


# What is owed


def test_what_is_free_costs_nothing_and_may_be_issued() -> None:
    free = fees.assessed("case", item(fees=(Fee("登记费", 0, False, "不得收费", "", "", ""),)))
    assert free.charges == ()
    fees.require_may_issue(free)
    fees.require_may_issue(None)


def test_a_fee_is_told_with_what_allows_it() -> None:
    [charge] = fees.assessed("case", LICENCE, {"工本费": 3}).charges
    assert (charge.amount_fen, charge.basis, charge.permit) == (3000, "某文件", "目录清单第3项")


def test_only_fees_of_the_item_are_charged_and_at_their_amount() -> None:
    with pytest.raises(FeeUnknown):
        fees.assessed("case", LICENCE, {"加急费": 1})
    with pytest.raises(FeeAmountWrong):
        fees.assessed("case", LICENCE, local={"工本费": 900})
    with pytest.raises(FeeWithoutBasis):
        fees.assessed("case", HOUSE)


@pytest.mark.parametrize("supplied", supplied_catalogue().items, ids=lambda found: found.item_id)
def test_the_fees_of_a_supplied_item_can_be_taken(supplied: Any) -> None:
    local = {fee.name: 100 for fee in supplied.fees if fee.amount_set_locally}
    assert fees.assessed("case", supplied, local=local).total >= 0


# Collected once


def test_the_total_is_collected_once() -> None:
    owed = fees.assessed("case", LICENCE)
    with pytest.raises(FeeOutstanding):
        fees.require_may_issue(owed)
    with pytest.raises(FeeAmountWrong):
        fees.paid(owed, payment(1, 500))
    settled = fees.paid(owed, payment(1, 1000))
    fees.require_may_issue(settled)
    assert fees.paid(settled, payment(1, 1000)) == settled
    with pytest.raises(FeeAlreadyCollected):
        fees.paid(settled, payment(2, 1000))
    with pytest.raises(FeeAlreadyCollected):
        fees.paid(settled, payment(1, 999))


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(-5, 700_000)), max_size=12))
def test_however_money_comes_in_never_more_than_the_total_is_taken(
    payments: list[tuple[int, int]],
) -> None:
    owed = approved()
    for number, amount in payments:
        try:
            owed = fees.paid(owed, payment(number, amount))
        except (FeeAmountWrong, FeeAlreadyCollected):
            continue
        assert 0 <= owed.paid <= owed.total


# Instalments


def test_instalments_are_reviewed_by_one_head_and_approved_by_another() -> None:
    plan = fees.planned(account(), thirds())
    with pytest.raises(InstalmentsNotAllowed):
        fees.approved(plan, "主管")
    with pytest.raises(InstalmentsNotAllowed):
        fees.approved(fees.reviewed(plan, "主管"), "主管")
    with pytest.raises(InstalmentsNotAllowed):
        fees.paid(fees.reviewed(plan, "分管"), payment(1, 200_000))
    assert fees.paid(approved(), payment(1, 200_000)).outstanding == 400_000


def test_nothing_is_issued_before_the_first_instalment() -> None:
    with pytest.raises(FeeOutstanding):
        fees.require_may_issue(fees.promised(approved(), b"signed"))


def test_an_item_that_does_not_allow_instalments_has_none() -> None:
    with pytest.raises(InstalmentsNotAllowed):
        fees.planned(fees.assessed("case", LICENCE), (Instalment(500, JUNE), Instalment(500, JULY)))


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (Instalment(600_000, JUNE),),
        (Instalment(300_000, JULY), Instalment(300_000, JUNE)),
        (Instalment(300_000, JUNE), Instalment(300_000, JUNE)),
        (Instalment(600_000, JUNE), Instalment(0, JULY)),
        tuple(Instalment(1, date(2026, 1, day)) for day in range(1, 26)),
    ],
)
def test_a_plan_has_parts_with_amounts_and_days_in_order(parts: tuple[Instalment, ...]) -> None:
    with pytest.raises(InstalmentsNotAllowed):
        fees.planned(account(), parts)


def test_a_plan_makes_up_the_total() -> None:
    with pytest.raises(FeeAmountWrong):
        fees.planned(account(), (Instalment(300_000, JUNE), Instalment(299_999, JULY)))


def test_another_plan_needs_another_approval() -> None:
    again = fees.planned(approved(), (Instalment(1, JUNE), Instalment(599_999, JULY)))
    assert again.plan is not None
    assert again.plan.approved_by == ""
    with pytest.raises(InstalmentsNotAllowed):
        fees.reviewed(fees.paid(approved(), payment(1, 200_000)), "别人")


def test_who_pays_late_is_reminded_by_working_days() -> None:
    begun = fees.paid(approved(), payment(1, 200_000))

    def told(day: date) -> list[tuple[int, Dunning]]:
        return [(found.number, found.dunning) for found in fees.reminders(begun, day, calendar())]

    assert told(date(2026, 7, 27)) == []
    assert told(date(2026, 7, 28)) == [(2, Dunning.SOON)]
    assert told(JULY) == [(2, Dunning.SOON)]
    assert told(date(2026, 8, 1)) == [(2, Dunning.OVERDUE)]
    assert told(date(2026, 9, 1)) == [(2, Dunning.OVERDUE), (3, Dunning.OVERDUE)]
    settled = fees.paid(begun, payment(2, 400_000))
    assert fees.reminders(settled, date(2026, 9, 1), calendar()) == ()


def test_the_applicant_is_reminded_once_before_and_three_times_after_an_instalment_is_due() -> None:
    owed = fees.promised(fees.paid(approved(), payment(1, 200_000)), b"signed")
    days = [date(2026, 7, 20) + timedelta(days=number) for number in range(100)]
    made = [
        (call.reminder.number, call.time)
        for day in days
        for call in fees.calls(owed, day, calendar())
    ]
    second = [time for number, time in made if number == 2]
    assert second == sorted(second)
    assert set(second) == {0, 1, 2, 3}
    assert not fees.calls(fees.paid(owed, payment(2, 400_000)), days[-1], calendar())


def test_a_plan_that_was_not_approved_and_promised_reminds_no_applicant() -> None:
    late = date(2026, 12, 1)
    assert fees.reminders(approved(), late, calendar())
    assert not fees.calls(approved(), late, calendar())
    plan = fees.promised(fees.reviewed(approved(), "分管"), b"signed")
    assert not fees.calls(plan, late, calendar())


REDUCIBLE = item(fees=(replace(COPY, reducible=True),))


def test_a_fee_is_reduced_where_the_item_says_so_and_with_a_reason() -> None:
    """减免."""
    found = fees.assessed("case", REDUCIBLE, reductions={"工本费": Reduction(400, "低保户")})
    assert (found.total, found.charges[0].reduced_fen) == (600, 400)
    assert (
        fees.assessed("case", REDUCIBLE, reductions={"工本费": Reduction(1000, "低保户")}).total
        == 0
    )
    with pytest.raises(FeeNotReducible):
        fees.assessed("case", LICENCE, reductions={"工本费": Reduction(400, "低保户")})
    with pytest.raises(FeeNotReducible):
        fees.assessed("case", REDUCIBLE, reductions={"工本费": Reduction(400, " ")})
    with pytest.raises(FeeAmountWrong):
        fees.assessed("case", REDUCIBLE, reductions={"工本费": Reduction(1001, "低保户")})


def test_a_slip_in_what_was_assessed_is_put_right_until_somebody_paid() -> None:
    slip, right = (fees.assessed("case", LICENCE, {"工本费": many}) for many in (20, 2))
    assert fees.assessed_anew(slip, right) == right
    with pytest.raises(FeeAlreadyCollected):
        fees.assessed_anew(fees.paid(slip, payment(1, 20_000)), right)


def refund(number: int, amount: int, reason: str = "申请人撤回") -> Refund:
    return Refund(f"T{number}", amount, reason, "chief", START)


def test_who_paid_for_a_case_that_ended_without_a_result_gets_it_back_and_owes_nothing() -> None:
    ended = fees.ended_without_result(fees.paid(approved(), payment(1, 200_000)), JULY)
    assert (ended.outstanding, ended.to_be_refunded) == (0, 200_000)
    with pytest.raises(FeeNotOwed):
        fees.paid(ended, payment(2, 200_000))
    back = fees.refunded(ended, refund(1, 200_000))
    assert back.to_be_refunded == 0
    assert fees.refunded(back, refund(1, 200_000)) == back
    with pytest.raises(RefundNotPossible):
        fees.refunded(back, refund(1, 1, "又一笔"))


@given(st.lists(st.integers(-1, 600), max_size=8))
def test_no_more_goes_back_than_came_in(amounts: list[int]) -> None:
    """And what went back is not asked for again."""
    account = fees.paid(fees.assessed("case", LICENCE), payment(1, 1000))
    for number, amount in enumerate(amounts):
        try:
            account = fees.refunded(account, refund(number, amount))
        except RefundNotPossible:
            assert not 0 < amount <= account.held
        assert 0 <= account.held <= 1000
        assert account.outstanding == 0
