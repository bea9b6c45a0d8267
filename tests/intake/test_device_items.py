"""Items from devices: done once, after those they depend on, by the rules of a window; or why not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.device_parts import (
    CONFLICT,
    DISCARDED,
    DONE,
    QUARANTINED,
    REFUSED,
    WAITS,
    Device,
    call,
    device_face,
    new_uuid,
    states,
)
from tests.intake.parts import (
    ACCEPT,
    AGENT,
    APPLICATION,
    AUTHORISATION,
    HAND_OVER,
    MATERIAL,
    NOTICE,
    OTHER_AGENT,
    REVIEW,
    Post,
    act,
    asking,
    face,
    facts,
    history,
    mandate,
    put_accounts,
    records,
)
from tests.simulation.halls import CHIEF, CLERK, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.mandate import MANDATE
from hallnet.case.person import Material
from hallnet.case.problems import PowerMissing
from hallnet.intake import cases, tables
from hallnet.intake.device import items
from hallnet.intake.device.doing import Doing
from hallnet.problems import Problem
from hallnet.store.columns import Closed
from hallnet.window.offline import ITEM_AGE_MAX, RESULTS_KEPT_FOR
from hallnet.window.offline_problems import BatchTooLarge, ItemSettled, QueuedItemUnknown
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.device.v1 import device_pb2 as wire
from hallnet.wire.device.v1 import device_service_pb2 as service

WITHDRAW = wire_command.Withdraw(reason="不办了")


@pytest.fixture
def device(world: World) -> Device:
    put_accounts(world, TOWNSHIP, AGENT, OTHER_AGENT)
    return Device(world)


def supply(material: Material) -> wire_command.Supplement:
    return wire_command.Supplement(materials=[MATERIAL.to_message(material)])


def stored(world: World) -> list[Any]:
    return rows(world.at(TOWNSHIP).intake, tables.device_item)


def cases_here(world: World) -> list[Any]:
    return rows(world.at(TOWNSHIP).intake, tables.case)


# What is done


def test_a_mandate_and_an_application_under_it_are_done_as_at_a_window(
    world: World, device: Device
) -> None:
    client = world.person()
    permission = device.permission(client)
    application = device.application(client, permission)
    # The child comes before its parent.
    filed, registered = device.exchange(application, permission)
    assert (registered.state, registered.mandate_id) == (DONE, permission.client_id)
    assert (filed.state, filed.version.sequence) == (DONE, 1)
    assert filed.case_no == "330127101-20261123-0001"
    assert len(filed.query_code) == 8
    [case] = cases_here(world)
    assert (case.case_id, case.agent_id) == (filed.case_id, "agent")


def test_an_act_on_a_case_that_is_filed_in_the_same_batch_follows_it(
    world: World, device: Device
) -> None:
    client = world.person()
    permission = device.permission(client)
    application = device.application(client, permission)
    withdrawal = device.on_case(WITHDRAW, filed_by=application.client_id)
    results = device.exchange(withdrawal, application, permission)
    assert states(results) == [DONE] * 3
    assert results[0].version.sequence == 2
    assert results[0].case_id == results[1].case_id


def test_powers_are_those_of_the_account(world: World, device: Device) -> None:
    case = device.filed()
    [refused] = device.exchange(
        device.on_case(wire_command.Accept(), case_id=case.case_id, seen=case.version)
    )
    assert (refused.state, refused.problem.reason) == (REFUSED, "POWER_MISSING")
    assert refused.problem.chinese
    assert len(history(world.at(TOWNSHIP), _case(world, case))) == 1


def test_staff_work_at_devices_too(world: World, device: Device) -> None:
    case = device.filed()
    desk = Device(world, CLERK, b"c" * 32)
    [done] = desk.exchange(
        desk.on_case(wire_command.Accept(), case_id=case.case_id, seen=case.version)
    )
    assert (done.state, done.version.sequence) == (DONE, 2)


def test_a_wish_for_a_case_elsewhere_is_passed_on(world: World, device: Device) -> None:
    case = device.filed()
    for command in (ACCEPT, REVIEW, HAND_OVER):
        world.act(TOWNSHIP, _case(world, case), command)
    post = Post(world)
    post.settle()
    now = _case(world, case)
    seen = wire.Seen(sequence=now.sequence, digest=now.last_digest)
    [done] = device.exchange(device.on_case(WITHDRAW, case_id=case.case_id, seen=seen))
    assert (done.state, done.passed_on) == (DONE, True)
    post.settle()
    assert facts(history(world.at(COUNTY), now))[-1] == "Withdrawn"


# Once


def test_the_same_item_again_is_done_once_and_has_the_same_result(
    world: World, device: Device
) -> None:
    client = world.person()
    permission = device.permission(client)
    application = device.application(client, permission)
    first = device.exchange(permission, application)
    world.time.pass_by(days=3)
    again = device.exchange(application, permission, application)
    assert again == [first[1], first[0], first[1]]
    assert len(cases_here(world)) == 1


def test_the_same_item_twice_at_once_is_done_once(world: World, device: Device) -> None:
    client = world.person()
    permission = device.permission(client)
    application = device.application(client, permission)
    device.exchange(permission)
    request = service.ExchangeItemsRequest(
        credential=device.credential, actor_id=device.actor_id, items=[application]
    )

    async def at_once() -> list[service.ExchangeItemsResponse]:
        desk = device_face(world)
        return list(await asyncio.gather(*(desk.ExchangeItems(request, None) for _ in range(6))))

    answers = asyncio.run(at_once())
    assert len({answer.results[0].SerializeToString() for answer in answers}) == 1
    assert len(cases_here(world)) == 1


def test_every_refusal_is_on_record_as_at_a_window(world: World, device: Device) -> None:
    case = device.filed()
    accept = device.on_case(wire_command.Accept(), case_id=case.case_id, seen=case.version)
    device.exchange(accept)
    device.exchange(accept, device.on_case(WITHDRAW, case_id=case.case_id))
    found = [
        (row.actor_id, row.act, row.refused)
        for row in records(world.at(TOWNSHIP))
        if row.subject == case.case_id
    ]
    assert found == [("agent", "Accept", "POWER_MISSING"), ("agent", "Withdraw", "CASE_WENT_ON")]


def test_another_device_of_the_same_account_gets_the_same_result(
    world: World, device: Device
) -> None:
    client = world.person()
    permission = device.permission(client)
    [first] = device.exchange(permission)
    assert Device(world, AGENT, b"2" * 32).exchange(permission) == [first]


def test_an_id_belongs_to_one_content(world: World, device: Device) -> None:
    one = device.permission(world.person())
    other = device.permission(world.person())
    other.client_id = one.client_id
    results = device.exchange(one, other)
    assert states(results) == [DONE, REFUSED]
    assert results[1].problem.reason == "ITEM_ID_REUSED"
    assert device.exchange(one) == [results[0]]


def test_a_refusal_stays_and_what_is_put_right_has_another_id(world: World, device: Device) -> None:
    client = world.person()
    permission = device.permission(client, item_ids=("elder-card",))
    application = device.application(client, permission)
    results = device.exchange(permission, application)
    assert states(results) == [DONE, REFUSED]
    assert results[1].problem.reason == "MANDATE_NOT_FOR_THIS"
    assert device.exchange(application) == [results[1]]
    fresh = device.permission(client)
    assert states(device.exchange(fresh, device.application(client, fresh))) == [DONE, DONE]


# What waits


def test_an_item_waits_for_its_parent_and_nothing_of_it_is_kept(
    world: World, device: Device
) -> None:
    client = world.person()
    permission = device.permission(client)
    application = device.application(client, permission)
    [waits] = device.exchange(application)
    assert (waits.state, list(waits.missing_items)) == (WAITS, [permission.client_id])
    assert stored(world) == []
    assert states(device.exchange(permission)) == [DONE]
    assert states(device.exchange(application)) == [DONE]


def test_an_application_waits_for_its_materials_instead_of_being_refused(
    world: World, device: Device
) -> None:
    """The upload may be slower than what names it."""
    client = world.person()
    permission = device.permission(client)
    application = device.application(client, permission)
    digest = world.upload(TOWNSHIP, APPLICATION).digest
    table = tables.material
    station = world.at(TOWNSHIP)
    station.intake.transact(
        lambda c: c.execute(table.update().where(table.c.digest == digest).values(complete=False))
    )
    results = device.exchange(permission, application)
    assert states(results) == [DONE, WAITS]
    assert list(results[1].missing_materials) == [digest]
    station.intake.transact(lambda c: c.execute(table.update().values(complete=True)))
    assert states(device.exchange(application)) == [DONE]


def test_an_act_waits_while_the_hall_does_not_know_how_old_its_records_are(
    world: World, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = device.filed()
    station = world.at(TOWNSHIP)
    monkeypatch.setattr("hallnet.intake.records.PATIENCE_SECONDS", 0.01)
    withdrawal = device.on_case(WITHDRAW, case_id=case.case_id, seen=case.version)
    station.hall.records.may_act.clear()
    [waits] = device.exchange(withdrawal)
    assert (waits.state, waits.problem.reason) == (WAITS, "RECORDS_UNSURE")
    station.hall.records.may_act.set()
    assert states(device.exchange(withdrawal)) == [DONE]


# Conflicts


def test_an_act_on_a_case_that_went_on_shows_both_sides_and_changes_nothing(
    world: World, device: Device
) -> None:
    case = device.filed((APPLICATION,))
    world.act(TOWNSHIP, _case(world, case), NOTICE)
    withdrawal = device.on_case(WITHDRAW, case_id=case.case_id, seen=case.version)
    [result] = device.exchange(withdrawal)
    assert (result.state, result.problem.reason) == (CONFLICT, "CASE_WENT_ON")
    assert [event.WhichOneof("fact") for event in result.happened] == ["notice_given"]
    assert result.version.sequence == 2
    [kept] = call(
        world, "ListKeptItems", actor_id=device.actor_id, states=[wire.ITEM_STATE_CONFLICT]
    ).items
    assert kept.body == withdrawal.body
    assert facts(history(world.at(TOWNSHIP), _case(world, case))) == ["Filed", "NoticeGiven"]


def test_a_conflict_that_a_person_has_looked_at_is_done_on_the_case_as_it_was_shown(
    world: World, device: Device
) -> None:
    case = device.filed((APPLICATION,))
    world.act(TOWNSHIP, _case(world, case), NOTICE)
    withdrawal = device.on_case(WITHDRAW, case_id=case.case_id, seen=case.version)
    device.exchange(withdrawal)
    # And something more, which nobody was shown.
    paper = supply(world.upload(TOWNSHIP, AUTHORISATION))
    ask(face(world).ActOnCase(asking(act(), case.case_id, paper), None))
    again = device.settle(withdrawal.client_id)
    assert again.state == CONFLICT
    assert [event.WhichOneof("fact") for event in again.happened] == ["supplemented"]
    done = device.settle(withdrawal.client_id)
    assert (done.state, done.version.sequence) == (DONE, 4)
    assert device.exchange(withdrawal) == [done]


def test_an_act_that_names_no_version_is_a_conflict(world: World, device: Device) -> None:
    case = device.filed()
    [result] = device.exchange(device.on_case(WITHDRAW, case_id=case.case_id))
    assert (result.state, len(result.happened)) == (CONFLICT, 1)


def test_acts_that_follow_each_other_do_not_conflict_with_themselves(
    world: World, device: Device
) -> None:
    case = device.filed((APPLICATION,))
    first = device.on_case(
        supply(world.upload(TOWNSHIP, APPLICATION, b"better")),
        case_id=case.case_id,
        seen=case.version,
    )
    second = device.on_case(
        supply(world.upload(TOWNSHIP, APPLICATION, b"best")),
        first.client_id,
        case_id=case.case_id,
        seen=case.version,
    )
    third = device.on_case(WITHDRAW, second.client_id, case_id=case.case_id, seen=case.version)
    assert states(device.exchange(third)) == [WAITS]
    assert states(device.exchange(third, second, first)) == [DONE, DONE, DONE]


def test_the_case_of_another_agent_is_not_there(world: World, device: Device) -> None:
    case = device.filed()
    other = Device(world, OTHER_AGENT, b"o" * 32)
    [refused] = other.exchange(other.on_case(WITHDRAW, case_id=case.case_id))
    assert (refused.state, refused.problem.reason) == (REFUSED, "CASE_UNKNOWN")
    assert (len(refused.happened), refused.case_no) == (0, "")


# What is kept for a person


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b'{"account":"agent"}',
        b'{"account":"agent","madeAt":"2026-11-23T01:00:00Z"}',
        b'{"account":"agent","madeAt":"2026-11-23T01:00:00Z","caseAct":{}}',
        b'{"account":"agent","madeAt":"2026-11-23T01:00:00Z","somethingNew":{"a":1}}',
        b'{"account":"agent","madeAt":"2026-11-23T01:00:00Z","mandate":{"mandateId":"\\u0000"}}',
        b'{"account":"agent","madeAt":"2026-11-23T01:00:00Z","mandate":{"mandateId":"\\ud800"}}',
        b'{"account":"agent","madeAt":"2026-11-23T01:00:00Z","dependsOn":["x"],"mandate":{}}',
        b"{" * 70_000,
    ],
    ids=lambda body: repr(body[:60]),
)
def test_an_item_that_cannot_be_read_spoils_no_other(
    world: World, device: Device, body: bytes
) -> None:
    bad = wire.QueuedItem(client_id=new_uuid(world), body=body)
    good = device.permission(world.person())
    results = device.exchange(bad, good)
    assert states(results) == [QUARANTINED, DONE]
    assert device.exchange(bad) == [results[0]]
    [kept] = call(
        world, "ListKeptItems", actor_id="agent", states=[wire.ITEM_STATE_QUARANTINED]
    ).items
    assert kept.body == body


def test_an_item_over_which_the_hall_stumbles_is_kept_and_the_others_are_done(
    world: World, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = device.permission(world.person()), device.permission(world.person())
    real = Doing.do

    def stumbling(self: Doing, connection: Any) -> Any:
        if self.item.client_id == bad.client_id:
            raise RuntimeError("a fault of the hall")
        return real(self, connection)

    monkeypatch.setattr(Doing, "do", stumbling)
    results = device.exchange(bad, good)
    assert states(results) == [QUARANTINED, DONE]
    monkeypatch.undo()
    assert device.settle(bad.client_id).state == DONE


def test_an_item_that_is_too_old_is_kept_until_a_person_releases_it(
    world: World, device: Device
) -> None:
    client = world.person()
    old = device.permission(client)
    world.time.pass_by(days=ITEM_AGE_MAX.days, seconds=1)
    [kept] = device.exchange(old)
    assert (kept.state, kept.problem.reason) == (QUARANTINED, "ITEM_TIME_UNUSABLE")
    done = device.settle(old.client_id, by=CHIEF)
    assert done.state == DONE
    assert device.exchange(old) == [done]
    assert [(row.actor_id, row.act) for row in records(world.at(TOWNSHIP), "ReleaseItem")] == [
        ("chief", "ReleaseItem")
    ]


def test_what_depends_on_something_refused_is_kept_and_so_is_what_depends_on_that(
    world: World, device: Device
) -> None:
    client = world.person()
    permission = device.permission(client, item_ids=("elder-card",))
    application = device.application(client, permission)
    withdrawal = device.on_case(WITHDRAW, filed_by=application.client_id)
    results = device.exchange(withdrawal, application, permission)
    assert states(results) == [QUARANTINED, REFUSED, DONE]
    with pytest.raises(Problem) as refused:
        device.settle(withdrawal.client_id)
    assert refused.value.reason == "PARENT_NOT_DONE"
    assert device.settle(withdrawal.client_id, discard=True).state == DISCARDED
    assert device.exchange(withdrawal)[0].state == DISCARDED
    with pytest.raises(ItemSettled):
        device.settle(withdrawal.client_id)


def test_items_that_wait_for_each_other_are_refused(world: World, device: Device) -> None:
    ids = [new_uuid(world) for _ in range(2)]
    given = MANDATE.to_message(mandate(world, world.person()))
    circle = [device.item(given, ids[1 - n], client_id=ids[n]) for n in range(2)]
    results = device.exchange(*circle)
    assert [result.problem.reason for result in results] == ["ITEMS_IN_A_CIRCLE"] * 2
    assert states(results) == [REFUSED, REFUSED]


def test_the_items_of_another_account_are_refused_and_not_touched(
    world: World, device: Device
) -> None:
    """Two agents share a device: what one queued the other neither sends, sees nor settles."""
    other = Device(world, OTHER_AGENT, device.secret, device.device_id)
    assert other.key != device.key
    mine = device.permission(world.person(), item_ids=())
    [refused] = other.exchange(mine)
    assert refused.problem.reason == "ITEM_NOT_YOURS"
    assert stored(world) == []
    device.exchange(mine)
    assert not call(world, "ListKeptItems", actor_id="other-agent").items
    with pytest.raises(PowerMissing):
        device.settle(mine.client_id, by=OTHER_AGENT)
    with pytest.raises(QueuedItemUnknown):
        call(
            world,
            "SettleItem",
            act=act(OTHER_AGENT),
            account="other-agent",
            client_id=mine.client_id,
            reason="看看",
        )


def test_who_supervises_sees_what_waits_at_devices_and_each_look_is_on_record(
    world: World, device: Device
) -> None:
    device.exchange(wire.QueuedItem(client_id=new_uuid(world), body=b"?"))
    [kept] = call(world, "ListKeptItems", actor_id="chief").items
    assert (kept.account, kept.device_id) == ("agent", device.device_id)
    [look] = records(world.at(TOWNSHIP), "ListKeptItems")
    assert look.subject == kept.result.client_id
    call(world, "ListKeptItems", actor_id="agent")
    assert len(records(world.at(TOWNSHIP), "ListKeptItems")) == 1


def test_what_a_person_wrote_lies_closed_and_is_gone_once_it_is_done(
    world: World, device: Device
) -> None:
    assert isinstance(tables.device_item.c.body.type, Closed)
    device.filed()
    assert [row.body for row in stored(world)] == [b"", b""]


def test_a_batch_has_a_bound(world: World, device: Device) -> None:
    item = device.permission(world.person())
    with pytest.raises(BatchTooLarge):
        device.exchange(*[item] * 51)
    with pytest.raises(BatchTooLarge):
        device.exchange(*[wire.QueuedItem(body=b"x" * 64 * 1024)] * 17)


def test_results_are_forgotten_when_their_items_are_too_old_to_be_done_again(
    world: World, device: Device
) -> None:
    permission = device.permission(world.person())
    device.exchange(permission)
    intake = world.at(TOWNSHIP).intake
    world.time.pass_by(days=RESULTS_KEPT_FOR.days)
    assert intake.transact(lambda c: items.forget_old(c, world.time.now)) == 0
    world.time.now += timedelta(seconds=1)
    assert intake.transact(lambda c: items.forget_old(c, world.time.now)) == 1
    assert states(device.exchange(permission)) == [QUARANTINED]


# Any order, any cut, any repetition


PLACES = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), max_size=5)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=PLACES)
def test_in_whatever_order_cut_and_repetition_items_come_each_is_done_once(
    world: World, device: Device, batches: list[list[int]]
) -> None:
    client = world.person()
    permission = device.permission(client)
    [number] = call(
        world,
        "ReserveNumbers",
        act=act(AGENT),
        credential=device.credential,
        count=1,
    ).numbers
    application = device.application(client, permission, (APPLICATION,), number.case_no)
    paper = supply(world.upload(TOWNSHIP, AUTHORISATION))
    supplement = device.on_case(paper, filed_by=application.client_id)
    withdrawal = device.on_case(WITHDRAW, supplement.client_id, filed_by=application.client_id)
    late = device.on_case(paper, withdrawal.client_id, filed_by=application.client_id)
    after = device.on_case(paper, late.client_id, filed_by=application.client_id)
    queued = [permission, application, supplement, withdrawal, late, after]
    results: dict[str, wire.ItemResult] = {}
    for places in [*batches, [5, 4, 3, 2, 1, 0]]:
        batch = [queued[place] for place in places]
        for item, result in zip(batch, device.exchange(*batch), strict=True):
            if result.state == WAITS:
                assert item.client_id not in results
            else:
                assert results.setdefault(item.client_id, result) == result
    assert states([results[item.client_id] for item in queued]) == [
        DONE,
        DONE,
        DONE,
        DONE,
        REFUSED,
        QUARANTINED,
    ]
    filed = results[application.client_id]
    assert (filed.case_no, filed.query_code) == (number.case_no, number.query_code)
    assert facts(history(world.at(TOWNSHIP), _case(world, filed))) == [
        "Filed",
        "Supplemented",
        "Withdrawn",
    ]


def _case(world: World, result: wire.ItemResult) -> Any:
    return world.at(TOWNSHIP).intake.look(lambda c: cases.load(c, result.case_id))
