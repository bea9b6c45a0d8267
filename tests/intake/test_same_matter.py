"""The same matter at two halls: found by the hall that guides both, shown to both, known to nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    AGENT,
    CLOSE,
    ELDER_CARD,
    GRANT,
    PENSION,
    REFUSED,
    RELIEF,
    SUBSISTENCE,
    UNANSWERED,
    WITHDRAW,
    Post,
    act,
    face,
    file_request,
    mandate,
    message,
    put_accounts,
    receive,
    sent,
    take_release,
    told,
)
from tests.intake.test_duplicates import SOMEBODY, do, filed
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP, worlds

from hallnet.case.mandate import MANDATE
from hallnet.case.policy import POLICY, Policy
from hallnet.case.same_matter import REMEMBERED_FOR
from hallnet.codec.moments import to_timestamp
from hallnet.intake import following, tables
from hallnet.intake.hall_state import STATE_KIND
from hallnet.intake.same_matter import alike_notes, matching, matter_keys, matters
from hallnet.trust.release import ReleaseKind
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.intake.v1 import matter_pb2 as wire_matter
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

NEIGHBOUR, FAR = "330127102", "330110012"
"""A second township of the county, and one of another county of the city."""
HALLS = (CITY, COUNTY, OTHER_COUNTY, TOWNSHIP, NEIGHBOUR, FAR)
Elsewhere = list[tuple[str, str, str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from worlds(request, tmp_path, halls=HALLS)


def settle(world: World, post: Post) -> None:
    """Every hall tells, and what they say is carried, until nothing moves."""
    moved = True
    while moved:
        post.settle()
        moved = any(tell(world, at) for at in world.stations)


def tell(world: World, at: str) -> int:
    station = world.at(at)
    return station.intake.transact(lambda c: matters.tell(c, station.hall, world.time.now))


def elsewhere(world: World, at: str, view: wire.CaseView, actor_id: str = "chief") -> Elsewhere:
    request = wire.GetCaseRequest(case_ref=view.summary.case_id, actor_id=actor_id, purpose="x")
    found = ask(face(world, at).GetCase(request, None)).case.alike_elsewhere
    return [(one.hall, one.case_no, one.received_on) for one in found]


def shown(view: wire.CaseView) -> tuple[str, str, str]:
    """What another hall is shown of a case."""
    number = view.summary.case_no
    hall, day, _ = number.split("-")
    return hall, number, f"{day[:4]}-{day[4:6]}-{day[6:]}"


def test_an_instant_item_at_two_townships_is_shown_to_both_and_nowhere_else(world: World) -> None:
    first = filed(world, TOWNSHIP, ELDER_CARD)
    do(world, TOWNSHIP, first, GRANT, CLOSE)
    second = filed(world, NEIGHBOUR, ELDER_CARD)
    settle(world, Post(world))
    assert elsewhere(world, TOWNSHIP, first) == [shown(second)]
    assert elsewhere(world, NEIGHBOUR, second) == [shown(first)]
    assert not first.possible_duplicates
    assert not second.possible_duplicates
    for at in (CITY, COUNTY, OTHER_COUNTY):
        assert not rows(world.at(at).intake, tables.alike_elsewhere)


def test_staff_of_both_halls_are_told_once(world: World) -> None:
    post = Post(world)
    first = filed(world, TOWNSHIP, ELDER_CARD)
    filed(world, NEIGHBOUR, ELDER_CARD)
    settle(world, post)
    do(world, TOWNSHIP, first, GRANT, CLOSE)
    settle(world, post)
    for at in (TOWNSHIP, NEIGHBOUR):
        assert len(told(world.at(at), alike_notes.FOUND)) == 1


def test_who_filed_long_before_the_first_key_was_given_is_found_too(world: World) -> None:
    first = filed(world, TOWNSHIP, RELIEF)
    world.time.pass_by(days=30)
    second = filed(world, NEIGHBOUR, RELIEF)
    settle(world, Post(world))
    assert elsewhere(world, NEIGHBOUR, second) == [shown(first)]


@pytest.mark.parametrize(
    ("item_id", "found"), [(ELDER_CARD, True), (RELIEF, False)], ids=["city", "township"]
)
def test_across_the_counties_of_a_city_only_what_is_received_for_the_whole_city_is_compared(
    world: World, item_id: str, found: bool
) -> None:
    first = filed(world, TOWNSHIP, item_id)
    second = filed(world, FAR, item_id)
    settle(world, Post(world))
    assert elsewhere(world, TOWNSHIP, first) == ([shown(second)] if found else [])
    assert elsewhere(world, FAR, second) == ([shown(first)] if found else [])


def test_what_the_guiding_hall_received_itself_is_compared_too(world: World) -> None:
    at_county = filed(world, COUNTY, PENSION)
    at_township = filed(world, TOWNSHIP, PENSION)
    settle(world, Post(world))
    assert elsewhere(world, COUNTY, at_county) == [shown(at_township)]
    assert elsewhere(world, TOWNSHIP, at_township) == [shown(at_county)]


def test_another_person_item_or_the_same_hall_is_nothing_to_tell(world: World) -> None:
    filed(world, TOWNSHIP, RELIEF)
    filed(world, TOWNSHIP, RELIEF)
    filed(world, NEIGHBOUR, ELDER_CARD)
    filed(world, NEIGHBOUR, RELIEF, replace(SOMEBODY, document_number="110105194912310038"))
    settle(world, Post(world))
    for at in HALLS:
        assert not rows(world.at(at).intake, tables.alike_elsewhere)


def test_what_is_withdrawn_is_taken_back_and_what_is_wanted_again_is_new(world: World) -> None:
    post = Post(world)
    first, second = filed(world, TOWNSHIP, RELIEF), filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    do(world, TOWNSHIP, first, WITHDRAW)
    settle(world, post)
    assert elsewhere(world, NEIGHBOUR, second) == []
    digests = {row.case_no: row.matter for row in rows(world.at(COUNTY).intake, tables.matter_told)}
    assert digests[first.summary.case_no] is None
    assert digests[second.summary.case_no]
    third = filed(world, TOWNSHIP, RELIEF)
    settle(world, post)
    assert elsewhere(world, NEIGHBOUR, second) == [shown(third)]


def test_what_was_withdrawn_before_it_was_told_is_never_shown(world: World) -> None:
    do(world, TOWNSHIP, filed(world, TOWNSHIP, RELIEF), WITHDRAW)
    second = filed(world, NEIGHBOUR, RELIEF)
    settle(world, Post(world))
    assert elsewhere(world, NEIGHBOUR, second) == []


def test_an_agent_learns_nothing_of_cases_elsewhere(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    given = mandate(world, SOMEBODY)
    register = wire.RegisterMandateRequest(act=act(AGENT), mandate=MANDATE.to_message(given))
    mandate_id = ask(face(world).RegisterMandate(register, None)).mandate.mandate_id
    request = file_request(
        world,
        actor=AGENT,
        applicant=SOMEBODY,
        intake_point="330127101200",
        mandate_id=mandate_id,
    )
    first = ask(face(world).FileCase(request, None)).case
    second = filed(world, NEIGHBOUR, SUBSISTENCE)
    settle(world, Post(world))
    assert elsewhere(world, TOWNSHIP, first) == [shown(second)]
    assert elsewhere(world, TOWNSHIP, first, AGENT.actor.actor_id) == []


def test_after_its_term_a_hall_has_forgotten_what_it_was_told(world: World) -> None:
    filed(world, TOWNSHIP, RELIEF)
    filed(world, NEIGHBOUR, RELIEF)
    post = Post(world)
    settle(world, post)
    assert rows(world.at(COUNTY).intake, tables.matter_told)
    assert rows(world.at(TOWNSHIP).intake, tables.alike_elsewhere)
    world.time.now += REMEMBERED_FOR + timedelta(days=2)
    late = filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    (left,) = rows(world.at(COUNTY).intake, tables.matter_told)
    assert left.case_no == late.summary.case_no
    for at in HALLS:
        assert not rows(world.at(at).intake, tables.alike_elsewhere)


def test_the_hall_that_compares_keeps_no_name_and_no_number_of_a_person(world: World) -> None:
    filed(world, TOWNSHIP, RELIEF)
    filed(world, NEIGHBOUR, RELIEF)
    settle(world, Post(world))
    held = repr([*told(world.at(COUNTY)), *rows(world.at(COUNTY).intake, tables.matter_told)])
    for word in (SOMEBODY.name, SOMEBODY.document_number, SOMEBODY.phone):
        assert word not in held


# Keys


def own_key(world: World, at: str = COUNTY) -> bytes:
    station = world.at(at)
    found = station.intake.look(lambda c: matter_keys.key_of(c, station.address))
    assert found is not None
    return bytes(found.key)


def known_key(world: World, at: str, guide: str = COUNTY) -> bytes:
    found = [row for row in rows(world.at(at).intake, tables.matter_key) if row.guide == guide]
    return bytes(found[0].key)


def closed(world: World) -> None:
    standing = wire.HallStanding(
        hall=FAR, state=wire.HALL_STATE_CLOSED, since=to_timestamp(world.time.now)
    )
    receive(world, OTHER_COUNTY, message(FAR, STATE_KIND, "hall", standing.SerializeToString()))


def trust_says(world: World, at: str, bundle: wire_trust.TrustBundle) -> None:
    bundle.hard_expires_at.CopyFrom(to_timestamp(world.time.now + timedelta(days=9)))
    take_release(world, at, ReleaseKind.TRUST, bundle.SerializeToString())


def revoked(world: World) -> None:
    body = wire_trust.RevocationBody(subject=FAR, signed_at=to_timestamp(world.time.now))
    bundle = wire_trust.TrustBundle()
    bundle.revocations.add(body=body.SerializeToString())
    trust_says(world, OTHER_COUNTY, bundle)


def moved(world: World) -> None:
    body = wire_trust.SuccessionBody(
        predecessor=FAR, successor="330110013", effective_at=to_timestamp(world.time.now)
    )
    bundle = wire_trust.TrustBundle()
    bundle.successions.add(body=body.SerializeToString())
    trust_says(world, OTHER_COUNTY, bundle)


@pytest.mark.parametrize("leave", [closed, revoked, moved])
def test_a_hall_that_leaves_has_no_key_any_more_and_what_was_told_before_is_still_found(
    world: World, leave: Callable[[World], None]
) -> None:
    post = Post(world)
    filed(world, FAR, RELIEF)
    at_county = filed(world, OTHER_COUNTY, ELDER_CARD)
    settle(world, post)
    before = own_key(world, OTHER_COUNTY)
    assert known_key(world, FAR, OTHER_COUNTY) == before
    world.time.pass_by(hours=1)
    leave(world)
    settle(world, post)
    assert own_key(world, OTHER_COUNTY) != before
    assert known_key(world, FAR, OTHER_COUNTY) == before
    told_again = rows(world.at(OTHER_COUNTY).intake, tables.matter_told)
    assert {row.case_no for row in told_again if row.matter} == {at_county.summary.case_no}


def test_under_a_new_key_the_halls_that_stay_tell_again_and_hear_nothing_twice(
    world: World,
) -> None:
    post = Post(world)
    first, second = filed(world, TOWNSHIP, RELIEF), filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    before = own_key(world)
    station = world.at(COUNTY)
    station.intake.transact(
        lambda c: matter_keys.replace(c, station.hall, {"330127999"}, world.time.now)
    )
    settle(world, post)
    assert own_key(world) == known_key(world, TOWNSHIP) == known_key(world, NEIGHBOUR) != before
    assert all(row.matter for row in rows(station.intake, tables.matter_told))
    assert elsewhere(world, TOWNSHIP, first) == [shown(second)]
    assert len(told(world.at(TOWNSHIP), alike_notes.FOUND)) == 1
    third = filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    assert set(elsewhere(world, TOWNSHIP, first)) == {shown(second), shown(third)}


def test_what_is_told_under_an_old_key_is_answered_with_the_present_one(world: World) -> None:
    post = Post(world)
    first = filed(world, TOWNSHIP, RELIEF)
    settle(world, post)
    station = world.at(COUNTY)
    station.intake.transact(
        lambda c: matter_keys.replace(c, station.hall, {TOWNSHIP}, world.time.now)
    )
    second = filed(world, NEIGHBOUR, RELIEF)
    filed(world, TOWNSHIP, ELDER_CARD)
    settle(world, post)
    assert elsewhere(world, NEIGHBOUR, second) == [shown(first)]


def test_a_hall_that_gets_no_answer_asks_again_after_a_day(world: World) -> None:
    filed(world, TOWNSHIP, RELIEF)

    def asked() -> int:
        tell(world, TOWNSHIP)
        return len(told(world.at(TOWNSHIP), matter_keys.WANTED_KIND))

    assert [asked(), asked()] == [1, 1]
    world.time.now += matters.ASKED_AGAIN_AFTER
    assert [asked(), asked()] == [2, 2]


def test_what_did_not_arrive_is_told_again_with_the_next_key(world: World) -> None:
    post = Post(world)
    first = filed(world, TOWNSHIP, RELIEF)
    settle(world, post)
    second = filed(world, NEIGHBOUR, RELIEF)
    tell(world, NEIGHBOUR)
    post.settle()
    tell(world, NEIGHBOUR)
    lost = [one for one in sent(world.at(NEIGHBOUR), COUNTY) if one.kind == matching.TOLD_KIND]
    assert lost
    post.carried[NEIGHBOUR, COUNTY] = len(sent(world.at(NEIGHBOUR), COUNTY))
    ended = wire_feed.DeliveryEnded(
        recipient=COUNTY, kind=matching.TOLD_KIND, verdict=wire_envelope.VERDICT_UNSPECIFIED
    )
    station = world.at(NEIGHBOUR)
    entry = wire_feed.FeedEntry(kind="delivery.ended", payload=ended.SerializeToString())
    station.intake.transact(
        lambda c: following.take_messages(c, station.hall, [entry], world.time.now)
    )
    settle(world, post)
    assert elsewhere(world, TOWNSHIP, first) == []
    world.time.now += matters.ASKED_AGAIN_AFTER
    settle(world, post)
    assert elsewhere(world, TOWNSHIP, first) == [shown(second)]


@pytest.mark.parametrize(
    ("verdict", "again"), [(UNANSWERED, True), (REFUSED, False)], ids=["expired", "refused"]
)
def test_an_answer_that_nobody_took_in_its_time_is_given_again(
    world: World, verdict: wire_envelope.Verdict.ValueType, again: bool
) -> None:
    """The link of one hall was cut for as long as an envelope lives."""
    post = Post(world)
    first, second = filed(world, TOWNSHIP, RELIEF), filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    lost = world.at(TOWNSHIP)
    lost.intake.transact(alike_notes.forget_all)
    answers = answers_to(world, TOWNSHIP)
    ended = wire_feed.DeliveryEnded(
        recipient=TOWNSHIP, kind=alike_notes.ALIKE_KIND, verdict=verdict
    )
    entry = wire_feed.FeedEntry(kind="delivery.ended", payload=ended.SerializeToString())
    guide = world.at(COUNTY)
    guide.intake.transact(lambda c: following.take_messages(c, guide.hall, [entry], world.time.now))
    settle(world, post)
    assert answers_to(world, TOWNSHIP) == answers + (1 if again else 0)
    assert elsewhere(world, TOWNSHIP, first) == ([shown(second)] if again else [])
    assert elsewhere(world, NEIGHBOUR, second) == [shown(first)]


def answers_to(world: World, at: str) -> int:
    return sum(one.kind == alike_notes.ALIKE_KIND for one in sent(world.at(COUNTY), at))


def test_what_arrives_late_or_twice_changes_nothing(world: World) -> None:
    post = Post(world)
    first, second = filed(world, TOWNSHIP, RELIEF), filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    do(world, TOWNSHIP, first, WITHDRAW)
    settle(world, post)
    for one in sent(world.at(TOWNSHIP), COUNTY):
        receive(world, COUNTY, one)
    for one in sent(world.at(COUNTY), NEIGHBOUR):
        receive(world, NEIGHBOUR, one)
    settle(world, post)
    assert elsewhere(world, NEIGHBOUR, second) == []


# By policy


def policy(world: World, *halls: str, untold: bool, version: int) -> None:
    content = POLICY.to_bytes(Policy(matters_untold=untold))
    for at in halls:
        take_release(world, at, ReleaseKind.POLICY, content, version)


def test_a_policy_switches_it_off_and_everything_that_was_told_is_forgotten(world: World) -> None:
    post = Post(world)
    first, second = filed(world, TOWNSHIP, RELIEF), filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    policy(world, *HALLS, untold=True, version=1)
    settle(world, post)
    filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    assert elsewhere(world, TOWNSHIP, first) == elsewhere(world, NEIGHBOUR, second) == []
    for at in HALLS:
        for table in (
            tables.matter_key,
            tables.matter_key_holder,
            tables.matter_told,
            tables.matter_untold,
            tables.alike_elsewhere,
        ):
            assert not rows(world.at(at).intake, table), (at, table.name)
    policy(world, *HALLS, untold=False, version=2)
    settle(world, post)
    assert shown(second) in elsewhere(world, TOWNSHIP, first)


def test_a_hall_that_takes_no_part_is_forgotten_by_the_hall_that_compares(world: World) -> None:
    post = Post(world)
    filed(world, TOWNSHIP, RELIEF)
    second = filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    policy(world, TOWNSHIP, untold=True, version=1)
    settle(world, post)
    left = rows(world.at(COUNTY).intake, tables.matter_told)
    assert [row.case_no for row in left] == [second.summary.case_no]


# Halls that say what is not theirs to say


def says(world: World, at: str, sender: str, kind: str, payload: bytes) -> None:
    receive(world, at, message(sender, kind, "matters", payload))


def test_a_hall_gives_its_key_to_nobody_but_halls_below_it(world: World) -> None:
    for sender in (CITY, OTHER_COUNTY, FAR):
        says(world, COUNTY, sender, matter_keys.WANTED_KIND, b"")
    assert not told(world.at(COUNTY), matter_keys.KEY_KIND)
    says(world, TOWNSHIP, NEIGHBOUR, matter_keys.WANTED_KIND, b"")
    assert not told(world.at(TOWNSHIP), matter_keys.KEY_KIND)


def test_a_key_and_a_word_on_cases_are_believed_of_halls_above_alone(world: World) -> None:
    post = Post(world)
    first = filed(world, TOWNSHIP, RELIEF)
    settle(world, post)
    before = known_key(world, TOWNSHIP)
    key = wire_matter.MatterKey(key_id=b"k" * 8, key=b"k" * 32)
    pair = wire_matter.MattersAlike()
    pair.matters.add(
        case_no=first.summary.case_no,
        other_case_no="330127102-20261123-00001",
        other_hall=NEIGHBOUR,
        other_received_on="2026-11-23",
        other_sequence=1,
        stands=True,
    )
    for sender in (NEIGHBOUR, OTHER_COUNTY):
        says(world, TOWNSHIP, sender, matter_keys.KEY_KIND, key.SerializeToString())
        says(world, TOWNSHIP, sender, alike_notes.ALIKE_KIND, pair.SerializeToString())
    assert known_key(world, TOWNSHIP) == before
    assert elsewhere(world, TOWNSHIP, first) == []


def test_a_hall_tells_of_its_own_cases_alone_and_what_does_not_fit_is_passed_over(
    world: World,
) -> None:
    post = Post(world)
    filed(world, TOWNSHIP, RELIEF)
    filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    before = rows(world.at(COUNTY).intake, tables.matter_told)
    station = world.at(COUNTY)
    key = station.intake.look(lambda c: matter_keys.key_of(c, station.address))
    assert key is not None
    usable = {
        "case_no": f"{TOWNSHIP}-20261123-00077",
        "digest": b"d" * 32,
        "received_on": "2026-11-23",
        "sequence": 1,
        "stands": True,
    }
    for wrong in (
        {"case_no": f"{NEIGHBOUR}-20261123-00001", "sequence": 9},
        {"digest": b"d"},
        {"received_on": "yesterday"},
        {"received_on": "2026-01-01"},
        {"received_on": "2027-01-01"},
        {"sequence": 0},
        {"sequence": 2**31},
        {"stands": False},
    ):
        word = wire_matter.MattersTold(key_id=key.key_id)
        word.matters.add(**(usable | wrong))
        says(world, COUNTY, TOWNSHIP, matching.TOLD_KIND, word.SerializeToString())
    assert rows(world.at(COUNTY).intake, tables.matter_told) == before


@pytest.mark.parametrize(
    "payload", [b"\xff", b"", b"\x0a\x01k"], ids=["no message", "empty", "short"]
)
def test_bytes_that_are_no_word_about_matters_hold_up_nothing(world: World, payload: bytes) -> None:
    post = Post(world)
    first, second = filed(world, TOWNSHIP, RELIEF), filed(world, NEIGHBOUR, RELIEF)
    settle(world, post)
    for kind in (matter_keys.KEY_KIND, alike_notes.ALIKE_KIND):
        says(world, TOWNSHIP, COUNTY, kind, payload)
    for kind in (matter_keys.WANTED_KIND, matching.TOLD_KIND):
        says(world, COUNTY, TOWNSHIP, kind, payload)
    settle(world, post)
    assert elsewhere(world, TOWNSHIP, first) == [shown(second)]


def test_who_asks_by_telling_what_nobody_filed_gets_few_answers_and_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hall below has the key: it can tell the digest of anybody. Each answer is told to both halls."""
    monkeypatch.setattr(matching, "MATCHES_A_DAY_MAX", 2)
    post = Post(world)
    people = [replace(SOMEBODY, document_number=f"E{number:08}") for number in range(4)]
    people = [replace(person, document_kind="414") for person in people]
    victims = [filed(world, TOWNSHIP, RELIEF, person) for person in people]
    settle(world, post)
    asked = [filed(world, NEIGHBOUR, RELIEF, person) for person in people]
    settle(world, post)
    answered = [one for one in asked if elsewhere(world, NEIGHBOUR, one)]
    assert len(answered) == 2
    assert sum(bool(elsewhere(world, TOWNSHIP, one)) for one in victims) == 2
    (noticed,) = told(world.at(COUNTY), matching.TOO_MANY)
    assert noticed.payload == NEIGHBOUR.encode()
