"""Fees of a case: only with basis, standard and permit, collected once, or in approved instalments; what was
paid for nothing goes back.

行政许可法 articles 58 and 59: no fee unless a law allows it, and all of it to the treasury. Instalments
(分期付款): reviewed by one head, approved by another, promised in writing; the result may be issued once
the first one is paid. Amounts are in fen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

from hallnet.case.calendar import Calendar
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
from hallnet.case.item import Fee, ItemVersion

INSTALMENTS_MAX = 24
UNITS_MAX = 10_000_000
REMINDED_WORKING_DAYS_BEFORE = 3
REMINDED_AGAIN_AFTER_WORKING_DAYS = 5
REMINDED_WHEN_OVERDUE_MAX = 3
"""So often the applicant is reminded of an instalment that is overdue; once before it is."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee as it is charged in a case, with what allows it."""

    fee: str
    amount_fen: int
    basis: str
    permit: str
    collected_by: str
    reduced_fen: int = 0
    reduction: str = ""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What is taken off a fee (减免), in fen, and why."""

    reduced_fen: int
    reduction: str


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in, by the number of its receipt."""

    receipt_no: str
    amount_fen: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back (退费), by the number of its paper."""

    refund_no: str
    amount_fen: int
    reason: str
    approved_by: str
    refunded_at: datetime


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of the total, and the last day on which it is paid."""

    amount_fen: int
    due_on: date


@dataclass(frozen=True, slots=True)
class InstalmentPlan:
    """How the total is paid in parts, by whose leave and on what promise."""

    instalments: tuple[Instalment, ...]
    reviewed_by: str
    approved_by: str
    promise_digest: bytes


@dataclass(frozen=True, slots=True)
class FeeAccount:
    """What a case owes and has paid."""

    case_id: str
    charges: tuple[Charge, ...]
    payments: tuple[Payment, ...]
    plan: InstalmentPlan | None
    instalments_allowed: bool
    refunds: tuple[Refund, ...] = ()
    ended_on: date | None = None
    """The day on which the case ended without a result."""

    @property
    def total(self) -> int:
        return sum(charge.amount_fen for charge in self.charges)

    @property
    def paid(self) -> int:
        return sum(payment.amount_fen for payment in self.payments)

    @property
    def outstanding(self) -> int:
        """What is still owed: nothing for a case that ended without a result. What went back is not owed again."""
        return 0 if self.ended_on else self.total - self.paid

    @property
    def held(self) -> int:
        """What was paid and did not go back."""
        return self.paid - sum(refund.amount_fen for refund in self.refunds)

    @property
    def to_be_refunded(self) -> int:
        """What was paid for a case that ended without a result."""
        return self.held if self.ended_on else 0


def assessed(
    case_id: str,
    item: ItemVersion,
    units: Mapping[str, int] | None = None,
    local: Mapping[str, int] | None = None,
    reductions: Mapping[str, Reduction] | None = None,
) -> FeeAccount:
    """What an application costs: all fees of the item, told at once.

    `units` says how many of the unit of a fee (area, copies), one if left out; `local` amounts of fees
    that the item leaves to the place; `reductions` what is taken off. Raises FeeUnknown, FeeWithoutBasis,
    FeeAmountWrong, FeeNotReducible.
    """
    many, amounts, less = units or {}, local or {}, reductions or {}
    for name in (*many, *amounts, *less):
        if all(fee.name != name for fee in item.fees):
            raise FeeUnknown("fee", fee=name[:64])
    charges = tuple(
        _reduced(
            _charge(fee, many.get(fee.name, 1), amounts.get(fee.name)), fee, less.get(fee.name)
        )
        for fee in item.fees
        if fee.charges
    )
    allowed = any(fee.instalments_allowed for fee in item.fees)
    return FeeAccount(case_id, charges, (), None, allowed)


def assessed_anew(account: FeeAccount, anew: FeeAccount) -> FeeAccount:
    """A slip in what was assessed is put right as long as nothing was paid and no plan approved; raises
    FeeAlreadyCollected."""
    if anew.charges == account.charges:
        return account
    if account.payments or account.plan is not None or account.ended_on:
        raise FeeAlreadyCollected("quantities")
    return anew


