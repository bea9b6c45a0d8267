"""A release to every hall costs each parent its children, and nobody else anything."""

from __future__ import annotations

from hallnet.bench.spread import measure
from hallnet.simulate.scenario import whole


def test_a_release_to_every_hall_costs_each_parent_only_its_children() -> None:
    found = measure(whole("3301", 40))
    assert found.halls == found.in_force == 40
    assert found.envelopes == 39
    assert (found.beside_children, found.unlike_children) == (0, 0)
    assert found.envelopes_most == found.children_most < 39


def test_a_release_to_all_halls_of_a_city_costs_each_parent_only_its_children() -> None:
    """That of the whole province is a benchmark: `hallnet bench spread --divisions 33`."""
    found = measure(whole("3301"))
    assert found.halls == found.in_force == 210
    assert found.envelopes == 209
    assert (found.beside_children, found.unlike_children) == (0, 0)
    assert found.envelopes_most == found.children_most == 27
