"""Every act around a window needs its power, and every method of the service stands in the table."""

from __future__ import annotations

import itertools

import pytest
from tests.intake.parts import act, put_accounts, records
from tests.intake.test_window import FIELDS, call
from tests.simulation.halls import World
from tests.simulation.worlds import COUNTY

from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import PowerMissing
from hallnet.intake.accounts import Account
from hallnet.intake.window.powers import ANYBODY, NEEDED, OF_STEP
from hallnet.problems import Problem
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

METHODS = wire.DESCRIPTOR.services_by_name["WindowService"].methods
NAMED = {method.name for method in METHODS if "act" in method.input_type.fields_by_name}
"""The methods that say who asks."""
GUARDED = sorted(
    [(name, 0) for name, need in NEEDED.items() if need]
    + [step for step, need in OF_STEP.items() if need]
)
_numbers = itertools.count(1)


def somebody(powers: frozenset[Power]) -> Account:
    name = f"staff-{next(_numbers)}"
    return Account(Actor(ActorKind.STAFF, name, name), powers, ())


def attempt(world: World, method: str, step: int, by: Account) -> Problem | None:
    """How a method refuses somebody whose request says hardly more than what is asked for."""
    fields = dict(FIELDS.get(method, {}))
    if step:
        fields["step"] = step
    try:
        call(world, method, act=act(by), **fields)
    except Problem as problem:
        return problem
    return None


def test_every_method_of_the_service_stands_in_the_table() -> None:
    assert NEEDED.keys() == {method.name for method in METHODS}
    assert {name for name, _ in OF_STEP} <= NEEDED.keys()


def test_who_is_asked_for_a_power_is_named_and_who_is_not_named_is_asked_for_none() -> None:
    for name, need in NEEDED.items():
        assert (need is not ANYBODY) == (name in NAMED), name


def test_without_the_power_nothing_is_done_and_the_refusal_is_on_record(world: World) -> None:
    for method, step in GUARDED:
        need = OF_STEP.get((method, step), NEEDED[method])
        assert need
        without = somebody(frozenset(Power) - need)
        put_accounts(world, COUNTY, without)
        problem = attempt(world, method, step, without)
        assert isinstance(problem, PowerMissing), (method, step, problem)
        assert records(world.at(COUNTY), method)[-1].refused == "POWER_MISSING"


def test_with_one_of_the_powers_it_is_not_the_power_that_is_missing(world: World) -> None:
    for method, step in GUARDED:
        for power in sorted(OF_STEP.get((method, step), NEEDED[method]) or ()):
            only = somebody(frozenset({power}))
            put_accounts(world, COUNTY, only)
            problem = attempt(world, method, step, only)
            assert not isinstance(problem, PowerMissing), (method, step, problem)


def test_whoever_is_away_may_say_so(world: World) -> None:
    clerk = somebody(frozenset({Power.RECEIVE}))
    put_accounts(world, COUNTY, clerk)
    own = wire_window.Absence(actor_id=clerk.actor.actor_id, first="2026-11-23", last="2026-11-24")
    call(world, "PutAbsence", act=act(clerk), absence=own)
    other = wire_window.Absence(actor_id="chief", first="2026-11-23", last="2026-11-24")
    with pytest.raises(PowerMissing):
        call(world, "PutAbsence", act=act(clerk), absence=other)
