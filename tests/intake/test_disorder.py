"""What other halls say, as it may come: early, twice, out of order, forked, forged, unusable."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.case import builders
from tests.case.builders import History, event_for
from tests.exchange.parts import rows
from tests.intake.parts import (
    SUBSISTENCE,
    events_message,
    events_told,
    everything,
    facts,
    history,
    message,
    raws,
    receive,
    row_of,
    set_aside,
    told,
)
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.case import EVENTS_MAX, Case
from hallnet.case.event import (
    EVENT,
    CaseEvent,
    Fact,
    Filed,
    HandOverDeclined,
    HandOverPurpose,
)
from hallnet.intake import following, tables
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

AFAR, NEAR = builders.TOWNSHIP, builders.COUNTY
"""Two halls of another county, where the cases of these tests begin."""
HERE = Address(COUNTY)
LIAR = "330109"
CASE_ID = "01890000-0000-7000-8000-000000000001"


def opening(competent: Address = NEAR, **changes: Any) -> Filed:
    values: dict[str, Any] = {"case_no": f"{AFAR}-20260302-0001", "item_id": SUBSISTENCE}
    return builders.filed(AFAR, competent, **(values | changes))


def begun(competent: Address = NEAR, **changes: Any) -> History:
    return History(opening(competent, **changes), case_id=CASE_ID)


def whole_life() -> History:
    """Eleven events of two halls, none of them here."""
    story: list[Fact] = [
        builders.NOTICE,
        builders.SUPPLEMENT,
        builders.ACCEPTED,
        builders.REVIEWED,
        builders.to(NEAR, HandOverPurpose.REPORT_UP),
        builders.TAKEN,
        builders.GRANTED,
        builders.to(AFAR, HandOverPurpose.RETURN),
        builders.TAKEN,
        builders.CLOSED,
    ]
    return begun().extend(story)


def handed_here() -> History:
    """A case of another hall that is on its way here."""
    return begun(HERE).add(builders.to(HERE))


def author_of(raw: bytes) -> str:
    return str(EVENT.from_bytes(raw).author)


def letters(raw_events: Sequence[bytes]) -> list[wire_feed.InboundMessage]:
    """Each event as a message of its own, from its author."""
    return [events_message(author_of(raw), CASE_ID, raw) for raw in raw_events]


def forged(case: Case | None, fact: Fact, author: str = LIAR, **changes: Any) -> bytes:
    changes = {"case_id": CASE_ID} | changes
    return EVENT.to_bytes(event_for(case, fact, Address.parse(author), **changes))


# Early, twice, out of order


def test_events_that_come_before_their_turn_wait_for_it(world: World) -> None:
    story = whole_life()
    *first, last = letters(story.raws)
    receive(world, COUNTY, last, *first[5:])
    station = world.at(COUNTY)
    assert history(station, story.case) == []
    assert told(station) == []
    assert len(rows(station.intake, tables.early_event)) == 6
    world.restart(COUNTY)
    receive(world, COUNTY, *first[:5])
    assert raws(world.at(COUNTY), story.case) == story.raws
    assert rows(world.at(COUNTY).intake, tables.early_event) == []


def test_events_that_come_again_change_nothing(world: World) -> None:
    story = whole_life()
    receive(world, COUNTY, *letters(story.raws))
    before = everything(world.at(COUNTY))
    receive(world, COUNTY, *letters(story.raws), *reversed(letters(story.raws)))
    assert everything(world.at(COUNTY)) == before


def test_an_early_event_that_comes_twice_waits_once(world: World) -> None:
    story = whole_life()
    third = letters(story.raws)[2]
    receive(world, COUNTY, third, third)
    assert len(rows(world.at(COUNTY).intake, tables.early_event)) == 1
    assert set_aside(world.at(COUNTY)) == []


def test_a_long_history_that_waited_is_taken_whole(world: World) -> None:
    """However long it waited, the end of it counts."""
    story = begun(HERE)
    for _ in range(300):
        story.extend([builders.NOTICE, builders.SUPPLEMENT])
    story.add(builders.to(HERE))
    receive(world, COUNTY, events_message(str(AFAR), CASE_ID, *story.raws[1:]))
    receive(world, COUNTY, events_message(str(AFAR), CASE_ID, story.raws[0]))
    assert len(history(world.at(COUNTY), story.case)) == 603
    assert facts(events_told(world.at(COUNTY), story.case)) == ["TakenOver"]


@st.composite
def dealings(draw: st.DrawFn) -> list[wire_feed.InboundMessage]:
    """All events of a life, cut into messages in any way, in any order, some of them many times."""
    by_author: dict[str, list[bytes]] = {}
    for raw in whole_life().raws:
        by_author.setdefault(author_of(raw), []).append(raw)
    made = []
    for author, said in by_author.items():
        shuffled = draw(st.permutations(said))
        cuts = draw(st.lists(st.booleans(), min_size=len(said), max_size=len(said)))
        parts: list[list[bytes]] = [[]]
        for raw, cut in zip(shuffled, cuts, strict=True):
            parts[-1].append(raw)
            if cut:
                parts.append([])
        made += [events_message(author, CASE_ID, *part) for part in parts]
    again = draw(st.lists(st.sampled_from(made), max_size=6))
    return list(draw(st.permutations(made + again)))


class Undone(Exception):
    """Ends a transaction whose effects were looked at and are not to stay."""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dealt=dealings())
def test_any_order_and_repetition_of_the_same_events_gives_the_same_copy(
    world: World, dealt: list[wire_feed.InboundMessage]
) -> None:
    station = world.at(COUNTY)
    found: list[Any] = []

    def take(connection: Connection) -> None:
        for item in dealt:
            entry = wire_feed.FeedEntry(kind="message.received", payload=item.SerializeToString())
            following.take_messages(connection, station.hall, [entry], world.time.now)
        event, row = tables.case_event, tables.case
        found.append(list(connection.scalars(event.select().with_only_columns(event.c.event))))
        found.append(
            connection.execute(
                row.select().with_only_columns(row.c.stage, row.c.custodian, row.c.due_on)
            ).one()
        )
        found.append(connection.execute(tables.early_event.select()).all())
        found.append(connection.execute(tables.set_aside.select()).all())
        found.append([(entry.kind, entry.payload) for entry in tables.feed.after(connection, 0)])
        raise Undone

    with pytest.raises(Undone):
        station.intake.transact(take)
    events, row, early, aside, feed = found
    story = whole_life()
    assert sorted(events) == sorted(story.raws)
    assert (row.stage, row.custodian) == (story.case.stage, str(AFAR))
    assert row.due_on is not None
    assert early == aside == []
    assert feed == [("case.replica", raw) for raw in story.raws]


# Forks


def test_a_second_word_at_the_same_place_is_set_aside_as_a_fork(world: World) -> None:
    story = begun().add(builders.ACCEPTED)
    receive(world, COUNTY, *letters(story.raws))
    other = begun().add(builders.DECLINED)
    receive(world, COUNTY, letters(other.raws)[1])
    station = world.at(COUNTY)
    assert set_aside(station) == [(str(AFAR), "HISTORY_BROKEN")]
    assert raws(station, story.case) == story.raws
    kept = rows(station.intake, tables.set_aside)[0]
    assert wire_event.CaseEvents.FromString(kept.payload).events == [other.raws[1]]
    assert kept.case_id == CASE_ID


def test_a_fork_of_what_still_waits_is_set_aside_too(world: World) -> None:
    """Of two words for the same place, neither is lost without a trace."""
    story = begun().extend([builders.ACCEPTED, builders.REVIEWED])
    other = begun().extend([builders.ACCEPTED, builders.GRANTED])
    receive(world, COUNTY, letters(story.raws)[2], letters(other.raws)[2])
    assert set_aside(world.at(COUNTY)) == [(str(AFAR), "HISTORY_BROKEN")]
    receive(world, COUNTY, *letters(story.raws))
    assert raws(world.at(COUNTY), story.case) == story.raws


def test_a_whole_other_history_of_the_same_case_is_set_aside(world: World) -> None:
    story, other = whole_life(), begun(query_code="ZZZZ9999").add(builders.ACCEPTED)
    receive(world, COUNTY, *letters(story.raws))
    receive(world, COUNTY, events_message(str(AFAR), CASE_ID, *other.raws))
    assert set_aside(world.at(COUNTY)) == [(str(AFAR), "HISTORY_BROKEN")]
    assert raws(world.at(COUNTY), story.case) == story.raws


def test_of_two_halls_that_both_have_a_say_the_first_word_counts(world: World) -> None:
    """While a case is handed over the giver may say that it failed and the taker that it took it."""
    story = begun().add(builders.to(NEAR))
    taken = forged(story.case, builders.TAKEN, str(NEAR))
    failed = forged(story.case, builders.FAILED, str(AFAR))
    receive(world, COUNTY, *letters([*story.raws, taken, failed]))
    station = world.at(COUNTY)
    assert raws(station, story.case) == [*story.raws, taken]
    assert set_aside(station) == [(str(AFAR), "HISTORY_BROKEN")]


# Halls without a say


def test_an_event_of_a_hall_that_is_not_the_custodian_is_set_aside(world: World) -> None:
    story = begun()
    lie = forged(story.case, builders.ACCEPTED)
    receive(world, COUNTY, *letters([*story.raws, lie]))
    station = world.at(COUNTY)
    assert set_aside(station) == [(LIAR, "EVENT_OUT_OF_TURN")]
    story.add(builders.DECLINED)
    receive(world, COUNTY, letters(story.raws)[-1])
    assert raws(station, story.case) == story.raws


def test_no_hall_speaks_in_the_name_of_another(world: World) -> None:
    story = begun().add(builders.ACCEPTED)
    receive(world, COUNTY, letters(story.raws)[0])
    receive(world, COUNTY, events_message(LIAR, CASE_ID, story.raws[1]))
    assert set_aside(world.at(COUNTY)) == [(LIAR, "EVENT_OUT_OF_TURN")]
    assert raws(world.at(COUNTY), story.case) == story.raws[:1]


def test_nobody_from_outside_speaks_in_the_name_of_this_hall(world: World) -> None:
    case = world.file(COUNTY, "hukou-transfer-cross")
    own = EVENT.to_bytes(event_for(case, builders.ACCEPTED, HERE))
    for sender in (LIAR, COUNTY):
        receive(world, COUNTY, events_message(sender, case.case_id, own))
    assert [reason for _, reason in set_aside(world.at(COUNTY))] == ["EVENT_OUT_OF_TURN"] * 2
    assert facts(history(world.at(COUNTY), case)) == ["Filed"]


def test_a_lie_that_came_first_does_not_take_the_place_of_the_truth(world: World) -> None:
    story = begun().extend([builders.ACCEPTED, builders.REVIEWED])
    lie = forged(begun().add(builders.ACCEPTED).case, builders.GRANTED)
    receive(world, COUNTY, *letters([lie, *reversed(story.raws)]))
    assert raws(world.at(COUNTY), story.case) == story.raws
    assert set_aside(world.at(COUNTY)) == [(LIAR, "EVENT_OUT_OF_TURN")]


def test_a_lie_that_waited_is_laid_to_the_liar_and_stops_nobody(world: World) -> None:
    """The hall that sends what was missing is not blamed, and its hand-over is answered."""
    story = handed_here()
    lie = forged(story.case, builders.GRANTED)
    receive(world, COUNTY, *letters([lie, *story.raws]))
    station = world.at(COUNTY)
    assert set_aside(station) == [(LIAR, "EVENT_OUT_OF_TURN")]
    kept = rows(station.intake, tables.set_aside)[0]
    assert wire_event.CaseEvents.FromString(kept.payload).events == [lie]
    assert facts(events_told(station, story.case)) == ["TakenOver"]


def test_a_case_that_this_hall_is_not_to_decide_is_declined(world: World) -> None:
    story = begun(NEAR).add(builders.to(HERE))
    receive(world, COUNTY, *letters(story.raws))
    (declined,) = events_told(world.at(COUNTY), story.case)
    assert isinstance(declined.fact, HandOverDeclined)
    assert declined.fact.reason == "NOT_COMPETENT"
    assert row_of(world.at(COUNTY), story.case).custodian == str(AFAR)


# What cannot be used


def unusable_messages() -> dict[str, wire_feed.InboundMessage]:
    """Messages that are no use, by what is wrong with them."""
    story = begun()

    def saying(case_id: str, raw: bytes, sender: str = str(AFAR)) -> wire_feed.InboundMessage:
        return events_message(sender, case_id, raw)

    def numbered(sequence: int) -> bytes:
        event = wire_event.CaseEvent.FromString(forged(story.case, builders.ACCEPTED, str(AFAR)))
        event.sequence = sequence
        return event.SerializeToString()

    def opened(case_id: str = CASE_ID, at: datetime = builders.START, **changes: Any) -> bytes:
        filed = opening(**changes)
        return EVENT.to_bytes(event_for(None, filed, filed.intake_hall, at, case_id=case_id))

    named = "330110012-20260302-0001"
    late = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    far = builders.accepted_on(date(9999, 12, 31))
    return {
        "no message": message(str(AFAR), "case.events", CASE_ID, b"\xff\xff"),
        "no event": saying(CASE_ID, b"\xff\xff"),
        "an empty event": saying(CASE_ID, b""),
        "the place before the first": saying(CASE_ID, numbered(0)),
        "a place too far": saying(CASE_ID, numbered(EVENTS_MAX + 1)),
        "a place for which no column is wide": saying(CASE_ID, numbered(2**40)),
        "no id": saying("", opened("")),
        "a number for an id": saying(named, opened(named)),
        "a long id": saying("i" * 500, opened("i" * 500)),
        "an id of nothing": saying("\0" * 36, opened("\0" * 36)),
        "others' number": saying(CASE_ID, opened(case_no="330110-20260302-0001")),
        "a long number": saying(CASE_ID, opened(case_no=f"{AFAR}-{'9' * 99}")),
        "a code of nothing": saying(CASE_ID, opened(query_code="\0")),
        "a long code": saying(CASE_ID, opened(query_code="Q" * 99)),
        "a long item": saying(CASE_ID, opened(item_id="i" * 99)),
        "the end of time": saying(CASE_ID, opened(at=late)),
        "accepted too late": events_message(str(AFAR), CASE_ID, *begun().add(far).raws),
    }


def test_what_cannot_be_used_is_set_aside_and_the_rest_goes_on(world: World) -> None:
    station = world.at(COUNTY)
    for number, (name, unusable) in enumerate(unusable_messages().items(), 1):
        story = History(
            opening(case_no=f"{AFAR}-20260302-{number + 1:04}"),
            case_id=str(uuid.UUID(int=number)),
        )
        good = events_message(str(AFAR), story.case_id, *story.raws)
        receive(world, COUNTY, unusable, good)
        aside = set_aside(station)
        assert len(aside) == number, name
        assert aside[-1][0] == str(AFAR), name
        assert raws(station, story.case) == story.raws, name
        assert rows(station.intake, tables.early_event) == [], name


def test_a_case_number_stands_for_one_case(world: World) -> None:
    first = begun()
    second = History(opening(), case_id=str(uuid.UUID(int=7)))
    receive(world, COUNTY, *letters(first.raws))
    receive(world, COUNTY, events_message(str(AFAR), second.case_id, *second.raws))
    station = world.at(COUNTY)
    assert len(set_aside(station)) == 1
    assert [row.case_id for row in rows(station.intake, tables.case)] == [CASE_ID]


def test_a_message_of_a_kind_that_is_not_known_is_passed_over(world: World) -> None:
    before = everything(world.at(COUNTY))
    receive(world, COUNTY, message(LIAR, "case.other", CASE_ID, b"x"))
    assert everything(world.at(COUNTY)) == before


def test_what_was_set_aside_does_not_stand_in_the_way_of_the_whole_history(
    world: World,
) -> None:
    """The remedy that the problem names works: the other hall sends the whole history again."""
    story = whole_life()
    broken = EVENT.to_bytes(replace(_event(story.raws[1]), previous=b"x" * 32))
    receive(world, COUNTY, *letters([story.raws[0], broken, *story.raws[2:]]))
    assert set_aside(world.at(COUNTY)) == [(str(AFAR), "HISTORY_BROKEN")]
    receive(world, COUNTY, *letters(story.raws))
    assert raws(world.at(COUNTY), story.case) == story.raws
    assert rows(world.at(COUNTY).intake, tables.early_event) == []


def _event(raw: bytes) -> CaseEvent:
    return EVENT.from_bytes(raw)


def test_the_township_takes_no_part_in_a_case_it_only_heard_of(world: World) -> None:
    receive(world, TOWNSHIP, *letters(whole_life().raws))
    assert events_told(world.at(TOWNSHIP), whole_life().case) == []
    assert [list(entry.dispatches) for entry in told(world.at(TOWNSHIP))] == [[]] * 11
