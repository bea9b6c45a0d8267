"""Custody between halls: taken, declined, failed and tried again; and the halls that only keep a copy."""

from __future__ import annotations

import pytest
from tests.exchange.parts import rows
from tests.intake.parts import (
    ACCEPT,
    GRANT,
    HAND_OVER,
    HUKOU,
    NOTICE,
    PENSION,
    REFUSED,
    UNANSWERED,
    Post,
    end_delivery,
    events_told,
    facts,
    history,
    raws,
    reported_up,
    row_of,
    sent,
    set_aside,
    told,
)
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.event import HandOverDeclined, HandOverFailed
from hallnet.case.problems import CaseInTransit, NotTheCustodian
from hallnet.intake import tables
from hallnet.places import Address
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

HELD = wire_envelope.VERDICT_HELD
ACCEPTED = wire_envelope.VERDICT_ACCEPTED


def test_a_case_that_is_offered_is_taken_with_all_its_history(world: World) -> None:
    case = reported_up(world)
    Post(world).settle()
    county = world.at(COUNTY)
    assert facts(events_told(county, case)) == ["TakenOver"]
    assert raws(county, case) == raws(world.at(TOWNSHIP), case)
    assert world.case(COUNTY, case).custodian == Address(COUNTY)  # type: ignore[union-attr]


def test_the_materials_go_with_the_case_and_not_before(world: World) -> None:
    case = reported_up(world)
    attached = [
        {attachment.digest for attachment in wanted.attachments}
        for entry in told(world.at(TOWNSHIP))
        for wanted in entry.dispatches
    ]
    assert attached[:-1] == [set()] * (len(attached) - 1)
    assert attached[-1] == {material.digest for material in case.materials}


def test_the_result_comes_back_without_the_materials_that_are_there(world: World) -> None:
    case = reported_up(world)
    Post(world).settle()
    world.act(COUNTY, case, GRANT)
    wanted = told(world.at(COUNTY))[-1].dispatches
    assert [(item.recipient, list(item.attachments)) for item in wanted] == [(TOWNSHIP, [])]


def test_a_hall_that_does_not_know_the_item_declines_and_the_sender_has_the_case(
    world: World,
) -> None:
    county = world.at(COUNTY)
    county.intake.transact(lambda c: c.execute(tables.item_version.delete()))
    world.restart(COUNTY)
    case = reported_up(world)
    Post(world).settle()
    (declined,) = events_told(world.at(COUNTY), case)
    assert isinstance(declined.fact, HandOverDeclined)
    assert declined.fact.reason == "ITEM_UNKNOWN"
    for address in (TOWNSHIP, COUNTY):
        assert row_of(world.at(address), case).custodian == TOWNSHIP
    assert world.act(TOWNSHIP, case, HAND_OVER).transit is not None


def test_a_case_that_was_declined_is_taken_when_it_is_offered_again(world: World) -> None:
    county = world.at(COUNTY)
    kept = rows(county.intake, tables.item_version)
    county.intake.transact(lambda c: c.execute(tables.item_version.delete()))
    world.restart(COUNTY)
    case, post = reported_up(world), Post(world)
    post.settle()
    world.at(COUNTY).intake.transact(
        lambda c: c.execute(tables.item_version.insert(), [dict(row._mapping) for row in kept])
    )
    world.act(TOWNSHIP, case, HAND_OVER)
    post.settle()
    assert world.act(COUNTY, case, GRANT).transit is not None
    post.settle()
    assert raws(world.at(COUNTY), case) == raws(world.at(TOWNSHIP), case)


BAD_ENDS = [
    (REFUSED, "TOO_LARGE", b"e" * 16),
    (REFUSED, "RECIPIENT_UNKNOWN", b"e" * 16),
    (UNANSWERED, "RECIPIENT_UNKNOWN", b"e" * 16),
    (HELD, "CERTIFICATE_EXPIRED", b"e" * 16),
    (UNANSWERED, "TOO_LARGE", b""),
]
"""Ends after which a hand-over is known to have no effect; what has no id was never sent."""


def end(
    world: World,
    case: Case,
    verdict: wire_envelope.Verdict.ValueType,
    reason: str,
    envelope_id: bytes,
) -> None:
    end_delivery(world, TOWNSHIP, case, verdict, reason, recipient=COUNTY, envelope_id=envelope_id)


