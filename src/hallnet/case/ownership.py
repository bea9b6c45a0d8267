"""Who answers for something: one person, until another has taken it (首问负责, 首办负责).

It is never with nobody: an offer leaves the owner what he is, and only acceptance makes another. A case
at its custodian is owned by who filed it at the counter; what comes over the network, from agents or from
the net goes to whom the rule of `owner_of_arrival` names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hallnet.case.case import Case, Mark
from hallnet.case.event import Filed, HandedOver, TakenOver
from hallnet.case.fact import OwnershipDeclined, OwnershipOffered, OwnershipTaken
from hallnet.case.person import Actor, ActorKind
from hallnet.case.problems import HandOversTooMany, NotYours, OwnerMissing
from hallnet.places import Address

HAND_OVERS_MAX = 20
HEAD_OF_HALL = "head-of-hall"
"""Answers for what comes to a hall that has no staff yet: whoever is its head."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose it is, whom it is offered to, and whose it was before."""

    owner: str
    offered_to: str = ""
    owners_before: tuple[str, ...] = ()


def offered(ownership: Ownership, by: str, to: str, may_speak: bool = False) -> Ownership:
    """The owner asks another to take it, and stays the owner meanwhile. `may_speak` if `by` may do so in
    the owner's place. Raises NotYours, OwnerMissing, HandOversTooMany."""
    if by != ownership.owner and not may_speak:
        raise NotYours("by", detail="负责人是他人")
    if not to or to == ownership.owner:
        raise OwnerMissing("to")
    if len(ownership.owners_before) >= HAND_OVERS_MAX:
        raise HandOversTooMany("to", limit=HAND_OVERS_MAX)
    return replace(ownership, offered_to=to)


def taken(ownership: Ownership, by: str) -> Ownership:
    """Who was asked takes it, and owns it from now on; raises NotYours."""
    _require_asked(ownership, by)
    return Ownership(by, "", (*ownership.owners_before, ownership.owner))


def declined(ownership: Ownership, by: str) -> Ownership:
    """Who was asked does not take it: it stays where it is; raises NotYours."""
    _require_asked(ownership, by)
    return replace(ownership, offered_to="")


def _require_asked(ownership: Ownership, by: str) -> None:
    if not by or ownership.offered_to != by:
        raise NotYours("by", detail="未转交给您")


def ownership_of(case: Case) -> Ownership:
    """Who answers for a case at the hall that has it, or that gave it away and is not answered."""
    return ownership_at(case, case.custodian) or Ownership(HEAD_OF_HALL)


def ownership_at(case: Case, hall: Address) -> Ownership | None:
    """Who answered last for a case at a hall; None if it never was there."""
    found: Ownership | None = None
    for mark in case.marks:
        if mark.author == hall:
            found = _after(found, mark)
    return found


def _after(before: Ownership | None, mark: Mark) -> Ownership | None:
    fact = mark.fact
    if isinstance(fact, Filed | TakenOver):
        owner = _named(fact.owner, mark.actor)
        if before is None:
            return Ownership(owner)
        again = before.owner == owner
        earlier = before.owners_before if again else (*before.owners_before, before.owner)
        return Ownership(owner, "", earlier)
    if before is None:
        return None
    if isinstance(fact, OwnershipOffered):
        return replace(before, offered_to=fact.to)
    if isinstance(fact, OwnershipTaken):
        return Ownership(mark.actor.actor_id, "", (*before.owners_before, before.owner))
    if isinstance(fact, OwnershipDeclined | HandedOver):
        return replace(before, offered_to="")
    return before


@dataclass(frozen=True, slots=True)
class Roster:
    """Who could answer for what comes to a hall today."""

    staff: Collection[str] = ()
    """All staff of the hall who are not away, and all of them if everybody is."""
    on_duty: Sequence[str] = ()
    """Those on duty by the rota at windows that serve the item (A, or B while A is away)."""
    heads: Collection[str] = ()
    """Those who may approve as head."""


def owner_of_arrival(before: str, roster: Roster) -> str:
    """Who answers for what comes without anybody at the counter.

    Who had it here before, if that one is there; else who is on duty by the rota; else a head of the hall;
    else any member of staff: always the first by name of account, so that everybody can work it out.
    """
    if before in roster.staff:
        return before
    for names in (sorted(roster.on_duty), sorted(roster.heads), sorted(roster.staff)):
        if names:
            return names[0]
    return HEAD_OF_HALL


def _named(owner: str, actor: Actor) -> str:
    if owner:
        return owner
    return actor.actor_id if actor.kind is ActorKind.STAFF else HEAD_OF_HALL
