"""What is unusual about agents, for somebody to look into: patterns of mandates and conflicts of interest.

A flag proves nothing. Families share a telephone and namesakes are common; but the same photograph for
two clients, or fifty clients on one day, is worth a look (代办 is voluntary, free, and nobody's business
of their own; 行政许可法 article 24 keeps deciding away from agents). Conflicts of interest are told by documents
where those of both are known: namesakes are then none. Where one is not known the same name is a hint, and says so.
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
class Person:
    """A name in the form in which names are compared, and the digest of a document; empty if it is not known."""

    name: str
    document: str = ""

    def is_perhaps(self, other: Person) -> bool:
        """Of the same name, and nobody knows whether of the same document."""
        return self.name == other.name and not (self.document and other.document)

    def is_surely(self, other: Person) -> bool:
        return bool(self.document) and self.document == other.document


@dataclass(frozen=True, slots=True)
class Seen:
    """What is looked at of a mandate; `phone` in the form in which it is compared."""

    mandate_id: str
    agent_id: str
    agent: Person
    client: Person
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
    by_name: bool = False
    """Only the names are the same: a weaker hint."""


Test = Callable[[Seen], bool]
Count = Callable[[Sequence[Seen]], int]


def flags(seen: Iterable[Seen], deciders: Iterable[Person]) -> list[Flag]:
    """All flags, by agent and kind. `deciders` are those who decide at this hall."""
    deciding = _Deciders(deciders)
    of_agent: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        of_agent[one.agent_id].append(one)
    return [flag for agent in sorted(of_agent) for flag in _flags_of(of_agent[agent], deciding)]


class _Deciders:
    """Those who decide, found by document and by name."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._documents: set[str] = set()
        self._named: dict[str, list[Person]] = defaultdict(list)
        for person in people:
            self._documents.add(person.document)
            self._named[person.name].append(person)

    def have(self, person: Person) -> bool:
        return bool(person.document) and person.document in self._documents

    def may_have(self, person: Person) -> bool:
        return any(person.is_perhaps(one) for one in self._named.get(person.name, ()))


def _flags_of(mandates: Sequence[Seen], deciders: _Deciders) -> Iterator[Flag]:
    def clients(group: Sequence[Seen]) -> int:
        return len({one.client.document or one.client.name for one in group})

    yield from _grouped(
        mandates, FlagKind.SHARED_EVIDENCE, lambda one: one.evidence, clients, more_than=1
    )
    yield from _grouped(
        mandates, FlagKind.SHARED_PHONE, lambda one: one.phone, clients, CLIENTS_A_PHONE_MAX
    )
    yield from _grouped(
        mandates, FlagKind.MANY_A_DAY, lambda one: one.begins_on, len, MANDATES_A_DAY_MAX
    )
    conflicts: tuple[tuple[FlagKind, Test, Test, Count], ...] = (
        (
            FlagKind.ALSO_DECIDES,
            lambda one: deciders.have(one.agent),
            lambda one: deciders.may_have(one.agent),
            len,
        ),
        (
            FlagKind.OWN_CLIENT,
            lambda one: one.client.is_surely(one.agent),
            lambda one: one.client.is_perhaps(one.agent),
            clients,
        ),
        (
            FlagKind.CLIENT_DECIDES,
            lambda one: deciders.have(one.client),
            lambda one: deciders.may_have(one.client),
            clients,
        ),
    )
    for kind, surely, perhaps, count in conflicts:
        sure = [one for one in mandates if surely(one)]
        hinted = [one for one in mandates if perhaps(one) and not surely(one)]
        for group, by_name in ((sure, False), (hinted, True)):
            if group:
                yield _flag(kind, group, count(group), by_name)


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


def _flag(kind: FlagKind, group: Sequence[Seen], count: int, by_name: bool = False) -> Flag:
    ids = tuple(one.mandate_id for one in group[:NAMED_MAX])
    return Flag(kind, group[0].agent_id, group[0].agent.name, count, ids, by_name)
