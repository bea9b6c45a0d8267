"""The way through the tree: down towards a descendant, else up."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.strategies import registered, rows

from hallnet.places import Address, Way, divisions, way_to
from hallnet.places.routing import Direction

REGISTER = divisions()
HOPS_MAX = 8
"""Branch hall of a township up to the province, and down again to another one."""


@cache
def children() -> dict[Address, frozenset[Address]]:
    """The full tree of the country: each hall over townships, with the halls directly under it."""
    found: dict[Address, set[Address]] = defaultdict(set)
    for row in rows("streets"):
        below = Address(row[0])
        while (above := REGISTER.parent(below)) is not None:
            found[above].add(below)
            below = above
    return {hall: frozenset(under) for hall, under in found.items()}


@cache
def halls_of(province: str) -> tuple[Address, ...]:
    tree = children()
    halls = {Address(code) for code in registered() if code.startswith(province)}
    return tuple(sorted(hall for hall in halls if len(hall.division) == 9 or hall in tree))


def step(here: Address, recipient: Address, branches: frozenset[Address]) -> Way:
    own_branches = {branch for branch in branches if branch.division == here.division}
    under = set() if here.is_branch_hall else children().get(here, frozenset()) | own_branches
    return way_to(recipient, here, REGISTER.parent(here), under, REGISTER)


@given(st.data())
def test_following_the_ways_leads_from_any_hall_to_any_other_of_its_province(
    data: st.DataObject,
) -> None:
    province = data.draw(st.sampled_from([row[0] for row in rows("provinces")]))
    some = st.sampled_from(halls_of(province))
    some_or_branch = some | some.map(lambda hall: Address(hall.division, "shebao"))
    sender, recipient = data.draw(some_or_branch), data.draw(some_or_branch)
    branches = frozenset(hall for hall in (sender, recipient) if hall.is_branch_hall)
    here, came_from, seen = sender, None, {sender}
    while here != recipient:
        way = step(here, recipient, branches)
        assert way.neighbour is not None, f"{here} knows no way from {sender} to {recipient}"
        assert way.neighbour != came_from
        assert way.neighbour not in seen
        here, came_from = way.neighbour, here
        seen.add(here)
        assert len(seen) - 1 <= HOPS_MAX
    assert step(here, recipient, branches) == Way(Direction.HERE)


HERE, PARENT = Address("330110"), Address("3301")
UNDER = {Address("330110012"), Address("330110", "shebao")}


@pytest.mark.parametrize(
    ("recipient", "way"),
    [
        ("330110", Way(Direction.HERE)),
        ("330110012", Way(Direction.DOWN, Address("330110012"))),
        ("330110012-xinfang", Way(Direction.DOWN, Address("330110012"))),
        ("330110-shebao", Way(Direction.DOWN, Address("330110", "shebao"))),
        ("3301", Way(Direction.UP, PARENT)),
        ("33", Way(Direction.UP, PARENT)),
        ("330127100", Way(Direction.UP, PARENT)),
        ("110101001", Way(Direction.UP, PARENT)),
    ],
)
def test_down_to_a_descendant_else_up(recipient: str, way: Way) -> None:
    assert way_to(Address.parse(recipient), HERE, PARENT, UNDER, REGISTER) == way


@pytest.mark.parametrize("recipient", ["330110005", "330110-fangchan"])
def test_a_hall_that_would_be_below_but_did_not_join_is_nowhere(recipient: str) -> None:
    way = way_to(Address.parse(recipient), HERE, PARENT, UNDER, REGISTER)
    assert way == Way(Direction.NOWHERE)


@pytest.mark.parametrize("recipient", ["330110999", "999999", "330199-shebao"])
def test_a_division_that_is_not_registered_is_nowhere(recipient: str) -> None:
    way = way_to(Address.parse(recipient), HERE, PARENT, UNDER, REGISTER)
    assert way == Way(Direction.NOWHERE)


def test_above_the_top_of_the_network_is_nowhere() -> None:
    way = way_to(Address("34"), Address("33"), None, {Address("3301")}, REGISTER)
    assert way == Way(Direction.NOWHERE)


def test_a_grandchild_that_linked_directly_is_reached_directly() -> None:
    """A county may have no node of its own yet: its townships then stand under the city."""
    children_of_city = {Address("330110012"), Address("330127")}
    way = way_to(Address("330110012"), Address("3301"), Address("33"), children_of_city, REGISTER)
    assert way == Way(Direction.DOWN, Address("330110012"))


def test_a_branch_hall_sends_everything_up() -> None:
    here = Address("330110", "shebao")
    for recipient in ("330110", "330110012", "330110-fangchan", "33"):
        way = way_to(Address.parse(recipient), here, HERE, (), REGISTER)
        assert way == Way(Direction.UP, HERE)
