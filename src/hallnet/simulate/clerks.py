"""What clerks do with a case: mostly what comes next, now and then any other act that its stage allows.

Whether an act is sensible is not their business: what the rules refuse is refused and on record.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from hallnet.case import command as commands
from hallnet.case.case import Case, day_of
from hallnet.case.command import COMMAND, CaseCommand, Command
from hallnet.case.event import (
    DeclineGround,
    Defect,
    DeliveryMethod,
    NoticeGiven,
    Opinion,
    Outcome,
    PrereviewReturned,
)
from hallnet.case.fact import (
    CheckResult,
    EndManner,
    LegOutcome,
    OverdueCause,
    ProcedureKind,
    RefusalReported,
    RightsTold,
    Surveyor,
)
from hallnet.case.hearing import asked_hearing
from hallnet.case.item import HandlingKind, ItemVersion, TaskType, TimeLimit, TimeUnit
from hallnet.case.person import Material
from hallnet.case.possible import possible_acts
from hallnet.case.rules import custody, ending, violations
from hallnet.case.stage import Stage
from hallnet.places import Address
from hallnet.simulate.founding import CHIEF, CLERK
from hallnet.simulate.hall import Hall
from hallnet.wire.case.v1 import command_pb2 as wire_command

WITHDRAWN_SHARE = 0.02
FURTHER_SHARE = 0.25
"""So many acts are others than what comes next."""

Upload = Callable[[Hall, str, bytes], Awaitable[Material]]
_FEW_DAYS = TimeLimit(3, TimeUnit.WORKING_DAY, "")
EVERYDAY = frozenset({"Supplement", "Accept", "Review", "HandOver", "Decide", "Close", "Withdraw"})
LEFT_TO_OTHERS = frozenset({"ChangeMandate"})
"""Nobody in these halls has an agent."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A case before a clerk."""

    hall: Hall
    case: Case
    item: ItemVersion
    draw: random.Random
    upload: Upload

    @property
    def today(self) -> date:
        return day_of(self.hall.now())

    @property
    def missing(self) -> list[str]:
        return self.case.missing_materials(self.item)

    @property
    def competent(self) -> bool:
        return self.case.competent_hall == self.hall.address

    @property
    def reports_up(self) -> bool:
        return self.case.reports_up(self.item, self.hall.address)

    async def paper(self, name: str) -> Material:
        return await self.upload(self.hall, name, name.encode() + self.draw.randbytes(100))


async def next_command(desk: Desk) -> wire_command.CaseCommand | None:
    """What a clerk does now with a case that has not ended; None if nothing can be done here."""
    if desk.draw.random() < WITHDRAWN_SHARE:
        return _message(commands.Withdraw("不办了"))
    if desk.draw.random() < FURTHER_SHARE:
        further = await further_command(desk)
        if further is not None:
            return further
    command = await _what_comes_next(desk)
    return None if command is None else _message(command)


async def further_command(desk: Desk) -> wire_command.CaseCommand | None:
    """Any act that the stage of a case allows, beside those of every day."""
    possible = [
        name for name in possible_acts(desk.case, desk.item, desk.hall.address) if name in FURTHER
    ]
    if not possible:
        return None
    return _message(await FURTHER[desk.draw.choice(possible)](desk))


def _message(command: Command) -> wire_command.CaseCommand:
    return cast(wire_command.CaseCommand, COMMAND.to_message(CaseCommand(command)))


async def _what_comes_next(desk: Desk) -> Command | None:
    case, stage = desk.case, desk.case.stage
    if stage is Stage.PREREVIEW:
        return _return_prereview(desk) if desk.missing else commands.PassPrereview()
    if stage in (Stage.CORRECTING, Stage.RETURNED) or (stage is Stage.ACCEPTED and case.gaps):
        wanted = desk.missing or case.gaps or _asked_for(case)
        return commands.Supplement(tuple([await desk.paper(name) for name in wanted]))
    if stage is Stage.RECEIVED:
        return _on_receipt(desk)
    if stage in (Stage.ACCEPTED, Stage.REVIEWED):
        return _in_process(desk)
    if stage is Stage.DECIDED:
        if ending.is_refused(case) and case.newest(RefusalReported) is None:
            return commands.ReportRefusal("审批办联络员", "不符合条件")
        # Nobody collects money in a simulated hall: why it does not is on record.
        waived = "财政部门公告暂停征收" if any(fee.charges for fee in desk.item.fees) else ""
        return commands.Close(DeliveryMethod.COUNTER, "本人", waived)
    return None


def _asked_for(case: Case) -> list[str]:
    """What the newest notice found wrong."""
    told = case.last(NoticeGiven) or case.last(PrereviewReturned)
    return [defect.material for defect in told.defects] if told is not None else []


