"""Items as they come from a device: read strictly, so that nothing is done that was not understood."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from google.protobuf import json_format

from hallnet.codec.moments import from_timestamp
from hallnet.intake.asked import materials_of
from hallnet.intake.device.items import content_digest
from hallnet.problems import Problem
from hallnet.window.offline import Queued
from hallnet.window.offline_problems import (
    BatchTooLarge,
    ItemIdUnusable,
    ItemTooLarge,
    ItemUnreadable,
)
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.device.v1 import device_pb2 as wire

ITEMS_MAX = 50
ITEM_BYTES_MAX = 64 * 1024
BATCH_BYTES_MAX = 1024 * 1024
DEPENDS_MAX = 20
NESTED_MAX = 20
"""How deep the JSON of an item may go."""
_NUL = "\0"


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it came; `wanted` is None if it cannot be read."""

    client_id: str
    raw: bytes
    digest: bytes
    wanted: wire.ItemBody | None
    trouble: Problem | None

    @property
    def parents(self) -> frozenset[str]:
        if self.wanted is None:
            return frozenset()
        filed_by = self.wanted.case_act.filed_by
        return frozenset({*self.wanted.depends_on, *([filed_by] if filed_by else [])})

    @property
    def made_at(self) -> datetime:
        assert self.wanted is not None
        return from_timestamp(self.wanted.made_at)

    @property
    def act(self) -> str:
        """What it wants, for the record: as the same is called at a window."""
        kind = self.wanted.WhichOneof("wanted") if self.wanted is not None else ""
        if kind != "case_act":
            return {"mandate": "RegisterMandate", "application": "FileCase"}.get(
                kind or "", "ExchangeItems"
            )
        assert self.wanted is not None
        command = self.wanted.case_act.command
        chosen = command.WhichOneof("command")
        return getattr(command, chosen).DESCRIPTOR.name if chosen else "ActOnCase"

    @property
    def subject(self) -> str:
        """Upon what, for the record."""
        case_id = self.wanted.case_act.case_id if self.wanted is not None else ""
        return case_id or self.client_id

    def queued(self) -> Queued:
        return Queued(self.client_id, self.parents)

    def materials(self) -> list[wire_person.Material]:
        """What it names and what has to be at the hall before."""
        wanted = self.wanted
        if wanted is None:
            return []
        kind = wanted.WhichOneof("wanted")
        if kind == "mandate":
            return materials_of(wanted.mandate)
        if kind == "application":
            return materials_of(wanted.application.filing)
        command = wanted.case_act.command
        chosen = command.WhichOneof("command")
        return materials_of(getattr(command, chosen)) if chosen else []


def require_batch(items: Sequence[wire.QueuedItem]) -> None:
    """Raises BatchTooLarge."""
    if len(items) > ITEMS_MAX or sum(len(item.body) for item in items) > BATCH_BYTES_MAX:
        raise BatchTooLarge("items", items=ITEMS_MAX, kilobytes=BATCH_BYTES_MAX // 1024)


def read(message: wire.QueuedItem) -> Item:
    """What cannot be read is told with the item, and spoils no other."""
    client_id, body = message.client_id, message.body
    digest = content_digest(body)
    if not is_uuid(client_id):
        return Item(client_id, body, digest, None, ItemIdUnusable("client_id"))
    if len(body) > ITEM_BYTES_MAX:
        trouble = ItemTooLarge("body", kilobytes=ITEM_BYTES_MAX // 1024)
        return Item(client_id, body, digest, None, trouble)
    try:
        return Item(client_id, body, digest, _body(body), None)
    except ItemUnreadable as trouble:
        return Item(client_id, body, digest, None, trouble)


def is_uuid(text: str) -> bool:
    """In the one form in which a UUID is written."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _body(raw: bytes) -> wire.ItemBody:
    """Raises ItemUnreadable, saying what is wrong and nothing of what people wrote."""
    try:
        text = raw.decode()
        found = json_format.Parse(text, wire.ItemBody(), max_recursion_depth=NESTED_MAX)
        # A text with half a character cannot be kept.
        found.SerializeToString()
        made_at = from_timestamp(found.made_at)
    except UnicodeError as error:
        raise ItemUnreadable("body", detail="UTF-8") from error
    except (ValueError, TypeError, RecursionError, OverflowError, Problem) as error:
        raise ItemUnreadable("body", detail="JSON") from error
    except json_format.ParseError as error:
        raise ItemUnreadable("body", detail="JSON") from error
    kind = found.WhichOneof("wanted")
    if kind is None:
        raise ItemUnreadable("wanted", detail="wanted")
    if not found.HasField("made_at") or made_at.year < 2000:
        raise ItemUnreadable("made_at", detail="made_at")
    if len(found.depends_on) > DEPENDS_MAX or not all(map(is_uuid, found.depends_on)):
        raise ItemUnreadable("depends_on", detail="depends_on")
    act = found.case_act
    if act.filed_by and not is_uuid(act.filed_by):
        raise ItemUnreadable("filed_by", detail="filed_by")
    if kind == "case_act" and bool(act.case_id) == bool(act.filed_by):
        raise ItemUnreadable("case_act", detail="case_id/filed_by")
    if _NUL in text or "\\u0000" in text:
        raise ItemUnreadable("body", detail="NUL")
    return found
