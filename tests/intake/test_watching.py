"""What time alone brings about, through the real tables: silence is acceptance, overdue is stamped."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.exchange.test_face import ask
from tests.intake.parts import ACCEPT, GRANT, NOTICE, RELIEF, face, file_request, take_release
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case, day_of
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.event import AcceptanceBasis, Accepted, Decided
from hallnet.case.fact import OverdueCause, ViolationRecorded, ViolationRule
from hallnet.case.policy import POLICY, Policy
from hallnet.case.stage import Stage
from hallnet.intake import cases, counting, watching
from hallnet.numbers.measure import Measure
from hallnet.trust.release import ReleaseKind
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


def watch(world: World, at: str = TOWNSHIP) -> int:
    station = world.at(at)
    return station.intake.transact(lambda c: watching.watch(c, station.hall, world.time.now))


def now(world: World, case: Case, at: str = TOWNSHIP) -> Case:
    found = world.case(at, case)
    assert found is not None
    return found


def test_silence_is_acceptance_by_itself_from_the_day_of_receipt(world: World) -> None:
    """行政许可法 article 32(4)."""
    case = world.file(TOWNSHIP, RELIEF)
    received_on = day_of(world.time.now)
    assert watch(world) == 0
    world.time.pass_by(days=14)
    assert watch(world) == 1
    accepted = now(world, case).last(Accepted)
    assert accepted is not None
    assert (accepted.basis, accepted.accepted_on) == (AcceptanceBasis.SILENCE, received_on)
    assert ViolationRule.SILENCE in {
        fact.rule for fact in now(world, case).all_of(ViolationRecorded)
    }


def test_what_was_told_or_is_with_another_hall_is_not_accepted_by_silence(world: World) -> None:
    told = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, told, NOTICE)
    world.time.pass_by(days=14)
    assert watch(world) == 0
    assert now(world, told).stage is Stage.CORRECTING
    assert watch(world, COUNTY) == 0


def test_a_licence_that_ended_without_a_decision_is_renewed_by_itself(world: World) -> None:
    """行政许可法 article 50: applied for in time at the face, and nobody decided."""
    ends = day_of(world.time.now) + timedelta(days=60)
    permit = next(one for one in supplied_catalogue().items if one.item_id == "investment-approval")
    request = file_request(
        world,
        at=COUNTY,
        item_id=permit.item_id,
        papers=[needed.name for needed in permit.materials if needed.asked_of_applicant],
        renews=wire_fact.Renewal(certificate_no="330110-7", valid_until=ends.isoformat()),
    )
    view = ask(face(world, COUNTY).FileCase(request, None)).case
    assert wire.CLOCK_KIND_RENEWAL in {clock.kind for clock in view.clocks}
    filed = world.at(COUNTY).intake.look(lambda c: cases.load(c, view.summary.case_id))
    world.act(COUNTY, filed, ACCEPT)
    world.time.pass_by(days=61)
    assert watch(world, COUNTY) == 1
    renewed = now(world, filed, COUNTY)
    assert renewed.stage is Stage.DECIDED
    decided = renewed.last(Decided)
    assert decided is not None
    assert decided.document_no
    assert watch(world, COUNTY) == 0


def test_what_is_overdue_is_stamped_once_at_the_hall_that_has_it(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    world.time.pass_by(days=100)
    assert watch(world) == 1
    stamps = now(world, case).all_of(ViolationRecorded)
    assert {fact.rule for fact in stamps} == {ViolationRule.OVERDUE}
    assert watch(world) == 0
    world.act(TOWNSHIP, case, GRANT)
    again = now(world, case).all_of(ViolationRecorded)
    assert len({fact.subject for fact in again}) == len(again)


def test_what_is_delivered_or_checked_too_late_is_stamped_by_itself(world: World) -> None:
    """行政许可法 article 44: decided in good time, and nobody hands the result out."""
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    world.act(TOWNSHIP, case, GRANT)
    assert watch(world) == 0
    world.time.pass_by(days=30)
    assert watch(world) == 1
    stamps = now(world, case).all_of(ViolationRecorded)
    assert {(fact.rule, fact.subject) for fact in stamps} == {(ViolationRule.OVERDUE, "DELIVERY")}
    assert watch(world) == 0


def test_why_it_was_late_is_on_record_and_in_the_numbers(world: World) -> None:
    """优化营商环境条例 article 36, through the tables: numbers as kept are those that the events give."""
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    world.act(TOWNSHIP, case, GRANT)
    world.time.pass_by(days=30)
    assert watch(world) == 1
    why = commands.ExplainOverdue("DELIVERY", OverdueCause.STAFF, "窗口人员空缺")
    world.act(TOWNSHIP, case, why)
    assert [fact.subject for fact in now(world, case).all_of(ViolationRecorded)] == ["DELIVERY"]
    station = world.at(TOWNSHIP)
    kept = station.intake.look(counting.kept)
    assert kept == station.intake.look(lambda c: counting.from_events(c, station.hall))
    totals = Counter(key.measure for key in kept.elements())
    assert (totals[Measure.OVERDUE_STAMPED], totals[Measure.LATE_BY_STAFF]) == (1, 1)


def test_more_cases_than_fit_in_one_look_are_done_in_the_next(world: World) -> None:
    filed = [world.file(TOWNSHIP, RELIEF) for _ in range(watching.CASES_AT_ONCE + 3)]
    world.time.pass_by(days=14)
    assert watch(world) == watching.CASES_AT_ONCE
    while watch(world):
        pass
    assert {now(world, case).stage for case in filed} == {Stage.ACCEPTED}


def test_a_policy_release_says_how_it_is_done_here(world: World) -> None:
    content = POLICY.to_bytes(Policy(refusal_report_waived=True))
    take_release(world, TOWNSHIP, ReleaseKind.POLICY, content)
    station = world.at(TOWNSHIP)
    policy = station.intake.look(lambda c: station.hall.releases.policy(c))
    assert policy.refusal_report_waived