def _on_receipt(desk: Desk) -> Command:
    if desk.missing:
        defects = [Defect(name, "缺少", "请补交") for name in desk.missing]
        return commands.GiveNotice(tuple(defects))
    if desk.competent and desk.item.handling_kind is HandlingKind.INSTANT:
        return _decide(desk)
    if not desk.competent and not desk.reports_up:
        return commands.HandOver("请办理")
    return commands.Accept()


def _in_process(desk: Desk) -> Command | None:
    if desk.case.procedure is not None:
        return _end_of_procedure(desk)
    if desk.case.open_legs:
        # The bodies of the legs have the word.
        return None
    if desk.competent:
        hearing = asked_hearing(desk.case)
        if hearing is not None and hearing.held is None:
            return _hold_hearing(desk)
        return _decide(desk)
    if desk.case.stage is Stage.ACCEPTED and desk.reports_up:
        return commands.Review(Opinion.FAVOURABLE, "符合条件")
    return commands.HandOver("请办理")


def _decide(desk: Desk) -> Command:
    if desk.draw.random() < 0.1:
        return commands.Decide(
            Outcome.REFUSED, "不符合条件", "行政许可法第三十八条", _deceived(desk)
        )
    return commands.Decide(Outcome.GRANTED, "符合条件", "")


def _deceived(desk: Desk) -> bool:
    return desk.item.task_type is TaskType.LICENCE and desk.draw.random() < 0.5


def _end_of_procedure(desk: Desk) -> Command:
    return commands.EndProcedure("已完成", ("申请人",))


def _hold_hearing(desk: Desk) -> Command:
    held_on = desk.today + timedelta(days=14)
    return commands.BeginProcedure(
        ProcedureKind.HEARING, "", _FEW_DAYS, "利害关系人要求听证", held_on, "法制科陈科长"
    )


def _return_prereview(desk: Desk) -> Command:
    defects = [Defect(name, "缺少", "请补交") for name in desk.missing or ["申请表"]]
    return commands.ReturnPrereview(tuple(defects))


def _names_of_materials(desk: Desk) -> Sequence[str]:
    return [needed.name for needed in desk.item.materials] or ["申请表"]


# One of each further act


async def _pass_prereview(desk: Desk) -> Command:
    return commands.PassPrereview()


async def _give_back(desk: Desk) -> Command:
    return _return_prereview(desk)


async def _notice(desk: Desk) -> Command:
    name = desk.draw.choice(_names_of_materials(desk))
    return commands.GiveNotice((Defect(name, "不清晰", "请重新提交"),))


async def _with_gaps(desk: Desk) -> Command:
    return commands.AcceptWithGaps(await desk.paper("容缺承诺书"))


async def _decline(desk: Desk) -> Command:
    if _deceived(desk):
        return commands.Decline(DeclineGround.DECEIT, "营业场所证明系伪造", "")
    if desk.draw.random() < 0.5:
        return commands.Decline(DeclineGround.NOT_NEEDED, "不需要办理", "")
    return commands.Decline(DeclineGround.WRONG_BODY, "不属于本厅", "市税务局")


async def _commit(desk: Desk) -> Command:
    promised = tuple(desk.missing[:1] or _names_of_materials(desk)[:1])
    return commands.SignCommitment(promised, "2026-1", await desk.paper("告知承诺书"))


async def _take_promise_back(desk: Desk) -> Command:
    return commands.WithdrawCommitment("按一般程序办理")


async def _begin_procedure(desk: Desk) -> Command:
    kind = desk.draw.choice([ProcedureKind.HEARING, ProcedureKind.TEST, ProcedureKind.APPRAISAL])
    if kind is ProcedureKind.HEARING:
        return _hold_hearing(desk)
    return commands.BeginProcedure(kind, "", _FEW_DAYS, "依法需要", None)


async def _end_procedure(desk: Desk) -> Command:
    return _end_of_procedure(desk)


async def _survey(desk: Desk) -> Command:
    both = tuple(Surveyor(name, "执法室", f"浙A-{name}") for name in ("张一", "李二"))
    return commands.Survey(desk.today, both, "现场符合条件", conditions_met=True)


async def _extend(desk: Desk) -> Command:
    return commands.Extend(_FEW_DAYS, "陈局长", "情况复杂")


async def _make_urgent(desk: Desk) -> Command:
    return commands.MakeUrgent("陈局长", "急需用款", _FEW_DAYS)


async def _open_legs(desk: Desk) -> Command:
    return commands.OpenLegs()


