"""The life of a case: which event may follow on which, by whom, and that nothing else may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import (
    ACCEPTED,
    ARCHIVED,
    BARRED,
    BEGAN,
    CHECKED,
    CITY,
    CLOSED,
    COMPLETE,
    CONFIRMED,
    CORRECTED,
    COUNTY,
    DECLINED,
    ENDED_OTHERWISE,
    EXPLAINED,
    EXTENDED,
    EXTRACT,
    FAILED,
    FORM,
    GRANTED,
    HEARD,
    ISSUED,
    ITEM,
    LEG_ENDED,
    LEG_OPENED,
    LIFTED,
    NOT_OWNED,
    NOT_TAKEN,
    NOTICE,
    OFFERED,
    OTHER_COUNTY,
    OWNED,
    PASSED,
    PHOTO,
    PLANNED,
    PROCEDURE_ENDED,
    RECALLED,
    REPAIRED,
    REPORTED,
    RETURNED,
    REVIEWED,
    REVOKED,
    RIGHTS_TOLD,
    SENT,
    SHEBAO,
    SIGNED,
    START,
    SUPPLEMENT,
    SURVEYED,
    SUSPENDED,
    TAKEN,
    TOWNSHIP,
    UNSIGNED,
    URGENT,
    VIOLATION,
    WITHDRAWN,
    History,
    at,
    case_with,
    event_for,
    extended,
    filed,
    material,
    to,
    who_has_the_say,
)

from hallnet.case.case import EVENTS_MAX, Case, Transit, day_of, evolve, read_history
from hallnet.case.event import (
    EVENT,
    CaseEvent,
    Fact,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    TakenOver,
    digest,
)
from hallnet.case.fact import ProcedureEnded
from hallnet.case.problems import ActNotPossible, EventOutOfTurn, HistoryBroken
from hallnet.case.stage import ENDED, NAMES, TABLE, WITH_APPLICANT, Stage
from hallnet.places import Address
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

AWAY = to(TOWNSHIP)
ONLINE = filed(for_prereview=True)
WAYS: dict[Stage, tuple[Fact, ...]] = {
    Stage.RECEIVED: (),
    Stage.CORRECTING: (NOTICE,),
    Stage.ACCEPTED: (ACCEPTED,),
    Stage.REVIEWED: (ACCEPTED, REVIEWED),
    Stage.DECIDED: (ACCEPTED, GRANTED),
    Stage.CLOSED: (ACCEPTED, GRANTED, CLOSED),
    Stage.DECLINED: (DECLINED,),
    Stage.WITHDRAWN: (WITHDRAWN,),
    Stage.PREREVIEW: (),
    Stage.RETURNED: (RETURNED,),
    Stage.ENDED: (ENDED_OTHERWISE,),
    Stage.REVOKED: (ACCEPTED, GRANTED, REVOKED),
}
"""How a case comes into each stage."""


def in_stage(stage: Stage, *more: Fact) -> Case:
    online = stage in (Stage.PREREVIEW, Stage.RETURNED)
    return case_with(*WAYS[stage], *more, opening=ONLINE if online else filed())


DECEIT = (BARRED, LIFTED)
OWNING = (OFFERED, OWNED, NOT_OWNED)
ANY_TIME = (SUSPENDED, SENT, CONFIRMED, VIOLATION, EXPLAINED, *OWNING)
IN_PROCESS = (
    SUPPLEMENT,
    SIGNED,
    UNSIGNED,
    BEGAN,
    SURVEYED,
    EXTENDED,
    PLANNED,
    LEG_OPENED,
    LEG_ENDED,
    RIGHTS_TOLD,
    HEARD,
)
STAYS: dict[Stage, tuple[Fact, ...]] = {
    Stage.PREREVIEW: (*ANY_TIME, AWAY),
    Stage.RETURNED: ANY_TIME,
    Stage.RECEIVED: (*ANY_TIME, AWAY, SUPPLEMENT, SIGNED, UNSIGNED, URGENT),
    Stage.CORRECTING: (*ANY_TIME, SIGNED, UNSIGNED),
    Stage.ACCEPTED: (*ANY_TIME, AWAY, *IN_PROCESS, URGENT),
    Stage.REVIEWED: (*ANY_TIME, AWAY, *IN_PROCESS, URGENT),
    Stage.DECIDED: (*ANY_TIME, AWAY, REPORTED, ISSUED, CORRECTED, CHECKED, REPAIRED, *DECEIT),
    Stage.CLOSED: (
        SENT,
        CONFIRMED,
        VIOLATION,
        AWAY,
        CORRECTED,
        CHECKED,
        ARCHIVED,
        *OWNING,
        REPAIRED,
        EXPLAINED,
        LIFTED,
    ),
    Stage.DECLINED: (SENT, CONFIRMED, ARCHIVED, *DECEIT),
    Stage.WITHDRAWN: (SENT, CONFIRMED, ARCHIVED),
    Stage.ENDED: (SENT, CONFIRMED, ARCHIVED),
    Stage.REVOKED: (SENT, CONFIRMED, ARCHIVED, REPAIRED, *DECEIT),
}
OPEN_ENDS: dict[Fact, Stage] = {WITHDRAWN: Stage.WITHDRAWN, ENDED_OTHERWISE: Stage.ENDED}
MOVES: dict[Stage, dict[Fact, Stage]] = {
    Stage.PREREVIEW: {PASSED: Stage.RECEIVED, RETURNED: Stage.RETURNED, **OPEN_ENDS},
    Stage.RETURNED: {SUPPLEMENT: Stage.PREREVIEW, **OPEN_ENDS},
    Stage.RECEIVED: {
        NOTICE: Stage.CORRECTING,
        ACCEPTED: Stage.ACCEPTED,
        DECLINED: Stage.DECLINED,
        **OPEN_ENDS,
    },
    Stage.CORRECTING: {SUPPLEMENT: Stage.RECEIVED, **OPEN_ENDS},
    Stage.ACCEPTED: {
        REVIEWED: Stage.REVIEWED,
        GRANTED: Stage.DECIDED,
        CLOSED: Stage.CLOSED,
        **OPEN_ENDS,
    },
    Stage.REVIEWED: {GRANTED: Stage.DECIDED, CLOSED: Stage.CLOSED, **OPEN_ENDS},
    Stage.DECIDED: {CLOSED: Stage.CLOSED, REVOKED: Stage.REVOKED, RECALLED: Stage.ACCEPTED},
    Stage.CLOSED: {REVOKED: Stage.REVOKED},
    Stage.DECLINED: {},
    Stage.WITHDRAWN: {},
    Stage.ENDED: {},
    Stage.REVOKED: {},
}
ACTS = {stage: dict.fromkeys(STAYS[stage], stage) | MOVES[stage] for stage in Stage}
"""The life of 行政许可法 articles 29 to 48, written once more, apart from the code."""
FACTS: tuple[Fact, ...] = tuple(
    dict.fromkeys(
        [
            filed(),
            *(fact for stage in Stage for fact in ACTS[stage]),
            PROCEDURE_ENDED,
        ]
    )
)
ANSWERS: tuple[Fact, ...] = (TAKEN, NOT_TAKEN, FAILED)
HANDED_OVER_AT = [stage for stage, acts in ACTS.items() if AWAY in acts]
named = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
answered = pytest.mark.parametrize("answer", ANSWERS, ids=lambda fact: type(fact).__name__)


@pytest.mark.parametrize("stage", Stage)
@named
def test_what_may_follow_at_each_stage(stage: Stage, fact: Fact) -> None:
    case = in_stage(stage)
    assert case.stage is stage
    event = event_for(case, fact, case.custodian)
    expected = ACTS[stage].get(fact)
    if expected is None:
        with pytest.raises(ActNotPossible) as refused:
            extended(case, event)
        assert refused.value.particulars == {"stage": NAMES[stage], "act": type(fact).__name__}
    else:
        after = extended(case, event)
        assert after.stage is expected
        assert after.sequence == case.sequence + 1
        assert after.marks == (*case.marks, after.marks[-1])
        assert after.marks[-1].fact == fact


@pytest.mark.parametrize("stage", HANDED_OVER_AT)
@answered
def test_an_answer_to_a_hand_over_leaves_the_stage_as_it_is(stage: Stage, answer: Fact) -> None:
    case = in_stage(stage, AWAY)
    after = in_stage(stage, AWAY, answer)
    assert case.transit == Transit(COUNTY, TOWNSHIP, HandOverPurpose.ACROSS, case.changed_at)
    assert after.stage is stage
    assert after.transit is None
    assert after.custodian == (TOWNSHIP if answer is TAKEN else COUNTY)


@pytest.mark.parametrize("stage", Stage)
@answered
def test_there_is_no_answer_where_nothing_was_handed_over(stage: Stage, answer: Fact) -> None:
    case = in_stage(stage)
    for author in (COUNTY, TOWNSHIP):
        with pytest.raises(EventOutOfTurn):
            extended(case, event_for(case, answer, author))


@pytest.mark.parametrize("stage", HANDED_OVER_AT)
@named
def test_nobody_acts_on_a_case_that_is_on_its_way(stage: Stage, fact: Fact) -> None:
    case = in_stage(stage, AWAY)
    for author in (COUNTY, TOWNSHIP, OTHER_COUNTY):
        with pytest.raises(EventOutOfTurn):
            extended(case, event_for(case, fact, author))


def test_the_table_has_no_other_edges() -> None:
    moves: set[type[Fact]] = {HandedOver, TakenOver, HandOverDeclined, HandOverFailed}
    for stage, edges in TABLE.items():
        expected = {type(fact): after for fact, after in ACTS[stage].items()}
        if AWAY in ACTS[stage] or stage in WITH_APPLICANT:
            expected |= dict.fromkeys(moves, stage)
        if BEGAN in ACTS[stage]:
            expected[ProcedureEnded] = stage
        assert edges == expected
    assert TABLE.keys() == set(Stage)


def test_a_case_that_ended_never_runs_again_and_every_other_case_can_still_end() -> None:
    for stage in Stage:
        assert (set(TABLE[stage].values()) <= ENDED) == (stage in ENDED)
        reached, frontier = {stage}, [stage]
        while frontier:
            more = set(TABLE[frontier.pop()].values()) - reached
            reached |= more
            frontier += more
        assert reached & ENDED


def test_stages_bear_the_numbers_of_the_wire_and_a_name() -> None:
    assert {stage.value for stage in Stage} == set(wire.CaseStage.values()) - {0}
    assert NAMES.keys() == set(Stage)


@pytest.mark.parametrize(
    "fact", [REVIEWED, GRANTED, AWAY, BEGAN], ids=lambda fact: type(fact).__name__
)
def test_while_a_special_procedure_goes_on_nothing_is_decided_and_nothing_leaves(
    fact: Fact,
) -> None:
    """行政许可法 article 45."""
    paused = case_with(ACCEPTED, BEGAN)
    with pytest.raises(ActNotPossible):
        extended(paused, event_for(paused, fact, COUNTY))
    ended = case_with(ACCEPTED, BEGAN, PROCEDURE_ENDED)
    assert extended(ended, event_for(ended, fact, COUNTY))


@pytest.mark.parametrize("fact", [GRANTED, AWAY], ids=lambda fact: type(fact).__name__)
def test_with_an_open_leg_a_joint_case_is_not_decided_and_does_not_leave(fact: Fact) -> None:
    joint = case_with(ACCEPTED, PLANNED, LEG_OPENED)
    assert [leg.leg for leg in joint.open_legs] == [1]
    with pytest.raises(ActNotPossible):
        extended(joint, event_for(joint, fact, COUNTY))
    ended = case_with(ACCEPTED, PLANNED, LEG_OPENED, LEG_ENDED)
    assert extended(ended, event_for(ended, fact, COUNTY))


def test_legs_are_planned_and_a_case_is_archived_once() -> None:
    for facts, again in (((ACCEPTED, PLANNED), PLANNED), ((DECLINED, ARCHIVED), ARCHIVED)):
        case = case_with(*facts)
        with pytest.raises(ActNotPossible):
            extended(case, event_for(case, again, COUNTY))


# Turns -----------------------------------------------------------------------------------------

EVERYBODY = (COUNTY, TOWNSHIP, OTHER_COUNTY, CITY, SHEBAO)


@pytest.mark.parametrize("stage", Stage)
def test_only_the_custodian_adds_events(stage: Stage) -> None:
    case = in_stage(stage)
    for fact in ACTS[stage]:
        for author in set(EVERYBODY) - {COUNTY}:
            with pytest.raises(EventOutOfTurn) as refused:
                extended(case, event_for(case, fact, author))
            assert refused.value.particulars == {"author": str(author)}


@pytest.mark.parametrize(
    ("answer", "who"), [(TAKEN, TOWNSHIP), (NOT_TAKEN, TOWNSHIP), (FAILED, COUNTY)]
)
def test_a_hand_over_is_answered_by_the_hall_that_it_is_for_and_ended_by_the_giver(
    answer: Fact, who: Address
) -> None:
    case = case_with(AWAY)
    assert who_has_the_say(case, answer) == who
    for author in EVERYBODY:
        event = event_for(case, answer, author)
        if author == who:
            assert extended(case, event).transit is None
        else:
            with pytest.raises(EventOutOfTurn):
                extended(case, event)


def test_the_giver_has_lost_its_say_when_the_case_was_taken() -> None:
    case = case_with(AWAY, TAKEN)
    with pytest.raises(EventOutOfTurn):
        extended(case, event_for(case, ACCEPTED, COUNTY))
    assert extended(case, event_for(case, ACCEPTED, TOWNSHIP)).stage is Stage.ACCEPTED


# The chain -------------------------------------------------------------------------------------


def test_a_case_is_opened_by_the_hall_that_received_it() -> None:
    event = event_for(None, filed(), COUNTY)
    case = extended(None, event)
    assert (case.stage, case.custodian, case.sequence) == (Stage.RECEIVED, COUNTY, 1)
    assert case.received_at == case.changed_at == START
    for author in (TOWNSHIP, OTHER_COUNTY):
        with pytest.raises(EventOutOfTurn):
            extended(None, replace(event, author=author))


@pytest.mark.parametrize(
    "event",
    [
        event_for(None, ACCEPTED, COUNTY),
        event_for(None, filed(), COUNTY, sequence=2),
        event_for(None, filed(), COUNTY, sequence=0),
        event_for(None, filed(), COUNTY, previous=b"something before"),
    ],
)
def test_a_history_begins_at_its_beginning(event: CaseEvent) -> None:
    with pytest.raises(HistoryBroken):
        extended(None, event)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 1},
        {"sequence": 2},
        {"sequence": 4},
        {"sequence": 0},
        {"previous": b""},
        {"previous": digest(b"another history")},
        {"case_id": "case-2"},
    ],
)
def test_an_event_that_does_not_follow_on_the_last_one_is_refused(
    changes: dict[str, object],
) -> None:
    case = case_with(ACCEPTED)
    assert case.sequence == 2
    event = event_for(case, GRANTED, COUNTY)
    assert extended(case, event)
    with pytest.raises(HistoryBroken):
        extended(case, replace(event, **changes))  # type: ignore[arg-type]


def test_an_event_whose_forerunner_was_changed_by_a_bit_is_refused() -> None:
    history = History().extend([ACCEPTED, GRANTED])
    told = EVENT.from_bytes(history.raws[0])
    changed = replace(told, at=datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(HistoryBroken):
        read_history([EVENT.to_bytes(changed), *history.raws[1:]])


@given(st.permutations(range(4)))
def test_events_in_another_order_are_no_history(order: list[int]) -> None:
    raws = History().extend([ACCEPTED, REVIEWED, GRANTED]).raws
    if order == sorted(order):
        assert read_history(raws) is not None
    else:
        with pytest.raises(HistoryBroken):
            read_history([raws[number] for number in order])


@pytest.mark.parametrize("left_out", range(3))
def test_a_history_with_a_gap_is_none(left_out: int) -> None:
    raws = History().extend([ACCEPTED, REVIEWED, GRANTED]).raws
    with pytest.raises(HistoryBroken):
        read_history([*raws[:left_out], *raws[left_out + 1 :]])


def test_a_history_in_which_an_event_comes_twice_is_none() -> None:
    raws = History().extend([ACCEPTED, REVIEWED, GRANTED]).raws
    for twice in range(4):
        with pytest.raises(HistoryBroken):
            read_history([*raws[: twice + 1], *raws[twice:]])


def test_a_history_read_in_parts_is_the_same_case() -> None:
    history = History().extend([AWAY, NOT_TAKEN, ACCEPTED, GRANTED, CLOSED])
    whole = read_history(history.raws)
    assert whole == history.case
    for cut in range(len(history.raws) + 1):
        assert read_history(history.raws[cut:], read_history(history.raws[:cut])) == whole
    assert read_history([]) is None


def test_a_case_has_a_bound_to_its_events() -> None:
    case = replace(case_with(), sequence=EVENTS_MAX - 1)
    last = extended(case, event_for(case, AWAY, COUNTY))
    assert last.sequence == EVENTS_MAX
    with pytest.raises(HistoryBroken):
        extended(last, event_for(last, TAKEN, TOWNSHIP))


def test_evolving_changes_neither_the_case_nor_the_event() -> None:
    case, before = case_with(), case_with()
    evolve(case, event_for(case, ACCEPTED, COUNTY), b"digest")
    assert case == before


# What is known of a case -----------------------------------------------------------------------


def test_of_a_material_that_was_handed_in_twice_the_newer_counts() -> None:
    newer = replace(material(PHOTO), digest=b"newer")
    case = case_with(NOTICE, replace(SUPPLEMENT, materials=(newer, material("授权书"))))
    assert [found.name for found in case.materials] == [FORM, PHOTO, "授权书"]
    assert newer in case.materials
    assert len(case.materials) == 3


def test_what_is_missing_is_what_the_applicant_has_to_hand_in() -> None:
    nothing = case_with(opening=filed(materials=()))
    assert nothing.missing_materials(ITEM) == [FORM, PHOTO]
    assert EXTRACT not in nothing.missing_materials(ITEM)
    assert case_with(opening=filed(materials=COMPLETE)).missing_materials(ITEM) == []
    photo_only = case_with(opening=filed(materials=(material(PHOTO),)))
    assert photo_only.missing_materials(ITEM) == [FORM]


def halls(case: Case) -> set[str]:
    return {str(hall) for hall in case.halls()}


def test_every_hall_that_has_a_part_in_a_case_keeps_a_replica() -> None:
    assert halls(case_with()) == {"330110"}
    assert halls(case_with(to(OTHER_COUNTY))) == {"330110", "330127"}
    assert halls(case_with(to(OTHER_COUNTY), NOT_TAKEN)) == {"330110", "330127"}
    assert halls(case_with(opening=filed(TOWNSHIP))) == {"330110012"}


def test_the_centre_that_guides_a_branch_hall_keeps_a_replica_too() -> None:
    assert halls(case_with(opening=filed(SHEBAO, SHEBAO))) == {"330110-shebao", "330110"}
    assert halls(case_with(to(SHEBAO), opening=filed(OTHER_COUNTY))) == {
        "330127",
        "330110-shebao",
        "330110",
    }


def test_the_newest_of_a_kind_is_found() -> None:
    first, second = replace(NOTICE, document_no="1"), replace(NOTICE, document_no="2")
    case = case_with(first, SUPPLEMENT, second)
    found = case.newest(type(NOTICE))
    assert found is not None
    assert found.fact == second
    assert case.newest(type(CLOSED)) is None


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (at("2026-03-02 00:00"), date(2026, 3, 2)),
        (at("2026-03-02 23:59"), date(2026, 3, 2)),
        (datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 2, 16, 0, tzinfo=UTC), date(2026, 3, 3)),
    ],
)
def test_a_day_of_the_law_is_a_day_in_china(moment: datetime, day: date) -> None:
    assert day_of(moment) == day


@pytest.mark.parametrize("stage", sorted(WITH_APPLICANT))
def test_where_the_applicant_is_next_a_case_goes_only_to_the_hall_that_goes_on(
    stage: Stage,
) -> None:
    case = in_stage(stage)
    across = HandedOver(COUNTY, HandOverPurpose.ACROSS, "")
    with pytest.raises(ActNotPossible):
        extended(case, event_for(case, across, case.custodian))
    for_good = HandedOver(COUNTY, HandOverPurpose.SUCCESSION, "")
    moved = extended(case, event_for(case, for_good, case.custodian))
    moved = extended(moved, event_for(moved, TakenOver(), COUNTY))
    assert (moved.stage, moved.custodian) == (stage, COUNTY)
    assert moved.home == COUNTY
