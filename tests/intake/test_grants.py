"""Grants of powers at a hall, through its face, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.exchange.test_face import ask
from tests.intake.parts import ACCEPT, ELDER_CARD, GRANT, RELIEF, act, face, put_accounts
from tests.intake.test_window import call
from tests.simulation.halls import CHIEF, World
from tests.simulation.worlds import TOWNSHIP

from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActorUnknown,
    GrantImpossible,
    PowerLapsed,
    PowerMissing,
)
from hallnet.intake.accounts import Account
from hallnet.window.problems import WindowUnknown
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.window.v1 import window_pb2 as wire_window

NEW = Account(Actor(ActorKind.STAFF, "new", "陈新人"), frozenset({Power.RECEIVE}), ())
OTHER = Account(Actor(ActorKind.STAFF, "other", "林同事"), frozenset({Power.RECEIVE}), ())


def give(world: World, by: Account = CHIEF, to: str = "new", **fields: Any) -> wire.PowerGrant:
    request = wire.GrantPowerRequest(act=act(by), actor_id=to, grant=wire.PowerGrant(**fields))
    return ask(face(world).GrantPower(request, None)).grant  # type: ignore[no-any-return]


def revoke(world: World, number: int, by: Account = CHIEF) -> wire.PowerGrant:
    request = wire.RevokePowerRequest(act=act(by), actor_id="new", number=number, reason="调岗")
    return ask(face(world).RevokePower(request, None)).grant  # type: ignore[no-any-return]


def listed(world: World, by: str = "chief", **fields: Any) -> list[tuple[str, int, int]]:
    request = wire.ListGrantsRequest(actor_id=by, **fields)
    found = ask(face(world).ListGrants(request, None)).grants
    return [(one.actor_id, one.grant.number, one.state) for one in found]


def on_day(world: World, days: int) -> str:
    return (world.time.now + timedelta(days=days)).date().isoformat()


def test_a_power_for_a_week_lets_act_for_a_week(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    cases = [world.file(TOWNSHIP, RELIEF) for _ in range(3)]
    for case in cases:
        world.act(TOWNSHIP, case, ACCEPT)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, cases[0], GRANT, NEW)
    given = give(world, power=wire.POWER_DECIDE, valid_until=on_day(world, 7))
    assert (given.number, given.given_by) == (2, "chief")
    world.act(TOWNSHIP, cases[0], GRANT, NEW)
    world.time.pass_by(days=7)
    world.act(TOWNSHIP, cases[1], GRANT, NEW)
    world.time.pass_by(days=1)
    with pytest.raises(PowerLapsed) as caught:
        world.act(TOWNSHIP, cases[2], GRANT, NEW)
    assert "chief" in caught.value.in_chinese()
    give(world, power=wire.POWER_DECIDE)
    world.act(TOWNSHIP, cases[2], GRANT, NEW)


def test_a_power_for_an_item_or_a_kind_is_for_no_other(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    give(world, power=wire.POWER_DECIDE_INSTANT, kind="即办件", item_ids=[ELDER_CARD])
    world.act(TOWNSHIP, world.file(TOWNSHIP, ELDER_CARD), GRANT, NEW)
    relief = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, relief, ACCEPT)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, relief, GRANT, NEW)


def test_a_power_of_a_department_is_for_its_items_and_for_a_department_that_there_is(
    world: World,
) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    station, today = world.at(TOWNSHIP), world.time.now.date()
    item = station.intake.look(lambda c: station.hall.releases.item_to_file(c, RELIEF, today))
    give(world, power=wire.POWER_DECIDE, department=item.authority)
    give(world, power=wire.POWER_DECIDE_INSTANT, department=item.authority)
    relief, card = (world.file(TOWNSHIP, item_id) for item_id in (RELIEF, ELDER_CARD))
    world.act(TOWNSHIP, relief, ACCEPT)
    world.act(TOWNSHIP, relief, GRANT, NEW)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, card, GRANT, NEW)
    with pytest.raises(GrantImpossible):
        give(world, power=wire.POWER_DECIDE, department="没有这个局")


def test_a_power_for_a_rota_window_holds_while_one_is_on_duty_there(world: World) -> None:
    """AB角: B has it on the days on which A is away."""
    put_accounts(world, TOWNSHIP, NEW, OTHER)
    cases = [world.file(TOWNSHIP, RELIEF) for _ in range(2)]
    for case in cases:
        world.act(TOWNSHIP, case, ACCEPT)
    window = wire_window.Window(window_id="预约1", items=["*"], open=True, needs_rota=True)
    call(world, "PutWindow", TOWNSHIP, window=window)
    post = wire_window.Post(post_id="民政", a="new", b="other")
    call(world, "PutPost", TOWNSHIP, post=post)
    today = on_day(world, 0)
    shift = wire_window.Shift(
        window_id="预约1", day=today, half=wire_window.HALF_MORNING, post_id="民政"
    )
    for to in ("new", "other"):
        give(world, to=to, power=wire.POWER_DECIDE, window_id="预约1")
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, cases[0], GRANT, NEW)
    call(world, "PutShifts", TOWNSHIP, shifts=[shift])
    world.act(TOWNSHIP, cases[0], GRANT, NEW)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, cases[1], GRANT, OTHER)
    absence = wire_window.Absence(actor_id="new", first=today, last=today)
    call(world, "PutAbsence", TOWNSHIP, absence=absence)
    with pytest.raises(PowerMissing):
        world.act(TOWNSHIP, cases[1], GRANT, NEW)
    world.act(TOWNSHIP, cases[1], GRANT, OTHER)


def test_only_a_head_gives_powers_and_only_to_staff_who_are_there(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    with pytest.raises(PowerMissing):
        give(world, NEW, "chief", power=wire.POWER_DECIDE)
    with pytest.raises(GrantImpossible):
        give(world, to="chief", power=wire.POWER_DECIDE)
    with pytest.raises(ActorUnknown):
        give(world, to="stranger", power=wire.POWER_DECIDE)
    with pytest.raises(WindowUnknown):
        give(world, power=wire.POWER_DECIDE, window_id="没有")
    call(world, "PutWindow", TOWNSHIP, window=wire_window.Window(window_id="1号", items=["*"]))
    with pytest.raises(GrantImpossible):
        give(world, power=wire.POWER_DECIDE, window_id="1号")


def test_a_power_that_is_taken_back_is_gone_at_once_and_stays_on_record(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    number = give(world, power=wire.POWER_DECIDE).number
    assert listed(world, holder="new") == [("new", 1, 1), ("new", 2, 1)]
    assert revoke(world, number).revoked_by == "chief"
    assert listed(world, holder="new", state=wire.GRANT_STATE_REVOKED) == [("new", 2, 4)]
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    with pytest.raises(PowerLapsed):
        world.act(TOWNSHIP, case, GRANT, NEW)


def test_who_oversees_nobody_sees_the_own_powers(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    assert listed(world, "new") == [("new", 1, 1)]
    assert {holder for holder, _, _ in listed(world)} == {"chief", "clerk", "new"}


def test_an_account_that_is_stated_anew_keeps_what_was_given_for_a_time(world: World) -> None:
    put_accounts(world, TOWNSHIP, NEW)
    give(world, power=wire.POWER_DECIDE, valid_until=on_day(world, 7))
    put_accounts(world, TOWNSHIP, NEW)
    assert listed(world, holder="new", state=wire.GRANT_STATE_HOLDS) == [
        ("new", 1, 1),
        ("new", 2, 1),
    ]


def test_what_nobody_may_do_is_shown_also_for_a_day_to_come(world: World) -> None:
    def gaps(day: str = "") -> set[str]:
        request = wire.ListPowerGapsRequest(actor_id="clerk", on_day=day)
        return {gap.kind for gap in ask(face(world).ListPowerGaps(request, None)).gaps}

    assert gaps() == set()
    few = frozenset({Power.RECEIVE, Power.HEAD})
    put_accounts(world, TOWNSHIP, Account(CHIEF.actor, few, ()))
    put_accounts(world, TOWNSHIP, Account(Actor(ActorKind.STAFF, "clerk", "李窗口"), few, ()))
    assert {"即办件", "退回件", "补办件"} <= gaps()
    for power in (wire.POWER_DECIDE_INSTANT, wire.POWER_VERIFY, wire.POWER_GATEKEEP):
        give(world, to="clerk", power=power, valid_until=on_day(world, 7))
    assert not {"即办件", "退回件", "补办件"} & gaps()
    assert {"即办件", "退回件", "补办件"} <= gaps(on_day(world, 8))
