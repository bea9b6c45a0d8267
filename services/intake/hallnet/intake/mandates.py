"""Mandates that were recorded at this hall."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, select, update

from hallnet.case.fact import MandateChange, MandateChanged
from hallnet.case.mandate import MANDATE, Mandate, require_mandate
from hallnet.case.person import ActorKind
from hallnet.case.problems import MandateMissing, MandateNotForThis
from hallnet.case.rules.problems import MandateChangeImpossible
from hallnet.case.sought import normal_document_number
from hallnet.intake import accounts, tables
from hallnet.intake.papers import materials
from hallnet.store import Connection
from hallnet.store.feed import Entry


def register(
    connection: Connection, mandate: Mandate, mandate_id: str, actor_id: str, now: datetime
) -> Mandate:
    """Record a mandate, the same one once; raises what `require_mandate` raises, and MaterialNotUploaded."""
    actor = accounts.find(connection, actor_id).actor
    if actor.kind is ActorKind.AGENT and mandate.agent_id != actor.actor_id:
        raise MandateNotForThis("mandate.agent_id", what="受托人不是本人")
    accounts.find(connection, mandate.agent_id)
    require_mandate(mandate)
    assert mandate.evidence is not None
    materials.require_here(connection, [mandate.evidence], "mandate.evidence")
    recorded = replace(mandate, mandate_id=mandate.mandate_id or mandate_id)
    raw = MANDATE.to_bytes(recorded)
    known = _raw(connection, recorded.mandate_id)
    if known == raw:
        return recorded
    if known is not None:
        raise MandateNotForThis("mandate.mandate_id", what="编号已属于另一份委托书")
    connection.execute(
        insert(tables.mandate).values(
            mandate_id=recorded.mandate_id,
            agent_id=recorded.agent_id,
            valid_until=recorded.valid_until,
            mandate=raw,
            change=0,
            client_document=normal_document_number(recorded.client.document_number),
        )
    )
    tables.feed.append(connection, [Entry("mandate.registered", recorded.mandate_id, raw, now)])
    return recorded


def find(connection: Connection, mandate_id: str) -> Mandate:
    """One under which something can be done; raises MandateMissing, MandateNotForThis."""
    raw = _raw(connection, mandate_id)
    if raw is None:
        raise MandateMissing("mandate_id")
    require_standing(connection, mandate_id)
    return MANDATE.from_bytes(raw)


def note_change(connection: Connection, changed: MandateChanged) -> None:
    """What became of a mandate holds for all cases under it, and for those to come.

    Raises MandateChangeImpossible for one that was revoked: by no case under it does it come back.
    """
    table = tables.mandate
    if changed.change is not MandateChange.REVOKED:
        query = select(table.c.change).where(table.c.mandate_id == changed.mandate_id)
        if connection.execute(query).scalar_one_or_none() == MandateChange.REVOKED:
            raise MandateChangeImpossible("change", why="委托已终止")
    connection.execute(
        update(table).where(table.c.mandate_id == changed.mandate_id).values(change=changed.change)
    )


def require_standing(connection: Connection, mandate_id: str) -> None:
    """Raises MandateNotForThis for one that was revoked or suspended at this hall."""
    table = tables.mandate
    change = connection.execute(
        select(table.c.change).where(table.c.mandate_id == mandate_id)
    ).scalar_one_or_none()
    if change in (MandateChange.REVOKED, MandateChange.SUSPENDED):
        raise MandateNotForThis("mandate_id", what="委托已中止或终止")


def _raw(connection: Connection, mandate_id: str) -> bytes | None:
    table = tables.mandate
    query = select(table.c.mandate).where(table.c.mandate_id == mandate_id)
    return connection.execute(query).scalar_one_or_none()
