"""Agents over the villages of the real register, and where nobody acts."""

from __future__ import annotations

import csv
import io
from itertools import cycle

from hallnet.places import Level, Village, divisions
from hallnet.window.agents import (
    Agent,
    as_table,
    coverage,
    misplaced,
    villages_within,
    without_agent,
)

REGISTER = divisions()
HANGZHOU = "3301"
AGENTS = 3_236


def test_3236_agents_over_the_196_townships_of_a_city_and_the_villages_with_none() -> None:
    """732 of townships and 2,504 of villages once stood in one city; it now has 196 townships."""
    townships = REGISTER.codes(Level.TOWNSHIP, HANGZHOU)
    villages = list(villages_within(REGISTER, HANGZHOU))
    assert len(townships) == 196
    assert len(villages) == REGISTER.count(Level.VILLAGE, HANGZHOU)
    # Every agent has one village; those who are left over stand in beside another.
    bare = set(villages[::29])
    served = cycle([code for code in villages if code not in bare])
    agents = [Agent(f"agent-{number}", (Village(next(served)),)) for number in range(AGENTS)]
    assert misplaced(agents, REGISTER) == []
    found = list(coverage(agents, REGISTER, HANGZHOU))
    assert [row.village for row in found] == villages
    assert sum(len(row.agents) for row in found) == AGENTS
    gaps = {row.village for row in without_agent(found)}
    assert gaps == set(villages) - {village.code for a in agents for village in a.villages}
    assert gaps >= bare
    assert len(gaps) + sum(bool(row.agents) for row in found) == len(villages)


def test_a_village_is_covered_for_an_item_only_by_who_may_act_for_it() -> None:
    [village, *_] = villages_within(REGISTER, "330127101")
    any_item = Agent("a", (Village(village),))
    pensions = Agent("b", (Village(village),), ("resident-pension-enrolment",))

    def acting(item_id: str, *agents: Agent) -> tuple[str, ...]:
        [row] = [
            r for r in coverage(agents, REGISTER, "330127101", item_id) if r.village == village
        ]
        return row.agents

    assert acting("", pensions) == ("b",)
    assert acting("resident-pension-enrolment", pensions, any_item) == ("a", "b")
    assert acting("legal-aid", pensions) == ()
    assert acting("legal-aid", any_item) == ("a",)


def test_coverage_is_told_of_a_township_a_county_and_a_city() -> None:
    for within in ("330127101", "330127", "3301"):
        assert all(row.village.startswith(within) for row in coverage([], REGISTER, within))
    assert len(without_agent(coverage([], REGISTER, "330127"))) == 361


def test_an_agent_of_a_village_that_is_not_there_is_told() -> None:
    lost = Agent("a", (Village("330127101999"),))
    assert misplaced([lost], REGISTER) == [("a", "330127101999")]
    assert not any(row.agents for row in coverage([lost], REGISTER, "330127101"))


def test_the_table_has_a_row_for_each_village() -> None:
    found = list(coverage([], REGISTER, "330127101"))
    rows = list(csv.reader(io.StringIO(as_table(found).removeprefix("\ufeff"))))
    assert rows[0] == ["village", "title", "township", "agents"]
    assert [row[0] for row in rows[1:]] == [row.village for row in found]