def test_a_hand_over_that_cannot_arrive_comes_back_and_a_person_is_told(world: World) -> None:
    station = world.at(TOWNSHIP)
    for verdict, reason, envelope_id in BAD_ENDS:
        case = reported_up(world)
        end(world, case, verdict, reason, envelope_id)
        assert events_told(station, case)[-1].fact == HandOverFailed(reason)
        assert row_of(station, case).custodian == TOWNSHIP
        entry = told(station, "case.undelivered")[-1]
        ended = wire_feed.DeliveryEnded.FromString(entry.payload)
        assert (ended.subject, ended.reason) == (case.case_id, reason)
        end(world, case, verdict, reason, envelope_id)
        assert facts(events_told(station, case)).count("HandOverFailed") == 1


def test_a_hand_over_whose_end_is_not_known_stays_on_its_way_and_a_person_is_told(
    world: World,
) -> None:
    """It may have arrived: two halls must not both have the case."""
    case = reported_up(world)
    end(world, case, UNANSWERED, "ENVELOPE_EXPIRED", b"e" * 16)
    with pytest.raises(CaseInTransit):
        world.act(TOWNSHIP, case, GRANT)
    assert len(told(world.at(TOWNSHIP), "case.undelivered")) == 1
    Post(world).settle()
    assert world.case(COUNTY, case).custodian == Address(COUNTY)  # type: ignore[union-attr]


def test_a_hand_over_that_expired_is_sent_again_whole_for_as_long_as_it_is_not_answered(
    world: World,
) -> None:
    """A case is never with nobody for ever: the link was down for longer than an envelope lives."""
    case = reported_up(world)
    post = Post(world)
    for _ in range(3):
        post.carried[TOWNSHIP, COUNTY] = len(sent(world.at(TOWNSHIP), COUNTY))
        end(world, case, UNANSWERED, "ENVELOPE_EXPIRED", b"e" * 16)
    post.settle()
    assert world.case(COUNTY, case).custodian == Address(COUNTY)  # type: ignore[union-attr]
    assert raws(world.at(COUNTY), case) == raws(world.at(TOWNSHIP), case)
    end(world, case, UNANSWERED, "ENVELOPE_EXPIRED", b"e" * 16)
    assert len(told(world.at(TOWNSHIP), "case.sent_again")) == 3


def test_the_late_end_of_an_earlier_message_does_not_bring_a_later_hand_over_back(
    world: World,
) -> None:
    """Else two halls could have the case: the later one may have been taken."""
    case = reported_up(world)
    first = case.sequence
    end(world, case, REFUSED, "RECIPIENT_UNKNOWN", b"e" * 16)
    again = world.act(TOWNSHIP, case, HAND_OVER)
    end_delivery(
        world, TOWNSHIP, case, HELD, "CERTIFICATE_EXPIRED", recipient=COUNTY, reference=str(first)
    )
    assert world.case(TOWNSHIP, case) == again


def test_a_hand_over_that_failed_can_be_tried_again_and_arrives_whole(world: World) -> None:
    """The first envelope never arrived: what it held has to go with the second."""
    case = reported_up(world)
    post = Post(world)
    post.carried[TOWNSHIP, COUNTY] = len(sent(world.at(TOWNSHIP), COUNTY))
    end(world, case, REFUSED, "RECIPIENT_UNKNOWN", b"e" * 16)
    world.act(TOWNSHIP, case, HAND_OVER)
    post.settle()
    assert world.case(COUNTY, case).custodian == Address(COUNTY)  # type: ignore[union-attr]
    assert raws(world.at(COUNTY), case) == raws(world.at(TOWNSHIP), case)
    assert rows(world.at(COUNTY).intake, tables.early_event) == []


def test_a_good_end_of_a_hand_over_is_no_news(world: World) -> None:
    case = reported_up(world)
    before = told(world.at(TOWNSHIP))
    end(world, case, ACCEPTED, "", b"e" * 16)
    assert told(world.at(TOWNSHIP)) == before