def require_basis(fee: Fee) -> None:
    """收费亮证: raises FeeWithoutBasis if basis, standard or permit is missing."""
    missing = [
        name
        for name, there in (
            ("收费依据", fee.basis),
            ("收费标准", fee.amount_fen or fee.standard or fee.unit),
            ("收费许可或目录清单", fee.permit),
        )
        if not there
    ]
    if missing:
        raise FeeWithoutBasis("fee", fee=fee.name, missing="、".join(missing))


def planned(account: FeeAccount, instalments: tuple[Instalment, ...]) -> FeeAccount:
    """A plan is put forward; raises InstalmentsNotAllowed, FeeAmountWrong."""
    if not account.instalments_allowed:
        raise InstalmentsNotAllowed("instalments", detail="事项不允许分期")
    if account.payments:
        raise InstalmentsNotAllowed("instalments", detail="已经收过费")
    if not 2 <= len(instalments) <= INSTALMENTS_MAX:
        raise InstalmentsNotAllowed("instalments", detail=f"期数应为2至{INSTALMENTS_MAX}")
    days = [part.due_on for part in instalments]
    if days != sorted(set(days)) or any(part.amount_fen <= 0 for part in instalments):
        raise InstalmentsNotAllowed("instalments", detail="各期应有金额且日期依次递增")
    given = sum(part.amount_fen for part in instalments)
    if given != account.total:
        raise FeeAmountWrong("instalments", owed=account.total, given=given)
    return replace(account, plan=InstalmentPlan(instalments, "", "", b""))


def reviewed(account: FeeAccount, by: str) -> FeeAccount:
    """分管审核; what was approved and paid is not reviewed anew."""
    plan = _plan(account)
    if account.payments:
        raise InstalmentsNotAllowed("reviewed_by", detail="已经收过费")
    return replace(account, plan=replace(plan, reviewed_by=by, approved_by=""))


def approved(account: FeeAccount, by: str) -> FeeAccount:
    """主管审批, by another than who reviewed; raises InstalmentsNotAllowed."""
    plan = _plan(account)
    if not plan.reviewed_by or plan.reviewed_by == by:
        raise InstalmentsNotAllowed(
            "approved_by", detail="须先经分管审核，且审核、审批不得为同一人"
        )
    return replace(account, plan=replace(plan, approved_by=by))


def promised(account: FeeAccount, promise_digest: bytes) -> FeeAccount:
    """书面承诺: the signed promise, by the digest of the material."""
    return replace(account, plan=replace(_plan(account), promise_digest=promise_digest))


def paid(account: FeeAccount, payment: Payment) -> FeeAccount:
    """Money came in: the whole total at once, or with an approved plan the next instalment.

    The same receipt again changes nothing. Raises FeeAlreadyCollected, FeeAmountWrong,
    InstalmentsNotAllowed, FeeNotOwed.
    """
    if payment in account.payments:
        return account
    if account.ended_on:
        raise FeeNotOwed("case_id", ended_on=account.ended_on)
    known = any(known.receipt_no == payment.receipt_no for known in account.payments)
    if known or account.outstanding <= 0:
        raise FeeAlreadyCollected("receipt_no")
    owed = account.outstanding
    if account.plan is not None and payment.amount_fen != owed:
        if not account.plan.approved_by:
            raise InstalmentsNotAllowed("amount_fen", detail="分期计划未经批准")
        owed = account.plan.instalments[len(account.payments)].amount_fen
    if payment.amount_fen != owed:
        raise FeeAmountWrong("amount_fen", owed=owed, given=payment.amount_fen)
    return replace(account, payments=(*account.payments, payment))


def refunded(account: FeeAccount, refund: Refund) -> FeeAccount:
    """Money goes back, never more than came in; what was taken too much, or for nothing. The same paper again
    changes nothing. Raises RefundNotPossible.
    """
    if any(_is_same_paper(known, refund) for known in account.refunds):
        return account
    if any(known.refund_no == refund.refund_no for known in account.refunds):
        raise RefundNotPossible("refund_no", detail="该单据号已经用于另一笔退费")
    if not refund.reason.strip() or not refund.refund_no.strip():
        raise RefundNotPossible("reason", detail="须有单据号和退费原因")
    if not 0 < refund.amount_fen <= account.held:
        raise RefundNotPossible("amount_fen", detail=f"可退{account.held}分")
    return replace(account, refunds=(*account.refunds, refund))


