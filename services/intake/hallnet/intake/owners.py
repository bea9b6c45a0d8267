"""Who answers for a case at this hall: what the rule of owning needs to know, from accounts and rota."""

from __future__ import annotations

from datetime import date, datetime

from hallnet.case import command as commands
from hallnet.case.case import Case, day_of
from hallnet.case.command import Command
from hallnet.case.ownership import Ownership, Roster, owner_of_arrival, ownership_at, ownership_of
from hallnet.case.power import Power
from hallnet.case.problems import ActorUnknown
from hallnet.intake import accounts
from hallnet.intake.context import Hall
from hallnet.intake.window import duty
from hallnet.store import Connection
from hallnet.store.gathering import read_once
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_OWNING = (commands.OfferOwnership, commands.TakeOwnership, commands.DeclineOwnership)


def of_arrival(
    connection: Connection, hall: Hall, case: Case | None, item_id: str, now: datetime
) -> str:
    """Who answers for what comes with nobody at the counter."""
    before = ownership_at(case, hall.address) if case is not None else None
    roster = read_once(
        ("roster", item_id, day_of(now)), lambda: _roster(connection, item_id, day_of(now))
    )
    return owner_of_arrival(before.owner if before else "", roster)


def _roster(connection: Connection, item_id: str, day: date) -> Roster:
    away = duty.away_on(connection, day)
    everybody = accounts.staff(connection)
    there = [account for account in everybody if account.actor.actor_id not in away] or everybody
    heads = [
        account.actor.actor_id for account in there if Power.HEAD in account.powers_anywhere(day)
    ]
    return Roster(
        frozenset(account.actor.actor_id for account in there),
        duty.on_duty_for(connection, item_id, day),
        frozenset(heads),
    )


def stands_in_for(
    connection: Connection, actor_id: str, command: Command | None, day: date
) -> frozenset[str]:
    """In whose place somebody is today; looked up only for handing a case to another."""
    if not isinstance(command, _OWNING):
        return frozenset()
    return duty.stands_in_for(connection, actor_id, day)


def require_known(connection: Connection, command: Command) -> None:
    """A case is offered to staff of this hall; raises ActorUnknown."""
    if isinstance(command, commands.OfferOwnership):
        accounts.staff_member(connection, command.to, "to")


def listed_owner(case: Case, hall: Hall) -> str:
    """By whom lists of this hall find a case: its owner, as long as it is open and here."""
    if case.ended or case.custodian != hall.address:
        return ""
    return ownership_of(case).owner


def owner_view(connection: Connection, hall: Hall, case: Case) -> wire.CaseOwner:
    """Who answers for a case. Another hall's staff have no names here."""
    ownership: Ownership = ownership_of(case)
    name = ""
    if case.custodian == hall.address:
        try:
            name = accounts.find(connection, ownership.owner).actor.name
        except ActorUnknown:
            # The account may be gone; what the history says stands.
            name = ""
    return wire.CaseOwner(
        actor_id=ownership.owner,
        name=name,
        offered_to=ownership.offered_to,
        before=ownership.owners_before,
    )
