"""What is unusual about agents, for somebody to look into: patterns of mandates and conflicts of interest.

A flag proves nothing. Families share a telephone and namesakes are common; but the same photograph for
two clients, or fifty clients on one day, is worth a look (代办 is voluntary, free, and nobody's business
of their own; 行政许可法 article 24 keeps deciding away from agents).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

CLIENTS_A_PHONE_MAX = 4
"""A household may share a telephone."""
MANDATES_A_DAY_MAX = 20
NAMED_MAX = 20


class FlagKind(IntEnum):
    """The numbers are those of the wire."""

    SHARED_EVIDENCE = 1
    SHARED_PHONE = 2
    MANY_A_DAY = 3
    ALSO_DECIDES = 4
    OWN_CLIENT = 5
    CLIENT_DECIDES = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """What is looked at of a mandate; `client` and `phone` in the forms in which they are compared."""

    mandate_id: str
    agent_id: str
    agent_name: str
    client: str
    client_name: str
    phone: str
    evidence: bytes
    begins_on: date


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to look into, of how many clients or mandates, and some of the mandates."""

    kind: FlagKind
    agent_id: str
    agent_name: str
    count: int
    mandate_ids: tuple[str, ...]


def flags(seen: Iterable[Seen], deciders: Iterable[str]) -> list[Flag]:
    """All flags, by agent and kind. `deciders` are names of those who decide at this hall."""
    names = frozenset(deciders)
    of_agent: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        of_agent[one.agent_id].append(one)
    return [flag for agent in sorted(of_agent) for flag in _flags_of(of_agent[agent], names)]


def _flags_of(mandates: Sequence[Seen], deciders: frozenset[str]) -> Iterator[Flag]:
    def clients(group: Sequence[Seen]) -> int:
        return len({one.client for one in group})

    yield from _grouped(
        mandates, FlagKind.SHARED_EVIDENCE, lambda one: one.evidence, clients, more_than=1
    )
    yield from _grouped(
        mandates, FlagKind.SHARED_PHONE, lambda one: one.phone, clients, CLIENTS_A_PHONE_MAX
    )
    yield from _grouped(
        mandates, FlagKind.MANY_A_DAY, lambda one: one.begins_on, len, MANDATES_A_DAY_MAX
    )
    if mandates[0].agent_name in deciders:
        yield _flag(FlagKind.ALSO_DECIDES, mandates, len(mandates))
    own = [one for one in mandates if one.client_name == one.agent_name]
    if own:
        yield _flag(FlagKind.OWN_CLIENT, own, clients(own))
    deciding = [one for one in mandates if one.client_name in deciders]
    if deciding:
        yield _flag(FlagKind.CLIENT_DECIDES, deciding, clients(deciding))


def _grouped(
    mandates: Sequence[Seen],
    kind: FlagKind,
    by: Callable[[Seen], object],
    count: Callable[[Sequence[Seen]], int],
    more_than: int,
) -> Iterator[Flag]:
    """A flag for each group with more than so many; what was not given groups nothing."""
    groups: dict[object, list[Seen]] = defaultdict(list)
    for one in mandates:
        if by(one):
            groups[by(one)].append(one)
    for group in groups.values():
        if count(group) > more_than:
            yield _flag(kind, group, count(group))


def _flag(kind: FlagKind, group: Sequence[Seen], count: int) -> Flag:
    ids = tuple(one.mandate_id for one in group[:NAMED_MAX])
    return Flag(kind, group[0].agent_id, group[0].agent_name, count, ids)