def _is_same_paper(one: Refund, other: Refund) -> bool:
    return (one.refund_no, one.amount_fen, one.reason) == (
        other.refund_no,
        other.amount_fen,
        other.reason,
    )


def ended_without_result(account: FeeAccount, day: date) -> FeeAccount:
    """The case was declined, withdrawn or ended otherwise: nothing more is owed, and what was paid goes back."""
    return account if account.ended_on else replace(account, ended_on=day)


def require_may_issue(account: FeeAccount | None) -> None:
    """The guard of issuing a result; None is a case that costs nothing.

    Raises FeeOutstanding, PromiseNotSigned.
    """
    if account is None or account.outstanding <= 0:
        return
    plan = account.plan
    if plan is None or not plan.approved_by or not account.payments:
        raise FeeOutstanding("fee", owed=account.outstanding)
    if not plan.promise_digest:
        raise PromiseNotSigned("promise")


class Dunning(IntEnum):
    """How pressing an instalment is; the numbers are those of the wire."""

    SOON = 1
    OVERDUE = 2


@dataclass(frozen=True, slots=True)
class Reminder:
    """An instalment of which somebody has to be reminded (按期催交)."""

    number: int
    instalment: Instalment
    dunning: Dunning


def reminders(account: FeeAccount, today: date, calendar: Calendar) -> tuple[Reminder, ...]:
    """Instalments that are unpaid and due within a few working days, or were due."""
    if account.plan is None or account.outstanding <= 0:
        return ()
    found = []
    covered = 0
    for number, part in enumerate(account.plan.instalments, 1):
        covered += part.amount_fen
        if covered <= account.paid:
            continue
        if today > part.due_on:
            found.append(Reminder(number, part, Dunning.OVERDUE))
        elif calendar.working_days_between(today, part.due_on) <= REMINDED_WORKING_DAYS_BEFORE:
            found.append(Reminder(number, part, Dunning.SOON))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Call:
    """The applicant is to be reminded of an instalment: for the `time`th time, 0 before it is due."""

    reminder: Reminder
    time: int


def calls(account: FeeAccount, today: date, calendar: Calendar) -> tuple[Call, ...]:
    """Of what the applicant is to be reminded by a day. Each call is made once; of those that were missed only
    the last. A plan that nobody approved or promised yet binds nobody."""
    plan = account.plan
    if plan is None or not plan.approved_by or not plan.promise_digest:
        return ()
    return tuple(
        Call(one, _time(one, today, calendar)) for one in reminders(account, today, calendar)
    )


def _time(one: Reminder, today: date, calendar: Calendar) -> int:
    if one.dunning is Dunning.SOON:
        return 0
    late = calendar.working_days_between(one.instalment.due_on, today)
    return min(1 + late // REMINDED_AGAIN_AFTER_WORKING_DAYS, REMINDED_WHEN_OVERDUE_MAX)


def _charge(fee: Fee, units: int, local: int | None) -> Charge:
    require_basis(fee)
    if fee.amount_set_locally:
        if not local or local < 0:
            raise FeeWithoutBasis("fee", fee=fee.name, missing="本地核定金额")
    elif local is not None and local != fee.amount_fen:
        raise FeeAmountWrong("fee", owed=fee.amount_fen, given=local)
    if not 1 <= units <= UNITS_MAX:
        raise FeeAmountWrong("units", owed=1, given=units)
    amount = (local if fee.amount_set_locally and local else fee.amount_fen) * units
    return Charge(fee.name, amount, fee.basis, fee.permit, fee.collected_by)


def _reduced(charge: Charge, fee: Fee, less: Reduction | None) -> Charge:
    if less is None:
        return charge
    if not fee.reducible or not less.reduction.strip():
        raise FeeNotReducible("fee", fee=fee.name)
    if not 0 < less.reduced_fen <= charge.amount_fen:
        raise FeeAmountWrong("reduced_fen", owed=charge.amount_fen, given=less.reduced_fen)
    return replace(
        charge,
        amount_fen=charge.amount_fen - less.reduced_fen,
        reduced_fen=less.reduced_fen,
        reduction=less.reduction,
    )


def _plan(account: FeeAccount) -> InstalmentPlan:
    if account.plan is None:
        raise InstalmentsNotAllowed("instalments", detail="还没有分期计划")
    return account.plan
