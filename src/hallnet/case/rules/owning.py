"""Handing a case to another member of staff of the hall (首办负责): offered, and owned from acceptance."""

from __future__ import annotations

from dataclasses import replace

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import Context, require_possible
from hallnet.case.event import Fact
from hallnet.case.fact import OwnershipDeclined, OwnershipOffered, OwnershipTaken
from hallnet.case.ownership import Ownership, declined, offered, ownership_of, taken
from hallnet.case.person import ActorKind
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible, NotYours
from hallnet.case.stage import NAMES


def offer_ownership(case: Case, command: commands.OfferOwnership, context: Context) -> list[Fact]:
    """By the owner, by who stands in for the owner today, or by who oversees the hall."""
    require_possible(case, OwnershipOffered, "转交承办")
    ownership, by = ownership_of(case), _staff(context)
    oversees = not context.powers.isdisjoint((Power.HEAD, Power.SUPERVISE))
    may_speak = oversees or ownership.owner in context.stands_in_for
    offered(ownership, by, command.to, may_speak)
    return [OwnershipOffered(command.to)]


def take_ownership(case: Case, command: commands.TakeOwnership, context: Context) -> list[Fact]:
    """Who was asked, or who stands in for that one today."""
    require_possible(case, OwnershipTaken, "接手承办")
    taken(_as_asked(case, context), _staff(context))
    return [OwnershipTaken()]


def decline_ownership(
    case: Case, command: commands.DeclineOwnership, context: Context
) -> list[Fact]:
    require_possible(case, OwnershipDeclined, "退回转交")
    declined(_as_asked(case, context), _staff(context))
    return [OwnershipDeclined(command.reason)]


def _as_asked(case: Case, context: Context) -> Ownership:
    """What was offered to somebody who is away is offered to who stands in (AB角)."""
    ownership = ownership_of(case)
    if not ownership.offered_to:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="接手承办（没有转交）")
    if ownership.offered_to in context.stands_in_for:
        return replace(ownership, offered_to=context.actor.actor_id)
    return ownership


def _staff(context: Context) -> str:
    """An agent never answers for a case at a hall; raises NotYours."""
    if context.actor.kind is not ActorKind.STAFF:
        raise NotYours("act.actor_id", detail="只有大厅工作人员承办")
    return context.actor.actor_id
