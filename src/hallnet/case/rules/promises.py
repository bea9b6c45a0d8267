"""Promises of applicants: notice-and-commitment (告知承诺, 国办发〔2020〕42号) and its check afterwards."""

from __future__ import annotations

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import Context, require_possible, require_text
from hallnet.case.event import Fact
from hallnet.case.fact import (
    AfterChecked,
    CheckResult,
    CommitmentSigned,
    CommitmentWithdrawn,
    CreditRepaired,
)
from hallnet.case.mandate import MandateAct
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, MaterialUnknown
from hallnet.case.rules.problems import CommitmentMissing, CommitmentNotAllowed, PromiseUnsigned
from hallnet.case.rules.receiving import require_good_credit
from hallnet.case.stage import NAMES


def sign_commitment(case: Case, command: commands.SignCommitment, context: Context) -> list[Fact]:
    """The hall told duty, content and liability; the applicant signed; the proofs are not asked for.

    Items of security, life and health and the like know no commitment: `commitment_allowed` of the
    item version says so.
    """
    context.require(Power.RECEIVE)
    require_possible(case, CommitmentSigned, "办理告知承诺")
    item = context.item
    if not item.commitment_allowed:
        raise CommitmentNotAllowed("case_id", item=item.name)
    require_good_credit(context)
    if case.commitment is not None:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="再次签署告知承诺")
    if not command.evidence.size or not command.text_version.strip():
        raise PromiseUnsigned("evidence")
    for name in command.materials:
        if item.material(name) is None:
            raise MaterialUnknown("materials", item=item.name, material=name)
    return [
        CommitmentSigned(
            context.document_no, command.materials, command.text_version, command.evidence
        )
    ]


def withdraw_commitment(
    case: Case, command: commands.WithdrawCommitment, context: Context
) -> list[Fact]:
    """安阳市政务服务条例 article 26: before the decision, and then the usual way."""
    context.require_applicant_side(case, Power.RECEIVE, MandateAct.SUBMIT)
    require_possible(case, CommitmentWithdrawn, "撤回承诺")
    if case.commitment is None:
        raise CommitmentMissing("case_id")
    return [CommitmentWithdrawn(command.reason)]


def check_afterwards(case: Case, command: commands.CheckAfterwards, context: Context) -> list[Fact]:
    """The body that decided looks whether the promise is kept."""
    context.require(Power.DECIDE, Power.SUPERVISE)
    require_possible(case, AfterChecked, "事后核查")
    context.require_competent(case)
    if case.commitment is None:
        raise CommitmentMissing("case_id")
    require_text(command.findings, "findings")
    return [AfterChecked(command.result, command.findings)]


def repair_credit(case: Case, command: commands.RepairCredit, context: Context) -> list[Fact]:
    """信用修复: by the hall that found the promise broken, with a reason; only then are promises of the same
    person taken again (安阳市政务服务条例 article 29)."""
    context.require(Power.SUPERVISE, Power.HEAD)
    require_possible(case, CreditRepaired, "登记信用修复")
    context.require_competent(case)
    if not is_broken(case):
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="登记信用修复（没有失信记录）")
    require_text(command.reason, "reason")
    return [CreditRepaired(command.reason)]


def is_broken(case: Case) -> bool:
    """Whether a promise was found broken in this case and the credit is not repaired."""
    checked = case.newest(AfterChecked)
    return (
        checked is not None
        and isinstance(checked.fact, AfterChecked)
        and checked.fact.result is CheckResult.BROKEN
        and case.mark_after(checked, CreditRepaired) is None
    )
