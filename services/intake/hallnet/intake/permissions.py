"""Mandates as the desk sees them: lists, changes that hold for every case, and what is unusual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select

from hallnet.case import command as commands
from hallnet.case.case import day_of
from hallnet.case.fact import MandateChange, MandateChanged
from hallnet.case.mandate import MANDATE, Mandate
from hallnet.case.power import Power
from hallnet.case.problems import (
    ActNotPossible,
    ActorUnknown,
    CaseInTransit,
    MandateMissing,
    NotTheCustodian,
)
from hallnet.case.rules.permission import require_change, state_on
from hallnet.case.rules.problems import MandateChangeImpossible
from hallnet.case.sought import normal_document_number, normal_name, normal_phone
from hallnet.case.stage import ENDED
from hallnet.intake import accounts, cases, handling, mandates, tables
from hallnet.intake.context import Hall
from hallnet.node.paging import Page
from hallnet.store import Connection
from hallnet.window.agent_watch import Person, Seen
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

CASES_OF_A_CLIENT_MAX = 200
_NOT_NOW = (ActNotPossible, CaseInTransit, MandateChangeImpossible, NotTheCustodian)
"""What a case may say before anything of it is written."""
SEEN_MAX = 20_000


def listed(
    connection: Connection, agent_id: str, client_document: str, page: Page
) -> Sequence[Row[Any]]:
    """Those that end last first; one row more than the page if there is more."""
    table = tables.mandate
    query = select(table)
    if agent_id:
        query = query.where(table.c.agent_id == agent_id)
    if client_document.strip():
        wanted = normal_document_number(client_document)
        query = query.where(table.c.client_document == wanted)
    order = (table.c.valid_until.desc(), table.c.mandate_id.desc())
    return connection.execute(query.order_by(*order).offset(page.after).limit(page.size + 1)).all()


class Shown:
    """Turns rows into what is shown; names of items and agents are looked up once."""

    def __init__(self, connection: Connection, hall: Hall, today: date) -> None:
        self._connection = connection
        self._today = today
        items = hall.releases.items_in_force(connection, today)
        self._items = {item.item_id: item.name for item in items}
        self._agents: dict[str, str] = {}

    def view(self, row: Row[Any]) -> wire.MandateView:
        mandate = MANDATE.from_bytes(row.mandate)
        return wire.MandateView(
            mandate_id=mandate.mandate_id,
            client=mandate.client.masked_name,
            agent_id=mandate.agent_id,
            agent_name=self._agent(mandate.agent_id),
            items=[self._items.get(item_id, item_id) for item_id in mandate.item_ids],
            acts=[int(act) for act in mandate.acts],  # type: ignore[misc]
            valid_from=mandate.valid_from.isoformat(),
            valid_until=mandate.valid_until.isoformat(),
            state=int(state_on(mandate, _change_of(row), self._today)),  # type: ignore[arg-type]
            evidence_kind=int(mandate.evidence_kind),  # type: ignore[arg-type]
        )

    def _agent(self, agent_id: str) -> str:
        if agent_id not in self._agents:
            try:
                self._agents[agent_id] = accounts.find(self._connection, agent_id).actor.name
            except ActorUnknown:
                self._agents[agent_id] = agent_id
        return self._agents[agent_id]


def change(
    connection: Connection,
    hall: Hall,
    actor_id: str,
    mandate_id: str,
    to: MandateChange,
    reason: str,
    request_id: str,
    now: datetime,
) -> wire.ChangeMandateResponse:
    """Change a mandate, and enter it in every open case under it, so that its villager is told by each.

    Raises PowerMissing, MandateMissing, MandateChangeImpossible. A case in which it cannot be entered now
    holds up no other; under the mandate nothing can be done at this hall meanwhile.
    """
    accounts.require_power(connection, actor_id, now, Power.RECEIVE)
    row = _row(connection, mandate_id)
    require_change(_change_of(row) or MandateChange.RESUMED, to)
    mandates.note_change(connection, MandateChanged(mandate_id, to, reason))
    answer = wire.ChangeMandateResponse()
    command = commands.ChangeMandate(to, reason)
    for number, case_id in enumerate(_open_cases(connection, row)):
        case = cases.load(connection, case_id)
        if case.filed.mandate is None or case.filed.mandate.mandate_id != mandate_id:
            continue
        try:
            _, passed_on = handling.act_or_ask(
                connection, hall, actor_id, case_id, command, f"{request_id[:50]}-{number}", now
            )
        except _NOT_NOW:
            answer.left.append(case.case_no)
            continue
        answer.passed_on += passed_on
        answer.entered += not passed_on
    shown = Shown(connection, hall, day_of(now))
    answer.mandate.CopyFrom(shown.view(_row(connection, mandate_id)))
    return answer


def seen(connection: Connection, since: date) -> tuple[list[Seen], bool]:
    """What is looked at of the mandates that ended on or after a day, and whether there are more."""
    table = tables.mandate
    query = select(table.c.mandate).where(table.c.valid_until >= since)
    raws = connection.scalars(query.order_by(table.c.valid_until.desc()).limit(SEEN_MAX + 1)).all()
    names = {
        account.actor.actor_id: normal_name(account.actor.name)
        for account in accounts.agents(connection, with_former=True)
    }
    documents = accounts.documents(connection)
    found = [_seen(MANDATE.from_bytes(raw), names, documents) for raw in raws[:SEEN_MAX]]
    return found, len(raws) > SEEN_MAX


def deciders(connection: Connection, today: date) -> list[Person]:
    """Those who may decide something at this hall."""
    deciding = {Power.DECIDE, Power.DECIDE_INSTANT}
    documents = accounts.documents(connection)
    return [
        Person(normal_name(account.actor.name), documents.get(account.actor.actor_id, ""))
        for account in accounts.staff(connection)
        if deciding & account.powers_anywhere(today)
    ]


def _seen(mandate: Mandate, names: dict[str, str], documents: dict[str, str]) -> Seen:
    client, agent_id = mandate.client, mandate.agent_id
    return Seen(
        mandate.mandate_id,
        agent_id,
        Person(names.get(agent_id, agent_id), documents.get(agent_id, "")),
        Person(normal_name(client.name), accounts.document_digest(client.document_number)),
        normal_phone(client.phone),
        mandate.evidence.digest if mandate.evidence is not None else b"",
        mandate.valid_from,
    )


def _row(connection: Connection, mandate_id: str) -> Row[Any]:
    table = tables.mandate
    row = connection.execute(
        select(table).where(table.c.mandate_id == mandate_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise MandateMissing("mandate_id")
    return row


def _change_of(row: Row[Any]) -> MandateChange | None:
    """The last change of a mandate; None if it is as it was given."""
    return MandateChange(row.change) if row.change else None


def _open_cases(connection: Connection, row: Row[Any]) -> Sequence[str]:
    """The open cases of the client that this agent filed, wherever they are."""
    table = tables.case
    client = MANDATE.from_bytes(row.mandate).client
    query = select(table.c.case_id).where(
        table.c.document_number == normal_document_number(client.document_number),
        table.c.agent_id == row.agent_id,
        table.c.stage.not_in([int(stage) for stage in ENDED]),
    )
    return connection.scalars(query.order_by(table.c.case_id).limit(CASES_OF_A_CLIENT_MAX)).all()
