"""Invitations to rate and what the desk works from, through the face, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.intake.parts import ACCEPT, CLOSE, GRANT, RELIEF, REVIEW, act, records, take_release
from tests.intake.test_window import book, call, call_next, on_day, opened, put_window, step, take
from tests.simulation.halls import CHIEF, CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.policy import POLICY, Policy, RatingIndicator, RatingIndicators
from hallnet.trust.release import ReleaseKind
from hallnet.window.problems import (
    AlreadyRated,
    IndicatorUnknown,
    NotOverYet,
    RatingInvitationOver,
    RatingInvitationUnknown,
    RecordUnknown,
)
from hallnet.wire.window.v1 import window_pb2 as wire
from hallnet.wire.window.v1 import window_service_pb2 as service


def visit_over(world: World) -> wire.Invitation:
    """Somebody came, was served and left."""
    put_window(world)
    ticket = take(world)
    call_next(world)
    step(world, ticket, "SERVE")
    number = service.TICKET_STEP_FINISH
    done = call(world, "StepTicket", ticket_id=ticket.ticket_id, step=number)
    invitation: wire.Invitation = done.invitation
    return invitation


def rate(world: World, at: str = COUNTY, **fields: Any) -> wire.Rating:
    chosen = {"level": wire.SATISFACTION_SATISFIED} | fields
    rating: wire.Rating = call(world, "Rate", at=at, **chosen).rating
    return rating


def case_over(world: World) -> Any:
    case = world.file(TOWNSHIP, RELIEF)
    for command in (ACCEPT, REVIEW, GRANT, CLOSE):
        world.act(TOWNSHIP, case, command)
    return case


def test_each_visit_has_one_invitation_and_is_rated_once(world: World) -> None:
    """现场一次一评."""
    invitation = visit_over(world)
    again = call(world, "InviteToRate", subject=invitation.subject).invitation
    assert again == invitation
    said = [wire.IndicatorRating(code="604", level=wire.SATISFACTION_VERY_SATISFIED)]
    rating = rate(
        world,
        subject=invitation.subject,
        invitation_code=invitation.code.lower(),
        handler="somebody else",
        indicators=said,
    )
    assert (rating.handler, rating.channel) == ("chief", wire.RATING_CHANNEL_ON_SITE)
    assert (rating.indicator_version, list(rating.indicators)) == ("usual-1", said)
    with pytest.raises(AlreadyRated):
        rate(world, subject=invitation.subject, invitation_code=invitation.code)


def test_a_case_that_is_over_is_rated_with_the_code_of_its_receipt(world: World) -> None:
    """网上一事一评."""
    case = case_over(world)
    number, code = case.filed.case_no, case.filed.query_code
    found = call(world, "GetInvitation", at=TOWNSHIP, subject=number, code=code)
    assert found.invitation.channel == wire.RATING_CHANNEL_ONLINE
    assert [one.code for one in found.indicators] == ["501", "502", "503", "504", "505"]
    rating = rate(world, TOWNSHIP, subject=number, invitation_code=code)
    assert (rating.subject, rating.item_id) == (case.case_id, RELIEF)
    found = call(world, "GetInvitation", at=TOWNSHIP, subject=case.case_id, code=code)
    assert found.rating == rating
    with pytest.raises(AlreadyRated):
        # A paper card for the same case, under its number.
        rate(world, TOWNSHIP, subject=number, channel=wire.RATING_CHANNEL_CARD)


def test_nothing_is_rated_before_it_is_over_or_without_the_word(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    number, code = case.filed.case_no, case.filed.query_code
    with pytest.raises(NotOverYet):
        call(world, "InviteToRate", at=TOWNSHIP, subject=number)
    for word in (code, "WRONGONE", ""):
        with pytest.raises(RatingInvitationUnknown):
            call(world, "GetInvitation", at=TOWNSHIP, subject=number, code=word)
    put_window(world)
    ticket = take(world)
    with pytest.raises(NotOverYet):
        call(world, "InviteToRate", subject=ticket.ticket_id)
    with pytest.raises(RecordUnknown):
        call(world, "InviteToRate", subject="nothing of the kind")


def test_an_invitation_ends(world: World) -> None:
    invitation = visit_over(world)
    world.time.pass_by(days=31)
    with pytest.raises(RatingInvitationOver):
        rate(world, subject=invitation.subject, invitation_code=invitation.code)


def test_the_indicators_are_those_that_a_policy_release_says(world: World) -> None:
    own = RatingIndicators("2026-A", (RatingIndicator("701", "排队时间"),), ())
    take_release(world, COUNTY, ReleaseKind.POLICY, POLICY.to_bytes(Policy(rating_indicators=own)))
    invitation = visit_over(world)
    found = call(world, "GetInvitation", subject=invitation.subject, code=invitation.code)
    assert (found.indicator_version, found.indicators[0].title) == ("2026-A", "排队时间")
    with pytest.raises(IndicatorUnknown):
        rate(
            world,
            subject=invitation.subject,
            indicators=[wire.IndicatorRating(code="601", level=wire.SATISFACTION_SATISFIED)],
        )
    said = [wire.IndicatorRating(code="701", level=wire.SATISFACTION_DISSATISFIED)]
    rate(world, subject=invitation.subject, invitation_code=invitation.code, indicators=said)
    rates = call(world, "GetRatingRates", first=on_day(world, -1), last=on_day(world, 1))
    [line] = rates.indicators
    assert (line.title, line.satisfied.part, line.satisfied.whole) == ("排队时间", 0, 1)
    assert (rates.answered.part, rates.answered.whole) == (1, 1)


def test_records_are_listed_whole_and_the_look_is_on_record(world: World) -> None:
    for number, level in enumerate((4, 2, 5)):
        rate(world, subject=f"visit-{number}", level=level, words=f"话{number}")
    kind = service.RECORD_KIND_RATING
    waiting = call(world, "ListRecords", kind=kind, waiting=True).records
    assert [one.rating.words for one in waiting] == ["话0", "话2"]
    assert len(call(world, "ListRecords", kind=kind).records) == 3
    first = call(world, "ListRecords", kind=kind, page_size=2)
    rest = call(world, "ListRecords", kind=kind, page_size=2, page_token=first.next_page_token)
    assert (len(first.records), len(rest.records), rest.next_page_token) == (2, 1, "")
    assert not call(world, "ListRecords", kind=service.RECORD_KIND_COMPLAINT).records
    world.time.pass_by(days=5)
    assert all(one.overdue for one in call(world, "ListRecords", kind=kind, waiting=True).records)
    looks = records(world.at(COUNTY), "ListRecords")
    assert {(look.actor_id, look.subject) for look in looks} == {
        ("chief", "rating"),
        ("chief", "complaint"),
    }


def test_the_rota_of_a_week_shows_posts_absences_and_gaps(world: World) -> None:
    call(world, "PutWindow", window=wire.Window(window_id="预约1", open=True, needs_rota=True))
    clerk, chief = CLERK.actor.actor_id, CHIEF.actor.actor_id
    call(world, "PutPost", post=wire.Post(post_id="社保", a=clerk, b=chief))
    day = on_day(world, 0)
    shift = wire.Shift(window_id="预约1", day=day, half=wire.HALF_MORNING, post_id="社保")
    call(world, "PutShifts", shifts=[shift])
    call(world, "PutAbsence", absence=wire.Absence(actor_id=clerk, first=day, last=day))
    found = call(world, "ListRota", first=day)
    assert [post.post_id for post in found.posts] == ["社保"]
    assert list(found.shifts) == [shift]
    assert [one.actor_id for one in found.absences] == [clerk]
    assert day in found.workdays
    gaps_today = [gap.half for gap in found.gaps if gap.day == day]
    assert gaps_today == [wire.HALF_AFTERNOON]
    assert [one.name for one in call(world, "ListStaff").staff]


def test_an_appointment_of_another_day_has_no_invitation(world: World) -> None:
    [slot] = opened(world, capacity=1)
    booked = book(world, slot, "one")
    with pytest.raises(RecordUnknown):
        call(world, "InviteToRate", subject=booked.appointment_id, act=act())
