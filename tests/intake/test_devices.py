"""Devices: enrolled, opened, lost; what they need; the numbers they reserve and the uploads they go on with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.device_parts import (
    DONE,
    REFUSED,
    SECRET,
    Device,
    call,
    device_face,
    states,
)
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    APPLICATION,
    OTHER_AGENT,
    act,
    asking,
    face,
    file_request,
    put_accounts,
    records,
)
from tests.simulation.halls import CHIEF, CLERK, World
from tests.simulation.worlds import TOWNSHIP

from hallnet.case.problems import (
    ActorUnknown,
    MaterialEmpty,
    MaterialTooLarge,
    PowerMissing,
    ReasonsMissing,
)
from hallnet.intake import cases, tables
from hallnet.intake.device import blocks, changes, uploads
from hallnet.intake.device.face import CALLERS
from hallnet.intake.papers import materials
from hallnet.store.columns import Closed
from hallnet.store.room import HallFull, Room
from hallnet.window.offline_problems import (
    BatchTooLarge,
    DeviceFull,
    DeviceSecretUnusable,
    DeviceUnknown,
    NumbersHeld,
    UploadDiffers,
    UploadsMany,
)
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.device.v1 import device_pb2 as wire
from hallnet.wire.device.v1 import device_service_pb2 as service


@pytest.fixture
def device(world: World) -> Device:
    put_accounts(world, TOWNSHIP, AGENT, OTHER_AGENT)
    return Device(world)


def shut_out(world: World, device: Device, by: Any = AGENT, reason: str = "遗失") -> Any:
    return call(world, "ShutOutDevice", act=act(by), device_id=device.device_id, reason=reason)


def uses(device: Device) -> list[Callable[[], Any]]:
    """Every method that a device uses."""
    world, credential = device.world, device.credential
    by: dict[str, Any] = {"credential": credential, "actor_id": device.actor_id}
    return [
        lambda: call(world, "OpenDevice", **by),
        lambda: call(world, "CheckDevice", device_id=device.device_id),
        lambda: device.exchange(),
        lambda: device.changes(),
        lambda: call(world, "ContinueUpload", **by, digest=b"d" * 32, size=9, data=b"data"),
        lambda: call(
            world, "ReserveNumbers", act=act(device.account), credential=credential, count=1
        ),
        lambda: call(world, "ReturnNumbers", act=act(device.account), credential=credential),
    ]


# Devices


def test_every_method_has_its_callers(world: World) -> None:
    methods = service.DESCRIPTOR.services_by_name["DeviceService"].methods
    assert set(CALLERS) == {method.name for method in methods}
    assert all(hasattr(device_face(world), method.name) for method in methods)


def test_an_enrolled_device_may_be_used(device: Device) -> None:
    for use in uses(device):
        use()


def test_a_hall_keeps_of_the_secret_nothing_but_its_digest(world: World, device: Device) -> None:
    [row] = rows(world.at(TOWNSHIP).intake, tables.device)
    assert row.secret_digest == hashlib.sha256(SECRET).digest()
    for table in tables.metadata.sorted_tables:
        for row in rows(world.at(TOWNSHIP).intake, table):
            assert SECRET not in b"".join(value for value in row if isinstance(value, bytes))


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 33])
def test_a_secret_has_32_bytes(world: World, device: Device, secret: bytes) -> None:
    with pytest.raises(DeviceSecretUnusable):
        call(world, "EnrolDevice", act=act(AGENT), name="平板", secret=secret)


def test_a_key_belongs_to_one_account_on_one_device(world: World, device: Device) -> None:
    again = Device(world, AGENT, SECRET, device.device_id)
    other = Device(world, OTHER_AGENT, SECRET, device.device_id)
    elsewhere = Device(world, AGENT, b"e" * 32)
    assert again.key == device.key
    assert len({device.key, other.key, elsewhere.key}) == 3
    assert isinstance(tables.device_account.c.item_key.type, Closed)


@pytest.mark.parametrize("secret", [b"", b"x" * 32])
def test_without_its_secret_a_device_is_not_believed(
    world: World, device: Device, secret: bytes
) -> None:
    device.secret = secret
    for use in uses(device)[2:]:
        with pytest.raises(DeviceUnknown):
            use()


def test_a_lost_device_is_shut_out_from_the_next_call_on(world: World, device: Device) -> None:
    seen = shut_out(world, device).device
    assert (seen.shut_out_by, seen.reason) == ("agent", "遗失")
    for use in uses(device):
        with pytest.raises(DeviceUnknown):
            use()
    assert [row.refused for row in records(world.at(TOWNSHIP), "ExchangeItems")] == [
        "DEVICE_UNKNOWN"
    ]


def test_the_keys_of_what_lies_on_a_lost_device_are_destroyed(world: World, device: Device) -> None:
    """Nobody can read its items any more, neither who found it nor this hall."""
    Device(world, OTHER_AGENT, SECRET, device.device_id)
    shut_out(world, device)
    kept = rows(world.at(TOWNSHIP).intake, tables.device_account)
    assert [row.item_key for row in kept] == [None, None]


def test_other_devices_of_the_account_go_on(world: World, device: Device) -> None:
    other = Device(world, AGENT, b"2" * 32)
    shut_out(world, device)
    assert other.filed().state == DONE


def test_who_supervises_shuts_a_device_out_too_and_nobody_else(
    world: World, device: Device
) -> None:
    with pytest.raises(PowerMissing):
        shut_out(world, device, OTHER_AGENT)
    with pytest.raises(ReasonsMissing):
        shut_out(world, device, CHIEF, " ")
    shut_out(world, device, CHIEF)
    [record] = [row for row in records(world.at(TOWNSHIP), "ShutOutDevice") if not row.refused]
    assert (record.actor_id, record.subject) == ("chief", device.device_id)


def test_an_account_sees_its_own_devices_and_who_supervises_all(
    world: World, device: Device
) -> None:
    Device(world, OTHER_AGENT, b"o" * 32)
    shared = Device(world, CLERK, b"c" * 32)
    Device(world, AGENT, b"c" * 32, shared.device_id)

    def names(actor_id: str) -> list[list[str]]:
        found = call(world, "ListDevices", actor_id=actor_id).devices
        return sorted(sorted(one.accounts) for one in found)

    assert names("agent") == [["agent"], ["agent", "clerk"]]
    assert names("other-agent") == [["other-agent"]]
    assert len(names("chief")) == 3


def test_devices_have_bounds(world: World, device: Device) -> None:
    for number in range(9):
        Device(world, AGENT, bytes([number]) * 32)
    with pytest.raises(DeviceFull):
        Device(world, AGENT, b"x" * 32)
    shut_out(world, device)
    Device(world, AGENT, b"x" * 32)


def test_nobody_unknown_uses_a_device(world: World, device: Device) -> None:
    for method in ("OpenDevice", "ExchangeItems", "GetChanges"):
        with pytest.raises(ActorUnknown):
            call(world, method, credential=device.credential, actor_id="stranger")
    # Known at the hall, but this device was never opened for her.
    with pytest.raises(DeviceUnknown):
        call(world, "ExchangeItems", credential=device.credential, actor_id="other-agent")


# What a device needs


def seen_cases(answer: service.GetChangesResponse) -> list[service.KnownCase]:
    return [
        service.KnownCase(case_id=view.summary.case_id, last_digest=view.last_digest)
        for view in answer.cases
    ]


def test_a_device_gets_what_it_lacks_and_nothing_else(world: World, device: Device) -> None:
    first, second = device.filed(), device.filed()
    world.file(TOWNSHIP, "temporary-relief-township")
    answer = device.changes()
    assert {view.summary.case_id for view in answer.cases} == {first.case_id, second.case_id}
    assert answer.calendar.years
    assert {item.item_id for item in answer.items} >= {"subsistence-allowance"}
    assert all(item.agent_allowed for item in answer.items)
    has = {
        "known": seen_cases(answer),
        "items_digest": answer.items_digest,
        "calendar_digest": answer.calendar_digest,
    }
    nothing = device.changes(**has)
    assert (len(nothing.cases), len(nothing.items), len(nothing.calendar.years)) == (0, 0, 0)
    case = world.at(TOWNSHIP).intake.look(lambda c: cases.load(c, second.case_id))
    world.act(TOWNSHIP, case, ACCEPT)
    [view] = device.changes(**has).cases
    assert (view.summary.case_id, len(view.events)) == (second.case_id, 2)


def test_pages_go_on_from_what_the_device_has_then(world: World, device: Device) -> None:
    filed = {device.filed().case_id for _ in range(3)}
    has: list[service.KnownCase] = []
    for more in (True, True, False):
        answer = device.changes(known=has, page_size=1)
        assert (len(answer.cases), answer.more) == (1, more)
        has += seen_cases(answer)
    assert {one.case_id for one in has} == filed


def test_what_ended_or_is_another_agents_is_taken_off_the_device(
    world: World, device: Device
) -> None:
    case = device.filed()
    other = Device(world, OTHER_AGENT, b"o" * 32)
    known = seen_cases(device.changes())
    assert list(other.changes(known=known).gone) == [case.case_id]
    withdraw = asking(act(), case.case_id, wire_command.Withdraw(reason="不办了"))
    ask(face(world).ActOnCase(withdraw, None))
    assert list(device.changes(known=known).gone) == [case.case_id]


def test_staff_get_the_cases_that_they_answer_for(world: World, device: Device) -> None:
    ask(face(world).FileCase(file_request(world, actor=CLERK), None))
    ask(face(world).FileCase(file_request(world, actor=CHIEF), None))
    desk = Device(world, CLERK, b"c" * 32)
    [view] = desk.changes().cases
    assert view.summary.owner == "clerk"


def test_each_case_that_goes_to_a_device_is_a_look_on_record(world: World, device: Device) -> None:
    case = device.filed()
    device.changes(known=seen_cases(device.changes()))
    assert [row.subject for row in records(world.at(TOWNSHIP), "GetChanges")] == [case.case_id]


def test_a_device_names_a_bounded_number_of_cases(world: World, device: Device) -> None:
    with pytest.raises(BatchTooLarge):
        device.changes(known=[service.KnownCase()] * (changes.CASES_MAX + 1))


# Reserved numbers


def reserve(device: Device, count: int, request_id: str = "") -> list[wire.ReservedNumber]:
    answer = call(
        device.world,
        "ReserveNumbers",
        act=act(device.account, request_id),
        credential=device.credential,
        count=count,
    )
    return list(answer.numbers)


def with_number(device: Device, number: str, **changes: Any) -> wire.ItemResult:
    client = device.world.person()
    permission = device.permission(client)
    application = device.application(client, permission, number=number, **changes)
    return device.exchange(permission, application)[1]


def test_reserved_numbers_are_those_of_the_hall_and_nobody_elses(
    world: World, device: Device
) -> None:
    numbers = [one.case_no for one in reserve(device, 3)]
    assert numbers == [f"330127101-20261123-000{n}" for n in (1, 2, 3)]
    at_window = ask(face(world).FileCase(file_request(world), None))
    assert at_window.case.summary.case_no == "330127101-20261123-0004"
    world.time.pass_by(days=2)
    filed = with_number(device, numbers[1])
    assert (filed.state, filed.case_no) == (DONE, numbers[1])


def test_the_word_that_went_with_the_number_is_the_one_that_asks_for_progress(
    world: World, device: Device
) -> None:
    [number] = reserve(device, 1)
    filed = with_number(device, number.case_no)
    assert filed.query_code == number.query_code


def test_the_same_reservation_again_takes_no_more_numbers(world: World, device: Device) -> None:
    assert reserve(device, 2, "reserve-1") == reserve(device, 2, "reserve-1")
    assert len(rows(world.at(TOWNSHIP).intake, tables.reserved_number)) == 2


def test_a_number_is_used_once_by_its_account_in_its_time(world: World, device: Device) -> None:
    one, two, three, four = (number.case_no for number in reserve(device, 4))
    assert with_number(device, one).state == DONE
    assert with_number(device, one).problem.reason == "NUMBER_NOT_RESERVED"
    given = call(
        world,
        "ReturnNumbers",
        act=act(AGENT),
        credential=device.credential,
        case_numbers=[one, two, "x"],
    )
    assert given.returned == 1
    assert with_number(device, two).problem.reason == "NUMBER_NOT_RESERVED"
    assert with_number(device, "330127101-20261123-9999").state == REFUSED
    made_at = world.time.now
    world.time.pass_by(days=blocks.GIVEN_OUT_FOR.days, seconds=1)
    # It was given to the villager in time, and the device found no network before.
    assert with_number(device, three, made_at=made_at).state == DONE
    assert with_number(device, four).problem.reason == "NUMBER_NOT_RESERVED"


def test_a_number_of_another_account_is_not_to_be_used(world: World, device: Device) -> None:
    [number] = reserve(device, 1)
    other = Device(world, OTHER_AGENT, b"o" * 32)
    client = world.person()
    permission = other.permission(client, agent_id="other-agent")
    application = other.application(client, permission, number=number.case_no)
    results = other.exchange(permission, application)
    assert results[1].problem.reason == "NUMBER_NOT_RESERVED"
    assert with_number(device, number.case_no).state == DONE


def test_what_is_refused_leaves_the_number_to_be_used(world: World, device: Device) -> None:
    [number] = reserve(device, 1)
    client = world.person()
    permission = device.permission(client, item_ids=("elder-card",))
    refused = device.application(client, permission, number=number.case_no)
    assert states(device.exchange(permission, refused)) == [DONE, REFUSED]
    assert with_number(device, number.case_no).state == DONE


def test_an_account_holds_a_bounded_number_of_numbers(world: World, device: Device) -> None:
    reserve(device, blocks.NUMBERS_HELD_MAX)
    for count in (1, 0):
        with pytest.raises(NumbersHeld):
            reserve(device, count)
    world.time.pass_by(days=blocks.GIVEN_OUT_FOR.days, seconds=1)
    reserve(device, 1)


def test_numbers_that_nobody_used_go_to_nobody(world: World, device: Device) -> None:
    reserve(device, 2)
    intake = world.at(TOWNSHIP).intake
    world.time.pass_by(days=200)
    intake.transact(lambda c: blocks.forget_old(c, world.time.now))
    assert rows(intake, tables.reserved_number) == []
    counters = rows(intake, tables.number_counter)
    assert [row.last for row in counters if row.series.startswith("case-20261123")] == [2]


# Uploads


def upload(
    device: Device, content: bytes, offset: int, data: bytes, **changes: Any
) -> service.ContinueUploadResponse:
    values: dict[str, Any] = {
        "digest": hashlib.sha256(content).digest(),
        "size": len(content),
    } | changes
    answer: service.ContinueUploadResponse = call(
        device.world,
        "ContinueUpload",
        credential=device.credential,
        actor_id=device.actor_id,
        media_type="image/jpeg",
        offset=offset,
        data=data,
        **values,
    )
    return answer


def stored(world: World, digest: bytes) -> bytes:
    intake, found = world.at(TOWNSHIP).intake, b""
    rest = materials.Rest(digest, 0, 0)
    while data := intake.look(rest.next):
        found += data
    return found


CONTENT = bytes(range(256)) * 2_500
"""640,000 bytes: two chunks and a half."""


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    salt=st.binary(min_size=8, max_size=8),
    pieces=st.lists(st.tuples(st.integers(0, len(CONTENT)), st.integers(0, 300_000)), max_size=6),
)
def test_an_upload_goes_on_at_any_byte_whatever_came_before(
    world: World, device: Device, salt: bytes, pieces: list[tuple[int, int]]
) -> None:
    content = salt + CONTENT
    received = 0
    for offset, length in pieces:
        answer = upload(device, content, offset, content[offset : offset + length])
        assert answer.received >= received
        assert not answer.complete or answer.received == len(content)
        received = answer.received
    while received < len(content):
        received = upload(
            device, content, received, content[received : received + 100_001]
        ).received
    assert stored(world, hashlib.sha256(content).digest()) == content
    assert upload(device, content, 0, b"").complete
    for table in (tables.partial_upload, tables.partial_chunk):
        assert rows(world.at(TOWNSHIP).intake, table) == []


def test_bytes_behind_a_gap_are_not_taken(device: Device) -> None:
    assert upload(device, CONTENT, 10, CONTENT[10:20]).received == 0
    assert upload(device, CONTENT, 0, CONTENT[:15]).received == 15
    assert upload(device, CONTENT, 10, CONTENT[10:20]).received == 20
    assert upload(device, CONTENT, 0, b"").received == 20


def test_what_is_not_what_was_announced_never_becomes_a_material(
    world: World, device: Device
) -> None:
    digest = hashlib.sha256(b"right").digest()
    with pytest.raises(UploadDiffers):
        upload(device, b"right", 0, b"wrong")
    assert upload(device, b"right", 0, b"").received == 0
    assert not world.at(TOWNSHIP).intake.look(lambda c: materials.is_here(c, digest))
    assert upload(device, b"right", 0, b"right").complete


def test_what_one_account_sends_does_not_get_among_what_another_sends(
    world: World, device: Device
) -> None:
    other = Device(world, OTHER_AGENT, b"o" * 32)
    assert upload(device, CONTENT, 0, CONTENT[:1000]).received == 1000
    assert upload(other, CONTENT, 0, b"").received == 0
    assert upload(other, CONTENT, 0, b"x" * 2000).received == 2000
    for offset in range(1000, len(CONTENT), 200_000):
        upload(device, CONTENT, offset, CONTENT[offset : offset + 200_000])
    assert stored(world, hashlib.sha256(CONTENT).digest()) == CONTENT


def test_a_wrong_length_is_found_out_and_begun_anew(device: Device) -> None:
    upload(device, CONTENT, 0, CONTENT[:100], size=200)
    assert upload(device, CONTENT, 0, b"").received == 0


def test_uploads_have_bounds(world: World, device: Device) -> None:
    with pytest.raises(MaterialEmpty):
        upload(device, b"", 0, b"")
    with pytest.raises(MaterialTooLarge):
        upload(device, CONTENT, 0, b"", size=materials.MATERIAL_BYTES_MAX + 1)
    for number in range(uploads.UPLOADS_MAX):
        upload(device, f"file {number}".encode(), 0, b"f")
    with pytest.raises(UploadsMany):
        upload(device, b"one more", 0, b"o")
    face_of_full = device_face(world)
    face_of_full._room = lambda: Room(0, 1)
    request = service.ContinueUploadRequest(
        credential=device.credential, actor_id="agent", digest=b"d" * 32, size=9, data=b"d"
    )
    with pytest.raises(HallFull):
        ask(face_of_full.ContinueUpload(request, None))


def test_an_upload_that_broke_off_long_ago_is_removed(world: World, device: Device) -> None:
    upload(device, CONTENT, 0, CONTENT[:10])
    intake = world.at(TOWNSHIP).intake
    world.time.now += uploads.KEPT_FOR
    intake.transact(lambda c: uploads.forget_old(c, world.time.now))
    assert upload(device, CONTENT, 0, b"").received == 10
    world.time.now += uploads.KEPT_FOR + timedelta(seconds=1)
    intake.transact(lambda c: uploads.forget_old(c, world.time.now))
    assert upload(device, CONTENT, 0, b"").received == 0


def test_a_material_that_came_in_pieces_is_handed_in_like_any_other(
    world: World, device: Device
) -> None:
    paper = world.upload(TOWNSHIP, APPLICATION)
    assert upload(device, APPLICATION.encode() + b":scan", 0, b"").complete
    assert paper.size == len(APPLICATION.encode()) + 5