def test_a_bad_end_of_something_else_does_not_bring_a_case_back(world: World) -> None:
    case = reported_up(world)
    for recipient, kind in ((OTHER_COUNTY, "case.events"), (COUNTY, "case.request")):
        end_delivery(world, TOWNSHIP, case, REFUSED, "TOO_LARGE", recipient=recipient, kind=kind)
    assert world.case(TOWNSHIP, case).transit is not None  # type: ignore[union-attr]
    assert len(told(world.at(TOWNSHIP), "case.undelivered")) == 2


def test_a_bad_end_of_a_case_that_is_not_known_is_passed_over(world: World) -> None:
    case = reported_up(world)
    end_delivery(world, COUNTY, case, REFUSED, "TOO_LARGE", recipient=TOWNSHIP)
    assert told(world.at(COUNTY)) == []


def test_a_hand_over_comes_back_only_to_the_hall_that_gave_it(world: World) -> None:
    """At the taker a refused message of its own does not touch the case on its way back."""
    case, post = reported_up(world), Post(world)
    post.settle()
    world.act(COUNTY, case, GRANT)
    post.carry(COUNTY, TOWNSHIP)
    end_delivery(world, TOWNSHIP, case, REFUSED, "TOO_LARGE", recipient=COUNTY)
    assert facts(history(world.at(TOWNSHIP), case))[-2:] == ["HandedOver", "TakenOver"]


# Across, by way of halls that do not know the case


def test_a_case_for_another_county_is_taken_there_and_its_result_comes_back(
    wide_world: World,
) -> None:
    world = wide_world
    case, post = world.file(COUNTY, HUKOU, for_division=OTHER_COUNTY), Post(world)
    world.act(COUNTY, case, HAND_OVER)
    post.settle()
    for command in (ACCEPT, GRANT):
        world.act(OTHER_COUNTY, case, command)
    post.settle()
    here, there = world.at(COUNTY), world.at(OTHER_COUNTY)
    assert facts(history(here, case)) == [
        "Filed",
        "HandedOver",
        "TakenOver",
        "Accepted",
        "Decided",
        "HandedOver",
        "TakenOver",
    ]
    assert raws(here, case) == raws(there, case)
    knowing = [name for name in world.stations if world.case(name, case) is not None]
    assert knowing == [COUNTY, OTHER_COUNTY]


def test_papers_that_came_in_on_the_way_go_back_with_the_result(wide_world: World) -> None:
    """The hall where a case was filed has what was handed in there; it may have to hand on the whole one day."""
    world = wide_world
    case, post = world.file(COUNTY, HUKOU, for_division=OTHER_COUNTY), Post(world)
    world.act(COUNTY, case, HAND_OVER)
    post.settle()
    world.act(OTHER_COUNTY, case, NOTICE)
    added = world.upload(OTHER_COUNTY, case.materials[0].name, b"new")
    for command in (commands.Supplement((added,)), ACCEPT, GRANT):
        world.act(OTHER_COUNTY, case, command)
    (wanted,) = told(world.at(OTHER_COUNTY))[-1].dispatches
    assert wanted.recipient == COUNTY
    assert [paper.digest for paper in wanted.attachments] == [added.digest]


# The centre that guides a branch hall


def test_the_county_holds_a_copy_of_what_its_branch_hall_does(world: World) -> None:
    branch = f"{COUNTY}-shebao"
    world.found(branch)
    case, post = world.file(branch, PENSION), Post(world)
    world.act(branch, case, ACCEPT)
    world.act(branch, case, GRANT)
    post.settle()
    county = world.at(COUNTY)
    assert raws(county, case) == raws(world.at(branch), case)
    assert row_of(county, case).custodian == branch
    assert events_told(county, case) == []
    assert [list(entry.dispatches) for entry in told(county)] == [[]] * 3
    assert world.case(TOWNSHIP, case) is None
    assert set_aside(county) == []


def test_a_copy_gives_the_guiding_hall_no_say(world: World) -> None:
    branch = f"{COUNTY}-shebao"
    world.found(branch)
    case, post = world.file(branch, PENSION), Post(world)
    post.settle()
    with pytest.raises(NotTheCustodian):
        world.act(COUNTY, case, ACCEPT)
    assert facts(history(world.at(COUNTY), case)) == ["Filed"]
