"""Mandates (委托书): a villager's permission for an agent, for named items and acts, until a day.

An agent acts for the applicant and never decides (行政许可法 articles 24 and 29). At the face of a
device a mandate is a JSON file; `read_mandate_file` is strict about it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from google.protobuf import json_format

from hallnet.case.item import ItemVersion
from hallnet.case.person import Material, Person, require_person
from hallnet.case.problems import (
    AgentNotAllowed,
    MandateEvidenceMissing,
    MandateEvidenceUnusable,
    MandateNotForThis,
    MandateUnreadable,
)
from hallnet.codec import Codec
from hallnet.problems import Problem
from hallnet.wire.case.v1 import person_pb2 as wire

FILE_BYTES_MAX = 64 * 1024
FILE_FORM = "hallnet.mandate/1"
_EVIDENCE_TYPES = ("image/", "audio/", "application/pdf")


class MandateAct(IntEnum):
    """What the agent may do."""

    SUBMIT = 1
    SIGN_RECEIPT = 2
    COLLECT = 3
    PAY = 4


class EvidenceKind(IntEnum):
    """How the client showed the will to be represented."""

    SIGNATURE = 1
    FINGERPRINT = 2
    VOICE = 3
    PHOTO = 4
    WITNESS = 5


@dataclass(frozen=True, slots=True)
class Mandate:
    """A permission; the fields are those of the wire."""

    mandate_id: str
    client: Person
    agent_id: str
    item_ids: tuple[str, ...]
    acts: tuple[MandateAct, ...]
    valid_from: date
    valid_until: date
    evidence_kind: EvidenceKind
    evidence: Material | None


MANDATE: Codec[Mandate] = Codec(Mandate, wire.Mandate)


def read_mandate_file(data: bytes) -> Mandate:
    """Read a mandate file; raises MandateUnreadable, saying why.

    The file is JSON with the member `form` = "hallnet.mandate/1" and the JSON form of the Mandate in
    `mandate`.
    """
    if len(data) > FILE_BYTES_MAX:
        raise MandateUnreadable("mandate", detail=f">{FILE_BYTES_MAX} B")
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("form") != FILE_FORM:
            raise MandateUnreadable("mandate.form", detail="form")
        message = json_format.ParseDict(document["mandate"], wire.Mandate())
        return MANDATE.from_message(message)
    except MandateUnreadable:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
        json_format.ParseError,
        Problem,
    ) as error:
        where = error.where if isinstance(error, Problem) else ""
        raise MandateUnreadable("mandate", detail=where or "JSON") from error


def write_mandate_file(mandate: Mandate) -> bytes:
    message = MANDATE.to_message(mandate)
    document = {"form": FILE_FORM, "mandate": json_format.MessageToDict(message)}
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def require_mandate(mandate: Mandate) -> None:
    """Check that a mandate can be recorded.

    Raises the problems of the client's data, MandateEvidenceMissing, MandateEvidenceUnusable,
    MandateNotForThis.
    """
    require_person(mandate.client, "mandate.client")
    if mandate.evidence is None:
        raise MandateEvidenceMissing("mandate.evidence")
    if not mandate.evidence.media_type.startswith(_EVIDENCE_TYPES):
        raise MandateEvidenceUnusable("mandate.evidence")
    if not mandate.item_ids:
        raise MandateNotForThis("mandate.item_ids", what="委托事项为空")
    if not mandate.acts:
        raise MandateNotForThis("mandate.acts", what="委托权限为空")
    if mandate.valid_until < mandate.valid_from:
        raise MandateNotForThis("mandate.valid_until", what="期限早于起始日")


def require_covers(
    mandate: Mandate,
    item: ItemVersion,
    client: Person,
    agent_id: str,
    act: MandateAct,
    today: date,
) -> None:
    """Check that a mandate covers an act; raises AgentNotAllowed or MandateNotForThis."""
    if not item.agent_allowed:
        raise AgentNotAllowed("item_id", item=item.name)
    if mandate.agent_id != agent_id:
        raise MandateNotForThis("mandate_id", what="受托人不是本人")
    if not mandate.client.is_same_as(client):
        raise MandateNotForThis("mandate_id", what="委托人不是申请人")
    if item.item_id not in mandate.item_ids:
        raise MandateNotForThis("mandate_id", what="委托事项不符")
    if act not in mandate.acts:
        raise MandateNotForThis("mandate_id", what="委托权限不符")
    if not mandate.valid_from <= today <= mandate.valid_until:
        raise MandateNotForThis("mandate_id", what="不在委托期限内")
