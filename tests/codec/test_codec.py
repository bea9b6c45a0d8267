"""The bridge between dataclasses and messages: nothing is lost, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Any, cast, get_args, get_type_hints

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from tests.codec.strategies import MOMENT, alternatives, values

from hallnet.case import calendar, event, item, mandate
from hallnet.case.calendar import CalendarDay, WorkingCalendar
from hallnet.case.command import CaseCommand
from hallnet.case.event import (
    CaseEvent,
    CaseRequest,
    CaseRequestRefused,
    Fact,
    Supplemented,
    Withdrawn,
)
from hallnet.case.item import Catalogue, ItemVersion, TimeLimit
from hallnet.case.mandate import Mandate
from hallnet.case.person import Actor, Person
from hallnet.case.policy import Policy
from hallnet.codec import Codec, MessageMalformed
from hallnet.codec.moments import from_timestamp, to_timestamp
from hallnet.places import Address
from hallnet.places.problems import AddressMalformed
from hallnet.problems import Problem
from hallnet.trust import believed, certificate, envelope, receipt, release
from hallnet.trust.certificate import CertificateBody, RequestBody
from hallnet.trust.envelope import Header
from hallnet.trust.receipt import ReceiptBody
from hallnet.trust.release import ReleaseBody
from hallnet.trust.revocation import RevocationBody
from hallnet.trust.suite import Suite
from hallnet.wire.case.v1 import (
    calendar_pb2,
    case_event_pb2,
    command_pb2,
    item_pb2,
    person_pb2,
    policy_pb2,
)
from hallnet.wire.exchange.v1 import envelope_pb2
from hallnet.wire.release.v1 import release_pb2
from hallnet.wire.trust.v1 import certificate_pb2

PAIRS: list[tuple[type[Any], type[Message]]] = [
    (WorkingCalendar, calendar_pb2.WorkingCalendar),
    (CaseEvent, case_event_pb2.CaseEvent),
    (CaseRequest, case_event_pb2.CaseRequest),
    (CaseRequestRefused, case_event_pb2.CaseRequestRefused),
    (ItemVersion, item_pb2.ItemVersion),
    (Catalogue, item_pb2.Catalogue),
    (Mandate, person_pb2.Mandate),
    (CaseCommand, command_pb2.CaseCommand),
    (Policy, policy_pb2.Policy),
    (Person, person_pb2.Person),
    (Header, envelope_pb2.Header),
    (ReceiptBody, envelope_pb2.ReceiptBody),
    (CertificateBody, certificate_pb2.CertificateBody),
    (RequestBody, certificate_pb2.CertificateRequestBody),
    (RevocationBody, certificate_pb2.RevocationBody),
    (ReleaseBody, release_pb2.ReleaseBody),
]
CODECS = {value_type.__name__: Codec(value_type, message) for value_type, message in PAIRS}
pairs = pytest.mark.parametrize(
    ("value_type", "message_type"), PAIRS, ids=[value_type.__name__ for value_type, _ in PAIRS]
)
EVENT: Codec[CaseEvent] = CODECS["CaseEvent"]


def described(message_type: type[Message]) -> Descriptor:
    return cast(Descriptor, message_type.DESCRIPTOR)


@pairs
@given(data=st.data())
def test_what_is_written_is_read_back(
    value_type: type[Any], message_type: type[Message], data: st.DataObject
) -> None:
    codec = CODECS[value_type.__name__]
    value = data.draw(values(value_type, described(message_type)))
    raw = codec.to_bytes(value)
    assert codec.from_bytes(raw) == value
    assert codec.from_message(codec.to_message(value)) == value
    assert codec.to_bytes(codec.from_bytes(raw)) == raw


@dataclass(frozen=True)
class Place:
    """A field of a message that is part of a greater one. `optional`: its absence means something."""

    path: str
    message: Any
    field: FieldDescriptor
    optional: bool


def places(message: Any, value: Any, path: str = "") -> Iterator[Place]:
    """Every field that is set in a message and in all its parts, beside the value that it is of."""
    hints = get_type_hints(type(value))
    for field, content in message.ListFields():
        oneof = field.containing_oneof
        own = oneof.name if oneof is not None else field.name
        yield Place(f"{path}{own}", message, field, type(None) in get_args(hints[own]))
        if field.message_type is None or field.message_type.full_name.startswith("google."):
            continue
        held = getattr(value, own)
        if not field.is_repeated:
            yield from places(content, held, f"{path}{own}.")
            continue
        for index, (part, part_value) in enumerate(zip(content, held, strict=True)):
            yield from places(part, part_value, f"{path}{own}[{index}].")


def spoilt(
    spoil: Callable[[Place], str | None], wanted: Callable[[Place], bool] = lambda place: True
) -> list[tuple[str, type[Any], Any]]:
    """Each whole message, once for each place that `spoil` spoils; with the path of the place."""
    found = []
    for value_type, message_type in PAIRS:
        codec = CODECS[value_type.__name__]
        for value in alternatives(value_type, described(message_type)):
            for number in range(len(list(places(codec.to_message(value), value)))):
                message = codec.to_message(value)
                place = list(places(message, value))[number]
                path = spoil(place) if wanted(place) else None
                if path is not None:
                    found.append((path, value_type, message))
    return found


def is_optional(place: Place) -> bool:
    return place.optional


def is_needed(place: Place) -> bool:
    return not place.optional


def unspecify(place: Place) -> str | None:
    if place.field.enum_type is None:
        return None
    if place.field.is_repeated:
        getattr(place.message, place.field.name)[0] = 0
        return f"{place.path}[0]"
    setattr(place.message, place.field.name, 0)
    return place.path


def test_an_enum_that_says_nothing_is_malformed_and_its_place_is_named() -> None:
    cases = spoilt(unspecify, is_needed)
    assert len(cases) > 40
    for path, value_type, message in cases:
        with pytest.raises(MessageMalformed) as malformed:
            CODECS[value_type.__name__].from_message(message)
        assert malformed.value.where == path


def test_an_enum_that_may_say_nothing_is_read_as_none() -> None:
    cases = spoilt(unspecify, is_optional)
    assert cases
    for path, value_type, message in cases:
        assert found_at(path, CODECS[value_type.__name__].from_message(message)) is None


def make_unknown(place: Place) -> str | None:
    if place.field.enum_type is None or place.field.is_repeated:
        return None
    setattr(place.message, place.field.name, 1000)
    return place.path


def test_an_enum_with_a_number_of_a_later_edition_is_malformed_and_its_place_is_named() -> None:
    for path, value_type, message in spoilt(make_unknown):
        with pytest.raises(MessageMalformed) as malformed:
            CODECS[value_type.__name__].from_message(message)
        assert malformed.value.where == path


def clear(place: Place) -> str | None:
    if place.field.is_repeated:
        return None
    place.message.ClearField(place.field.name)
    return place.path


def is_needed_message(place: Place) -> bool:
    return is_needed(place) and place.field.message_type is not None


def test_a_needed_message_that_is_absent_is_malformed_and_its_place_is_named() -> None:
    cases = spoilt(clear, is_needed_message)
    assert len(cases) > 40
    for path, value_type, message in cases:
        with pytest.raises(MessageMalformed) as malformed:
            CODECS[value_type.__name__].from_message(message)
        assert malformed.value.where == path


def test_what_may_be_absent_is_read_as_none() -> None:
    cases = spoilt(clear, is_optional)
    assert len(cases) > 20
    for path, value_type, message in cases:
        assert found_at(path, CODECS[value_type.__name__].from_message(message)) is None


def found_at(path: str, value: Any) -> Any:
    for step in path.replace("]", "").replace("[", ".").split("."):
        value = value[int(step)] if step.isdigit() else getattr(value, step)
    return value


def overflow(place: Place) -> str | None:
    message = place.field.message_type
    if message is None or message.full_name != "google.protobuf.Timestamp":
        return None
    getattr(place.message, place.field.name).seconds = 2**62
    return place.path


def test_a_moment_outside_the_calendar_is_malformed_and_its_place_is_named() -> None:
    cases = spoilt(overflow)
    assert len(cases) > 10
    for path, value_type, message in cases:
        with pytest.raises(MessageMalformed) as malformed:
            CODECS[value_type.__name__].from_message(message)
        assert malformed.value.where == path


@pytest.mark.parametrize("nanos", [-1, 1_000_000_000])
def test_a_moment_with_impossible_nanoseconds_is_malformed(nanos: int) -> None:
    body = RevocationBody(Suite.ED25519, b"id", Address("33"), MOMENT, MOMENT, "lost")
    message = CODECS["RevocationBody"].to_message(body)
    message.revoked_at.nanos = nanos
    with pytest.raises(MessageMalformed):
        CODECS["RevocationBody"].from_message(message)


REASONS = {"MESSAGE_MALFORMED", "ADDRESS_MALFORMED", "VILLAGE_MALFORMED"}


def is_read_or_refused(codec: Codec[Any], raw: bytes) -> bool:
    try:
        codec.from_bytes(raw)
    except Problem as problem:
        return problem.reason in REASONS
    return True


@given(st.binary(max_size=200), st.sampled_from(sorted(CODECS)))
def test_any_bytes_are_read_or_refused_with_a_problem(raw: bytes, name: str) -> None:
    assert is_read_or_refused(CODECS[name], raw)


@given(st.data())
def test_a_message_that_was_cut_or_changed_is_read_or_refused_with_a_problem(
    data: st.DataObject,
) -> None:
    value = data.draw(values(CaseEvent, described(case_event_pb2.CaseEvent)))
    raw = bytearray(EVENT.to_bytes(value))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    assert is_read_or_refused(EVENT, bytes(raw))
    assert is_read_or_refused(EVENT, bytes(raw[:at]))


def test_bytes_that_are_no_message_are_malformed() -> None:
    with pytest.raises(MessageMalformed) as malformed:
        EVENT.from_bytes(b"\xff\xff\xff")
    assert malformed.value.particulars == {"message": "CaseEvent", "detail": "bytes"}


def test_a_text_that_is_not_utf_8_is_malformed() -> None:
    with pytest.raises(MessageMalformed):
        CODECS["Person"].from_bytes(b"\x0a\x02\xff\xfe")


def test_an_address_that_is_none_is_refused_where_it_stands() -> None:
    message = CODECS["CaseEvent"].to_message(
        next(alternatives(CaseEvent, described(case_event_pb2.CaseEvent)))
    )
    message.author = "nowhere"
    with pytest.raises(AddressMalformed) as malformed:
        EVENT.from_message(message)
    assert malformed.value.where == "author"


@pytest.mark.parametrize(
    "text", ["", "20260302", "2026-W10-1", "2026-3-2", "2026-02-30", "2026-03-02T00:00", "today"]
)
def test_a_date_is_written_in_one_way_only(text: str) -> None:
    """YYYY-MM-DD: a second way to write the same day would give one fact two digests."""
    calendar: Codec[CalendarDay] = Codec(CalendarDay, calendar_pb2.CalendarDay)
    with pytest.raises(MessageMalformed) as malformed:
        calendar.from_message(calendar_pb2.CalendarDay(date=text))
    assert malformed.value.where == "date"


def test_a_oneof_of_which_nothing_is_set_is_malformed() -> None:
    message = EVENT.to_message(next(alternatives(CaseEvent, described(case_event_pb2.CaseEvent))))
    message.ClearField("filed")
    with pytest.raises(MessageMalformed) as malformed:
        EVENT.from_message(message)
    assert malformed.value.where == "fact"


def test_an_empty_alternative_is_still_the_one_that_was_chosen() -> None:
    facts = {
        type(event.fact): event
        for event in alternatives(CaseEvent, described(case_event_pb2.CaseEvent))
    }
    assert facts.keys() == set(get_args(Fact))
    for fact, told in facts.items():
        read = EVENT.from_bytes(EVENT.to_bytes(told))
        assert type(read.fact) is fact


def test_a_needed_message_of_which_all_is_default_is_not_absent() -> None:
    codec: Codec[ItemVersion] = CODECS["ItemVersion"]
    item = next(alternatives(ItemVersion, described(item_pb2.ItemVersion)))
    instant = replace(item, promised_limit=TimeLimit(0, item.promised_limit.unit))
    assert codec.from_bytes(codec.to_bytes(instant)).promised_limit == instant.promised_limit
    assert codec.from_bytes(codec.to_bytes(replace(item, promised_limit=None))) == replace(
        item, promised_limit=None
    )


@dataclass(frozen=True)
class OneFieldTooFew:
    """An Actor without its name."""

    kind: IntEnum
    actor_id: str


@dataclass(frozen=True)
class OneFieldTooMany:
    """A CalendarDay with a field that does not travel."""

    date: date
    working: bool
    occasion: str
    remark: str


class Weekend(IntEnum):
    """An enum that has no counterpart."""

    SATURDAY = 1
    SUNDAY = 2


@dataclass(frozen=True)
class AnotherEnum:
    """An Actor of kinds that the wire does not know."""

    kind: Weekend
    actor_id: str
    name: str


@dataclass(frozen=True)
class NoCorrespondence:
    """A TimeLimit with days as a float."""

    days: float
    unit: IntEnum
    remark: str


@dataclass(frozen=True)
class AlternativeLeftOut:
    """A request with one of its two wishes."""

    case_id: str
    request_id: str
    actor: Actor
    at: datetime
    wish: Supplemented


@dataclass(frozen=True)
class AlternativeTooMany:
    """A request with a wish that does not travel."""

    case_id: str
    request_id: str
    actor: Actor
    at: datetime
    wish: Supplemented | Withdrawn | Actor


@pytest.mark.parametrize(
    ("value_type", "message_type"),
    [
        (OneFieldTooFew, person_pb2.Actor),
        (OneFieldTooMany, calendar_pb2.CalendarDay),
        (AnotherEnum, person_pb2.Actor),
        (NoCorrespondence, item_pb2.TimeLimit),
        (Person, person_pb2.Actor),
        (AlternativeLeftOut, case_event_pb2.CaseRequest),
        (AlternativeTooMany, case_event_pb2.CaseRequest),
    ],
)
def test_what_does_not_correspond_is_noticed_when_the_codec_is_made(
    value_type: type[Any], message_type: type[Message]
) -> None:
    with pytest.raises(TypeError):
        Codec(value_type, message_type)


def test_a_moment_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_timestamp(datetime(2026, 3, 2))


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_a_moment_travels_to_the_microsecond(moment: datetime) -> None:
    assert from_timestamp(to_timestamp(moment)) == moment
    assert from_timestamp(to_timestamp(moment)).tzinfo is UTC


def test_a_finer_moment_is_cut_to_the_microsecond() -> None:
    assert from_timestamp(Timestamp(seconds=1, nanos=1999)) == datetime(
        1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC
    )


def test_equal_values_give_equal_bytes() -> None:
    one = Person("章三", "111", "11010519491231002X", "", "")
    other = Person("".join(["章", "三"]), "111", "11010519491231002X", "", "")
    assert CODECS["Person"].to_bytes(one) == CODECS["Person"].to_bytes(other)


def test_the_codecs_of_the_kernel_are_all_looked_at() -> None:
    modules = (calendar, event, item, mandate, believed, certificate, envelope, receipt, release)
    codecs = [
        codec for module in modules for codec in vars(module).values() if isinstance(codec, Codec)
    ]
    messages = {codec._message_type for codec in codecs}
    assert messages <= {message for _, message in PAIRS}


def test_what_stands_in_a_list_is_named_by_its_place() -> None:
    certificate = next(alternatives(CertificateBody, described(certificate_pb2.CertificateBody)))
    message = CODECS["CertificateBody"].to_message(certificate)
    message.permissions.append(99)
    with pytest.raises(MessageMalformed) as malformed:
        CODECS["CertificateBody"].from_message(message)
    assert malformed.value.where == "permissions[1]"
