"""Doing what an item wants, by the very functions that a window uses, in one transaction with its result."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from hallnet.case.case import Case
from hallnet.case.event import digest as event_digest
from hallnet.case.mandate import MANDATE
from hallnet.intake import accounts, applications, cases, handling, mandates
from hallnet.intake.asked import read_command
from hallnet.intake.context import Hall
from hallnet.intake.device import blocks
from hallnet.intake.device.items import Kept, result_of
from hallnet.intake.device.reading import Item
from hallnet.intake.handling import Numbered
from hallnet.intake.identifiers import new_id
from hallnet.intake.papers import materials
from hallnet.store import Connection
from hallnet.window.offline import ItemState, conflicting, unknown_to
from hallnet.window.offline_problems import CaseWentOn, ParentNotDone
from hallnet.wire.device.v1 import device_pb2 as wire

HAPPENED_MAX = 50


@dataclass(frozen=True, slots=True)
class Doing:
    """An item, for whom it is done, and what is known of those that it depends on."""

    hall: Hall
    actor_id: str
    item: Item
    parents: dict[str, Kept]
    now: datetime
    seen: wire.Seen | None = None
    """Up to where a person knew the case who wants the act all the same; None for what the item says."""

    def do(self, connection: Connection) -> Kept:
        """Raises what the rules raise; a conflict is a result."""
        wanted = self.item.wanted
        assert wanted is not None
        kind = wanted.WhichOneof("wanted")
        if kind == "mandate":
            return self._record_mandate(connection, wanted)
        if kind == "application":
            return self._file(connection, wanted.application)
        return self._act(connection, wanted.case_act)

    def missing(self, connection: Connection) -> list[bytes]:
        """Digests of materials that the item names and that have not come."""
        named = [material.digest for material in self.item.materials()]
        there = materials.here(connection, named)
        return sorted({digest for digest in named if digest not in there})

    def _record_mandate(self, connection: Connection, wanted: wire.ItemBody) -> Kept:
        mandate = MANDATE.from_message(wanted.mandate)
        fresh = new_id(self.now, self.hall.random_bytes)
        recorded = mandates.register(connection, mandate, fresh, self.actor_id, self.now)
        result = result_of(self.item.client_id, ItemState.DONE)
        result.mandate_id = recorded.mandate_id
        return self._kept(ItemState.DONE, result)

    def _file(self, connection: Connection, wanted: wire.Application) -> Kept:
        application = applications.read_application(wanted.filing)
        numbered = None
        if wanted.reserved_case_no:
            number = wanted.reserved_case_no
            code = blocks.use(connection, self.actor_id, number, self.item.made_at)
            numbered = Numbered(number, code)
        case_id = new_id(self.now, self.hall.random_bytes)
        case = application.file(connection, self.hall, case_id, self.actor_id, self.now, numbered)
        result = self._done(case, False)
        result.query_code = case.filed.query_code
        return self._kept(ItemState.DONE, result, case_id, frozenset(range(1, case.sequence + 1)))

    def _act(self, connection: Connection, wanted: wire.CaseAct) -> Kept:
        command = read_command(wanted.command, self.now)
        case_id = cases.id_of(connection, wanted.case_id or self._filed(wanted.filed_by))
        before = cases.load(connection, case_id)
        # What happened to a case is told to nobody who may not look at it.
        handling.require_may_look(accounts.find(connection, self.actor_id), before)
        own = frozenset[int]().union(
            *(kept.events for kept in self.parents.values() if kept.case_id == before.case_id)
        )
        seen = self.seen or wanted.based_on
        digests = [event_digest(raw) for raw in cases.history(connection, before.case_id)]
        unknown = unknown_to(before, seen.sequence, seen.digest, digests)
        against = conflicting(before, command, unknown, own)
        if against:
            return self._conflict(connection, before, unknown, len(against))
        after, passed_on = handling.act_or_ask(
            connection,
            self.hall,
            self.actor_id,
            before.case_id,
            command,
            self._request_id(),
            self.now,
        )
        made = range(before.sequence + 1, after.sequence + 1)
        return self._kept(
            ItemState.DONE, self._done(after, passed_on), before.case_id, own | frozenset(made)
        )

    def _filed(self, client_id: str) -> str:
        """The case that another item filed; raises ParentNotDone."""
        parent = self.parents.get(client_id)
        if parent is None or parent.state is not ItemState.DONE or not parent.case_id:
            raise ParentNotDone("filed_by")
        return parent.case_id

    def _request_id(self) -> str:
        """For the hall to which a wish is passed on: ids of different accounts do not meet there."""
        named = f"{self.actor_id}\0{self.item.client_id}".encode()
        return f"item-{hashlib.sha256(named).hexdigest()[:40]}"

    def _conflict(self, connection: Connection, case: Case, unknown: range, count: int) -> Kept:
        problem = CaseWentOn("based_on", count=count)
        result = result_of(self.item.client_id, ItemState.CONFLICT, problem)
        _show(result, case)
        messages = cases.event_messages(connection, case)
        result.happened.extend(messages[number - 1] for number in unknown[-HAPPENED_MAX:])
        return self._kept(ItemState.CONFLICT, result, case.case_id)

    def _done(self, case: Case, passed_on: bool) -> wire.ItemResult:
        result = result_of(self.item.client_id, ItemState.DONE)
        result.passed_on = passed_on
        _show(result, case)
        return result

    def _kept(
        self,
        state: ItemState,
        result: wire.ItemResult,
        case_id: str = "",
        events: frozenset[int] = frozenset(),
    ) -> Kept:
        item = self.item
        return Kept(item.client_id, item.digest, state, result, item.raw, case_id, events)


def _show(result: wire.ItemResult, case: Case) -> None:
    result.case_id, result.case_no = case.case_id, case.case_no
    result.version.CopyFrom(wire.Seen(sequence=case.sequence, digest=case.last_digest))