async def _end_leg(desk: Desk) -> Command:
    leg = desk.draw.choice(desk.case.open_legs)
    outcome = desk.draw.choice([LegOutcome.DEEMED_AGREED, LegOutcome.STOPPED])
    return commands.EndLeg(leg.leg, outcome, "逾期未反馈")


async def _send_originals(desk: Desk) -> Command:
    to: Address = desk.draw.choice(sorted(desk.case.halls()))
    return commands.SendOriginals(f"袋{desk.draw.randrange(10**6)}", ("户口簿",), to, "邮政")


async def _receive_originals(desk: Desk) -> Command:
    bags = [bag for bag in custody.bags_under_way(desk.case) if bag.to == desk.hall.address]
    bag = desk.draw.choice(bags)
    return commands.ReceiveOriginals(bag.bag_no, bag.originals, True, "")


async def _report(desk: Desk) -> Command:
    return commands.ReportRefusal("审批办联络员", "不符合条件")


async def _issue(desk: Desk) -> Command:
    number = f"ZJ{desk.draw.randrange(10**8):08}"
    return commands.Issue(desk.item.result_name or "批准文件", number, desk.today, None)


async def _check_afterwards(desk: Desk) -> Command:
    return commands.CheckAfterwards(desk.draw.choice(list(CheckResult)), "已核查")


async def _revoke(desk: Desk) -> Command:
    return commands.RevokeDecision("承诺不实", "国办发〔2020〕42号", _deceived(desk))


async def _correct(desk: Desk) -> Command:
    return commands.Correct("联系电话", "13900000000", "13900000001", "录入笔误")


async def _end(desk: Desk) -> Command:
    return commands.End(desk.draw.choice(list(EndManner)), "重复录入", "内部规定")


async def _archive(desk: Desk) -> Command:
    return commands.Archive(f"档{desk.draw.randrange(10**6)}")


async def _offer(desk: Desk) -> Command:
    return commands.OfferOwnership(desk.draw.choice((CHIEF, CLERK)).actor.actor_id)


async def _take(desk: Desk) -> Command:
    return commands.TakeOwnership()


async def _decline_ownership(desk: Desk) -> Command:
    return commands.DeclineOwnership("手上办件已满")


async def _recall(desk: Desk) -> Command:
    return commands.RecallRefusal("报备后重新审查")


async def _repair(desk: Desk) -> Command:
    return commands.RepairCredit("已整改并公示期满")


async def _explain(desk: Desk) -> Command:
    late = desk.draw.choice(violations.unexplained(desk.case))
    return commands.ExplainOverdue(late, desk.draw.choice(list(OverdueCause)), "窗口人员不足")


async def _record_off_hall(desk: Desk) -> Command:
    return commands.RecordOffHall("材料由科室收取，未经窗口")


async def _tell_rights(desk: Desk) -> Command:
    return commands.TellRights(("邻居甲", "邻居乙"), "影响采光", desk.draw.random() < 0.5)


async def _hear_view(desk: Desk) -> Command:
    told = desk.draw.choice(desk.case.all_of(RightsTold))
    party = desk.draw.choice(told.parties)
    return commands.HearView(party, "已陈述意见", told.hearing and desk.draw.random() < 0.5)


async def _lift_bar(desk: Desk) -> Command:
    return commands.LiftBar("经复核，材料属实")


FURTHER: dict[str, Callable[[Desk], Awaitable[Command]]] = {
    "PassPrereview": _pass_prereview,
    "ReturnPrereview": _give_back,
    "GiveNotice": _notice,
    "AcceptWithGaps": _with_gaps,
    "Decline": _decline,
    "SignCommitment": _commit,
    "WithdrawCommitment": _take_promise_back,
    "BeginProcedure": _begin_procedure,
    "EndProcedure": _end_procedure,
    "Survey": _survey,
    "Extend": _extend,
    "MakeUrgent": _make_urgent,
    "OpenLegs": _open_legs,
    "EndLeg": _end_leg,
    "SendOriginals": _send_originals,
    "ReceiveOriginals": _receive_originals,
    "ReportRefusal": _report,
    "Issue": _issue,
    "CheckAfterwards": _check_afterwards,
    "RevokeDecision": _revoke,
    "Correct": _correct,
    "End": _end,
    "Archive": _archive,
    "OfferOwnership": _offer,
    "TakeOwnership": _take,
    "DeclineOwnership": _decline_ownership,
    "RecallRefusal": _recall,
    "RepairCredit": _repair,
    "ExplainOverdue": _explain,
    "RecordOffHall": _record_off_hall,
    "TellRights": _tell_rights,
    "HearView": _hear_view,
    "LiftBar": _lift_bar,
}
