"""The mandate in an agent's form: recorded on the page, or read from a file that a device made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hallnet.case.case import day_of
from hallnet.case.mandate import FILE_BYTES_MAX, MANDATE, read_mandate_file
from hallnet.case.problems import MandateEvidenceMissing
from hallnet.codec.moments import to_timestamp
from hallnet.node.client import problems_raised
from hallnet.portal.forms import shown_at
from hallnet.portal.problems import DateMalformed, MandateEvidenceDiffers
from hallnet.portal.site import Visit
from hallnet.portal.uploads import Handed, Uploaded, file_field
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

EVIDENCE = "mandate"
"""The name under which the intake takes the evidence of a mandate."""
FILE_FIELD = "mandate_file"
KEPT_FIELD = "kept_mandate_file"
DAYS_SUGGESTED = 180
FIELDS = frozenset(
    {
        "mandate_id",
        "mandate.acts",
        "mandate.valid_until",
        "mandate.evidence_kind",
        file_field(EVIDENCE),
        FILE_FIELD,
    }
)
NAMED_OTHERWISE = {
    "mandate": FILE_FIELD,
    "mandate.form": FILE_FIELD,
    "mandate.evidence": file_field(EVIDENCE),
    "evidence_kind": "mandate.evidence_kind",
}
_KEPT = "mandate file"


@dataclass(frozen=True, slots=True)
class MandateInForm:
    """What an agent gave of a mandate: the evidence, and the bytes of a mandate file if there is one."""

    evidence: Uploaded | None
    file: bytes
    kept: str
    """The file, signed, to stay in the form."""


async def in_form(visit: Visit, handed: Handed) -> MandateInForm:
    """The mandate that came with a form; its evidence is taken out of the materials."""
    evidence = handed.uploaded.pop(EVIDENCE, None)
    seal = visit.site.sessions.seal
    file = visit.form.files.get(FILE_FIELD)
    if file is not None:
        data = await file.read(FILE_BYTES_MAX + 1)
    else:
        data = seal.read(_KEPT, visit.form.text(KEPT_FIELD)) or b""
    kept = seal.sign(_KEPT, data) if 0 < len(data) <= FILE_BYTES_MAX else ""
    return MandateInForm(evidence, data, kept)


async def register(
    visit: Visit,
    item: wire_item.ItemVersion,
    client: wire_person.Person,
    given: MandateInForm,
) -> str:
    """Record the mandate and return its id.

    Raises MandateUnreadable, MandateEvidenceDiffers, MandateEvidenceMissing, DateMalformed, or what the
    intake reports.
    """
    mandate = _from_file(given) if given.file else _from_page(visit, item, client, given)
    # An id of its own, which follows from that of the form: sent twice, it is the same mandate.
    act = wire.Act(request_id=f"{visit.form.request_id}-mandate", actor_id=visit.account.actor_id)
    with problems_raised():
        response = await visit.desk.intake.RegisterMandate(
            wire.RegisterMandateRequest(act=act, mandate=mandate)
        )
    return response.mandate.mandate_id


def suggested_until(today: date) -> date:
    return today + timedelta(days=DAYS_SUGGESTED)


def _from_file(given: MandateInForm) -> wire_person.Mandate:
    mandate = read_mandate_file(given.file)
    if (
        given.evidence is not None
        and mandate.evidence is not None
        and mandate.evidence.digest != given.evidence.digest
    ):
        raise MandateEvidenceDiffers(file_field(EVIDENCE))
    message: wire_person.Mandate = MANDATE.to_message(mandate)
    return message


def _from_page(
    visit: Visit,
    item: wire_item.ItemVersion,
    client: wire_person.Person,
    given: MandateInForm,
) -> wire_person.Mandate:
    form = visit.form
    if given.evidence is None:
        raise MandateEvidenceMissing(file_field(EVIDENCE))
    evidence = given.evidence.to_material()
    # The form was shown when the client was there; and sent twice, it says the same both times.
    evidence.submitted_at.CopyFrom(to_timestamp(shown_at(form.request_id, visit.now)))
    return wire_person.Mandate(
        client=client,
        agent_id=visit.account.actor_id,
        item_ids=[item.item_id],
        acts=[wire_person.MandateAct.ValueType(act) for act in form.numbers("mandate.acts")],
        valid_from=day_of(visit.now).isoformat(),
        valid_until=_day(form.text("mandate.valid_until"), "mandate.valid_until"),
        evidence_kind=wire_person.MandateEvidenceKind.ValueType(
            form.number("mandate.evidence_kind")
        ),
        evidence=evidence,
    )


def _day(text: str, where: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise DateMalformed(where) from error
