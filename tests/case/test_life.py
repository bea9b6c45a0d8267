"""Any life of a case among three halls: one custodian, one history, and no act that is promised in vain.

Invariants 2 and 3 of the architecture, checked after every step.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.case.builders import (
    ACCEPTED,
    COMPLETE,
    COUNTY,
    FAILED,
    FORM,
    GRANTED,
    INSTANT,
    ITEM,
    LEG,
    NOT_TAKEN,
    NOTICE,
    OTHER_COUNTY,
    PHOTO,
    REPORTED_UP,
    START,
    SURVEYED,
    TAKEN,
    TOLERANT,
    TOWNSHIP,
    WITHDRAWN,
    History,
    context,
    event_for,
    extended,
    filed,
    item,
    material,
    to,
    working_days,
)

from hallnet.case import command as commands
from hallnet.case.case import Case, read_history
from hallnet.case.command import Command
from hallnet.case.decide import decide
from hallnet.case.event import (
    EVENT,
    DeclineGround,
    Defect,
    DeliveryMethod,
    Fact,
    HandOverFailed,
    HandOverPurpose,
    Opinion,
    Outcome,
)
from hallnet.case.fact import (
    CheckResult,
    EndManner,
    LegOutcome,
    MandateChange,
    OverdueCause,
    PlannedLeg,
    ProcedureKind,
)
from hallnet.case.item import HandlingKind, ItemVersion, JointMode
from hallnet.case.ownership import ownership_at, ownership_of
from hallnet.case.person import Actor, ActorKind
from hallnet.case.possible import possible_acts
from hallnet.case.problems import (
    ActNotPossible,
    CaseInTransit,
    EventOutOfTurn,
    MandateMissing,
    NotCompetent,
    NothingToHandOver,
    NotTheCustodian,
)
from hallnet.case.rules.custody import answer_hand_over
from hallnet.case.rules.problems import (
    BagUnknown,
    CommitmentMissing,
    CommitmentNotAllowed,
    GapsUnknown,
    LegsOpen,
    LegUnknown,
    NothingToDecide,
    NotJoint,
)
from hallnet.places import Address
from hallnet.problems import Problem

HALLS = (TOWNSHIP, COUNTY, OTHER_COUNTY)
WAYS = [(TOWNSHIP, COUNTY), (OTHER_COUNTY, COUNTY), (COUNTY, COUNTY), (COUNTY, OTHER_COUNTY)]
"""Up, across, at home, and to a hall that will not be asked to report up."""
ITEMS = (
    ITEM,
    INSTANT,
    TOLERANT,
    REPORTED_UP,
    item(report_up=True, handling_kind=HandlingKind.INSTANT),
    item(filing_only=True),
    item(concerns_safety=True, report_up=True),
    item(filed_anew_when_incomplete=True),
)
COMMANDS: tuple[Command, ...] = (
    commands.GiveNotice((Defect(FORM, "缺少", "补交"), Defect(PHOTO, "缺少", "补交"))),
    commands.Supplement((material(PHOTO),)),
    commands.Supplement(COMPLETE),
    commands.Accept(),
    commands.Decline(DeclineGround.NOT_NEEDED, "无需许可", ""),
    commands.Review(Opinion.UNFAVOURABLE, "不符合条件"),
    commands.HandOver(""),
    commands.Decide(Outcome.GRANTED, "", ""),
    commands.Decide(Outcome.REFUSED, "不符合条件", "某法"),
    commands.Close(DeliveryMethod.COUNTER, "章三"),
    commands.Withdraw("不办了"),
    commands.PassPrereview(),
    commands.ReturnPrereview((Defect(FORM, "缺少", "补交"), Defect(PHOTO, "缺少", "补交"))),
    commands.AcceptWithGaps(material("承诺书")),
    commands.SignCommitment((PHOTO,), "2026版", material("承诺书")),
    commands.WithdrawCommitment("改按一般程序"),
    commands.BeginProcedure(ProcedureKind.TEST, "", working_days(5), "需检测", None),
    commands.EndProcedure("合格"),
    commands.Survey(START.date(), SURVEYED.surveyors, "符合", True),
    commands.Extend(working_days(5), "局长", "情况复杂"),
    commands.MakeUrgent("主任", "救急", working_days(1)),
    commands.OpenLegs(),
    commands.EndLeg(1, LegOutcome.STOPPED, "不再需要"),
    commands.SendOriginals("B-1", ("房产证",), COUNTY, "邮政"),
    commands.ReceiveOriginals("B-1", ("房产证",), True, ""),
    commands.ReportRefusal("联络员", "不符合条件"),
    commands.Issue("某证", "Z-1", START.date(), None),
    commands.CheckAfterwards(CheckResult.KEPT, "属实"),
    commands.RevokeDecision("承诺不实", "某法"),
    commands.Correct("姓名", "章三", "章叁", "录入错误"),
    commands.End(EndManner.TERMINATED, "申请人死亡", "某法"),
    commands.Archive("档-1"),
    commands.ChangeMandate(MandateChange.SUSPENDED, "本人要求"),
    commands.OfferOwnership("colleague"),
    commands.TakeOwnership(),
    commands.DeclineOwnership("正在休假"),
    commands.RecallRefusal("依据有误"),
    commands.CheckAfterwards(CheckResult.BROKEN, "不属实"),
    commands.RepairCredit("已履行"),
    commands.ExplainOverdue("PROMISE", OverdueCause.OTHER_BODY, "协办局回函迟"),
    commands.RecordOffHall("后方收件"),
    commands.TellRights(("吴九",), "采光", True),
    commands.HearView("吴九", "影响采光", False),
    commands.Decline(DeclineGround.DECEIT, "证明系伪造", ""),
    commands.Decide(Outcome.REFUSED, "证明系伪造", "某法", deceit=True),
    commands.RevokeDecision("骗取许可", "某法", deceit=True),
    commands.LiftBar("复核属实"),
)
ENDING = (commands.Withdraw, commands.Decline, commands.End)
JOINT = item(joint_bodies=("甲局", "乙局"), joint_mode=JointMode.PARALLEL, commitment_allowed=True)
LEGS = (LEG, replace(LEG, leg=2, group=2))
FACTS: tuple[Fact, ...] = (
    NOTICE,
    ACCEPTED,
    GRANTED,
    WITHDRAWN,
    TAKEN,
    NOT_TAKEN,
    FAILED,
    to(COUNTY),
    to(OTHER_COUNTY),
)
PEOPLE = ("clerk", "colleague", "third", "")
NOT_HERE = (NotTheCustodian, CaseInTransit)
NOT_NOW = (
    *NOT_HERE,
    ActNotPossible,
    NotCompetent,
    NothingToHandOver,
    GapsUnknown,
    CommitmentMissing,
    CommitmentNotAllowed,
    NotJoint,
    LegUnknown,
    LegsOpen,
    BagUnknown,
    MandateMissing,
    NothingToDecide,
)


def legs_of(wanted: ItemVersion) -> tuple[PlannedLeg, ...]:
    return LEGS if wanted.joint_bodies else ()


def refusal(case: Case, command: Command, here: Address, wanted: ItemVersion) -> Problem | None:
    try:
        decide(case, command, context(here, wanted, now=case.changed_at, legs=legs_of(wanted)))
    except Problem as problem:
        return problem
    return None


class Life(RuleBasedStateMachine):
    """Three halls with every power, and whatever they may think of."""

    @initialize(
        way=st.sampled_from(WAYS),
        wanted=st.sampled_from((*ITEMS, JOINT)),
        complete=st.booleans(),
        online=st.booleans(),
    )
    def an_application_is_filed(
        self, way: tuple[Address, Address], wanted: ItemVersion, complete: bool, online: bool
    ) -> None:
        intake, competent = way
        self.item = wanted
        materials = COMPLETE if complete else COMPLETE[:1]
        opening = filed(intake, competent, materials=materials, for_prereview=online)
        self.history = History(opening)

    @property
    def case(self) -> Case:
        return self.history.case

    @precondition(lambda self: self.case.transit is None)
    @rule(number=st.integers(0, 100))
    def the_custodian_goes_on(self, number: int) -> None:
        """Most of what happens is sensible, or no case would ever come far."""
        here = self.case.custodian
        sensible = [
            command
            for command in COMMANDS
            if not isinstance(command, ENDING)
            and refusal(self.case, command, here, self.item) is None
        ]
        if sensible:
            self._act(here, sensible[number % len(sensible)])

    @precondition(lambda self: self.case.sequence > 3)
    @rule(command=st.sampled_from(COMMANDS))
    def the_custodian_does_anything(self, command: Command) -> None:
        self._act(self.case.custodian, command)

    @rule(here=st.sampled_from(HALLS), command=st.sampled_from(COMMANDS))
    def another_hall_acts(self, here: Address, command: Command) -> None:
        before = self.case
        if here != before.custodian:
            self._act(here, command)
            assert self.case == before

    @precondition(lambda self: self.case.transit is not None)
    @rule(item_known=st.sampled_from([True, True, True, False]))
    def a_hand_over_is_answered(self, item_known: bool) -> None:
        transit = self.case.transit
        assert transit is not None
        answer = answer_hand_over(self.case, transit.to, item_known)
        self.history.add(answer, author=transit.to)

    @precondition(lambda self: self.case.transit is not None)
    @rule()
    def a_hand_over_does_not_arrive(self) -> None:
        transit = self.case.transit
        assert transit is not None
        self.history.add(HandOverFailed("RECIPIENT_UNKNOWN"), author=transit.giver)

    @rule(author=st.sampled_from(HALLS), fact=st.sampled_from(FACTS))
    def a_hall_without_a_say_makes_an_event(self, author: Address, fact: Fact) -> None:
        case = self.case
        if isinstance(fact, HandOverFailed):
            may = case.transit is not None and author == case.transit.giver
        elif fact in (TAKEN, NOT_TAKEN):
            may = case.transit is not None and author == case.transit.to
        else:
            may = case.transit is None and author == case.custodian
        if may:
            return
        try:
            extended(case, event_for(case, fact, author))
        except EventOutOfTurn:
            return
        raise AssertionError(f"{author} had no say and said {fact}")

    def _act(self, here: Address, command: Command) -> None:
        now = self.case.changed_at + timedelta(hours=3)
        before = self.case
        try:
            facts = decide(
                before, command, context(here, self.item, now=now, legs=legs_of(self.item))
            )
        except Problem:
            assert self.case == before
            return
        assert facts, "an act without a fact"
        for fact in facts:
            self.history.add(fact, now, author=here)

    @invariant()
    def one_hall_has_the_case_or_it_is_on_its_way_to_one(self) -> None:
        """Never two who may act, and never nobody who will."""
        may_act = [
            hall
            for hall in HALLS
            if not isinstance(refusal(self.case, commands.Accept(), hall, self.item), NOT_HERE)
        ]
        if self.case.transit is None:
            assert may_act == [self.case.custodian]
        else:
            assert may_act == []
            assert self.case.transit.to in HALLS
            assert self.case.transit.giver in HALLS
            assert self.case.transit.to != self.case.transit.giver

    @invariant()
    def the_events_alone_give_the_same_case(self) -> None:
        raws = self.history.raws
        assert read_history(raws) == self.case
        assert self.case.sequence == len(raws) == len(self.case.marks)
        half = len(raws) // 2
        assert read_history(raws[half:], read_history(raws[:half])) == self.case

    @invariant()
    def what_is_possible_is_what_is_not_refused_for_stage_custody_or_competence(self) -> None:
        for here in HALLS:
            named = set(possible_acts(self.case, self.item, here))
            for command in COMMANDS:
                problem = refusal(self.case, command, here, self.item)
                possible = not isinstance(problem, NOT_NOW)
                name = type(command).__name__
                assert (name in named) == possible, f"{name} at {here}: {problem!r}"

    @precondition(lambda self: self.case.transit is None)
    @rule(by=st.sampled_from(PEOPLE), to=st.sampled_from(PEOPLE), step=st.integers(0, 2))
    def somebody_hands_it_on(self, by: str, to: str, step: int) -> None:
        """Whoever it is, and whether or not it is his: an owner is one person until another took it."""
        command: Command = (
            commands.OfferOwnership(to),
            commands.TakeOwnership(),
            commands.DeclineOwnership("正忙"),
        )[step]
        before, case = ownership_of(self.case), self.case
        here, now = case.custodian, case.changed_at + timedelta(minutes=1)
        actor = Actor(ActorKind.STAFF, by, by)
        asked = context(here, self.item, now=now, actor=actor, powers=frozenset())
        try:
            [fact] = decide(case, command, asked)
        except Problem:
            return
        event = event_for(case, fact, here, now, actor)
        self.history.raws.append(EVENT.to_bytes(event))
        self.history.case = extended(case, event)
        after = ownership_of(self.case)
        if step == 1:
            assert (before.offered_to, after.owner, after.offered_to) == (by, by, "")
        else:
            assert after.owner == before.owner

    @invariant()
    def somebody_answers_for_it(self) -> None:
        """首办负责: at the hall that has it, or gave it away and is not answered, always one person."""
        ownership = ownership_of(self.case)
        assert ownership.owner
        assert ownership_at(self.case, self.case.custodian) == ownership
        assert self.case.transit is None or not ownership.offered_to

    @invariant()
    def every_hall_with_a_part_in_it_keeps_a_replica(self) -> None:
        halls = self.case.halls()
        assert self.case.custodian in halls
        assert self.case.filed.intake_hall in halls
        assert self.case.transit is None or self.case.transit.to in halls

    @invariant()
    def a_case_that_did_not_end_has_something_that_can_happen(self) -> None:
        transit = self.case.transit
        if self.case.ended:
            assert transit is None or transit.purpose is HandOverPurpose.AFTER_CHECK
        elif self.case.transit is None:
            assert possible_acts(self.case, self.item, self.case.custodian)


Life.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestLife = Life.TestCase
