"""Agents (代办员): who acts for which villages and items, and which villages have nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hallnet.codec.spreadsheet import as_csv
from hallnet.places import Address, Divisions, Level, Village


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with the villages of the post; `items` is empty if the post names none in particular."""

    agent_id: str
    villages: tuple[Village, ...]
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VillageCoverage:
    """A village and its agents; `agents` is empty where there is a gap."""

    village: str
    title: str
    township: str
    agents: tuple[str, ...]


def coverage(
    agents: Iterable[Agent], register: Divisions, within: str, item_id: str = ""
) -> Iterator[VillageCoverage]:
    """Every village below a division code, in the order of the codes, with who acts there.

    With an item, only agents who may act for it count. The register has the villages of one province.
    """
    acting: dict[str, list[str]] = defaultdict(list)
    for agent in agents:
        if item_id and agent.items and item_id not in agent.items:
            continue
        for village in agent.villages:
            acting[village.code].append(agent.agent_id)
    for code, title in villages_within(register, within).items():
        yield VillageCoverage(code, title, code[:9], tuple(sorted(acting.get(code, ()))))


def without_agent(found: Iterable[VillageCoverage]) -> list[VillageCoverage]:
    """The gaps."""
    return [village for village in found if not village.agents]


def villages_within(register: Divisions, within: str) -> Mapping[str, str]:
    """Codes and names of the villages below a division code of up to 9 digits."""
    townships = (Address(code) for code in register.codes(Level.TOWNSHIP, within))
    return {
        code: title
        for township in townships
        for code, title in register.villages_of(township).items()
    }


def misplaced(agents: Iterable[Agent], register: Divisions) -> list[tuple[str, str]]:
    """Agents with villages that are not in the register: who would act nowhere."""
    return [
        (agent.agent_id, village.code)
        for agent in agents
        for village in agent.villages
        if not register.exists(village.code)
    ]


def as_table(found: Iterable[VillageCoverage]) -> str:
    """CSV with a byte order mark, for spreadsheets."""
    return as_csv(
        ("village", "title", "township", "agents"),
        ((row.village, row.title, row.township, " ".join(row.agents)) for row in found),
    )
