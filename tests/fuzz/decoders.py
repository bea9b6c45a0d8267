"""Everything that makes something of a stranger's bytes or text without a store, with a genuine example."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from google.protobuf import json_format, proto
from google.protobuf.message import Message
from tests.case import builders as cases
from tests.trust.builders import (
    COUNTY,
    NOW,
    PROVINCE,
    TOWNSHIP,
    Ledger,
    found_root,
    network,
    revocation,
)
from tests.trust.keepers import FIVE, root_of, signed_by, succeed
from tests.trust.test_bundle import bundle_of, send

from hallnet.case.calendar import CALENDAR
from hallnet.case.case import read_history
from hallnet.case.catalogue import require_catalogue
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.case.mandate import FILE_FORM, MANDATE, read_mandate_file
from hallnet.case.person import require_identity_number
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.cli.verifying import describe, describe_archive
from hallnet.codec import parse
from hallnet.node.keeping import described
from hallnet.node.paging import Page
from hallnet.places import Address, Village
from hallnet.trust.archive import MAGIC, read_parts, verify_archive
from hallnet.trust.believed import Trust
from hallnet.trust.bundle import verify_bundle
from hallnet.trust.certificate import (
    RequestBody,
    make_request,
    read_certificate,
    read_request,
    verify_root,
)
from hallnet.trust.drafts import draft_succession, read_draft, write_draft
from hallnet.trust.envelope import read_header
from hallnet.trust.evidence import Checkpoint, EvidenceReader
from hallnet.trust.invitation import read_code, write_code
from hallnet.trust.journal import EntryKind
from hallnet.trust.receipt import RECEIPT
from hallnet.trust.release import ReleaseBody, ReleaseKind, sign_release, verify_release
from hallnet.trust.revocation import read_revocation, verify_revocation
from hallnet.trust.succession import (
    SuccessionBody,
    declare,
    read_root_succession,
    read_succession,
    verify_succession,
)
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms, supported
from hallnet.wire.case.v1 import calendar_pb2 as wire_calendar
from hallnet.wire.case.v1 import case_event_pb2 as wire_case
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire_bundle
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import archive_pb2 as wire_archive
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust
from hallnet.wire.trust.v1 import journal_pb2 as wire_journal
from hallnet.wire.trust.v1 import keeper_pb2 as wire_keeper

NET = network()
ROOT, HALL = NET.root.certificate, NET[TOWNSHIP]


@dataclass(frozen=True, slots=True)
class Decoder:
    """What reads, a genuine example, and its message type if it is a message."""

    read: Callable[[bytes], object]
    genuine: bytes
    kind: type[Message] | None = None


def _text(read: Callable[[str], object], genuine: str) -> Decoder:
    """Text comes as UTF-8 or not at all: the transports see to that."""
    return Decoder(lambda data: read(data.decode(errors="ignore")), genuine.encode())


def _request() -> bytes:
    body = HALL.certificate.body
    asked = RequestBody(
        Suite.ED25519,
        HALL.address,
        body.name,
        body.signing_key,
        body.sealing_key,
        b"k" * 91,
        NOW,
        (1, 2),
    )
    return make_request(asked, HALL.signing_key).SerializeToString()


def _release() -> bytes:
    author = NET[PROVINCE]
    body = ReleaseBody(
        Suite.ED25519, ReleaseKind.POLICY, author.address, 1, NOW, NOW, b"policy", ""
    )
    return sign_release(body, author.signing_key, list(author.chain[:-1])).SerializeToString()


def _read_release(data: bytes) -> object:
    message = parse(wire_release.SignedRelease, data)
    return verify_release(message, Trust([ROOT], supported()), HALL.address, NOW)


def _read_revocation(data: bytes) -> object:
    found = read_revocation(parse(wire_trust.Revocation, data))
    verify_revocation(found, NET[COUNTY].certificate)
    return found


def _read_bundle(data: bytes) -> object:
    return describe(verify_bundle(data, ROOT))


def _made() -> bytes:
    """The bundle of a case of two halls, as the county seals it."""
    township, county = Ledger(HALL), Ledger(NET[COUNTY])
    events = wire_case.CaseEvents.FromString(_history()).events
    showings = [
        send(township, county, _said(*events[:2]), 1),
        send(county, township, _said(*events[2:]), 2),
    ]
    return bundle_of(showings, NET[COUNTY])


def _said(*raws: bytes) -> bytes:
    return wire_case.CaseEvents(case_id="case-1", events=raws).SerializeToString()


def _sealed_bundle(data: bytes) -> object:
    """A bundle that its exporter changed before it was sealed."""
    exporter = NET[COUNTY]
    signature = algorithms(exporter.suite).sign(
        exporter.signing_key, b"hallnet case bundle v1\n" + data
    )
    sealed = wire_bundle.SignedCaseBundle(
        bundle=data, signature=signature, certificate_id=exporter.certificate.id
    )
    return _read_bundle(sealed.SerializeToString())


def _forged_history(data: bytes) -> object:
    """A bundle in which a hall of the case truly wrote something else."""
    showing = send(Ledger(HALL), Ledger(NET[COUNTY]), data, 1)
    return _read_bundle(bundle_of([showing], NET[COUNTY]))


def _history() -> bytes:
    story = cases.History(cases.filed()).extend([cases.ACCEPTED, cases.REVIEWED, cases.GRANTED])
    return wire_case.CaseEvents(case_id="case-1", events=story.raws).SerializeToString()


def _mandate_file() -> bytes:
    mandate = json_format.MessageToDict(MANDATE.to_message(cases.mandate()))
    return json.dumps({"form": FILE_FORM, "mandate": mandate}).encode()


def _read_succession(data: bytes) -> object:
    found = read_succession(parse(wire_trust.Succession, data))
    verify_succession(found, NET[COUNTY].certificate)
    return found


def _succession() -> bytes:
    county = NET[COUNTY]
    here = Address.parse(COUNTY)
    old, new = (Address.parse(f"{here}{number}") for number in (101, 102))
    body = SuccessionBody(Suite.ED25519, old, new, NOW, NOW, "merged")
    return declare(body, county.certificate, county.signing_key).to_message().SerializeToString()


def _root_succession() -> bytes:
    old, new = NET.root, found_root(NET.root.certificate.body.subject, "next")
    return succeed(
        old.certificate, old.signing_key, new.certificate, new.signing_key, NOW
    ).SerializeToString()


def _root_draft() -> bytes:
    draft = draft_succession(root_of(), root_of(FIVE[:3], 2, label="next"), NOW, [bytes(32)])
    return write_draft(signed_by(draft, FIVE[:2]))


def _invitation() -> str:
    return write_code(
        wire_trust.Invitation(
            address="330127101",
            broker_url="tls://330127.example:4222",
            root_id=ROOT.id,
            link_authority=b"authority" * 40,
            link_certificate=b"certificate" * 40,
            link_key=b"key" * 40,
            invitation_id="0" * 32,
        )
    )


def _read_archive(data: bytes) -> object:
    return describe_archive(verify_archive(read_parts(BytesIO(data)), ROOT))


def _archive() -> bytes:
    """The whole journal of a township, of three entries."""
    ledger = Ledger(HALL)
    entries = [
        wire_journal.JournalEntry(kind=int(EntryKind.SENT), data=b"%d" % number)  # type: ignore[arg-type]
        for number in range(3)
    ]
    for entry in entries:
        ledger.add(EntryKind(entry.kind), entry.data)
    head = wire_archive.JournalArchiveHead(
        address=str(HALL.address),
        end=ledger.head().to_message(),
        certificates=[item.to_message() for item in HALL.chain[:-1]],
    )
    archived = BytesIO(MAGIC)
    archived.seek(0, 2)
    for part in (
        wire_archive.JournalArchivePart(head=head),
        wire_archive.JournalArchivePart(run=wire_journal.JournalRun(start=0, entries=entries)),
    ):
        proto.serialize_length_prefixed(part, archived)
    return archived.getvalue()


SEALED = wire_bundle.SignedCaseBundle.FromString(_made())
BUNDLE = wire_bundle.CaseBundle.FromString(SEALED.bundle)
CHAIN_END = HALL.certificate.to_message().SerializeToString()
DECODERS: dict[str, Decoder] = {
    "evidence": Decoder(
        lambda data: EvidenceReader(parse(wire_journal.Evidence, data)),
        BUNDLE.evidence.SerializeToString(),
        wire_journal.Evidence,
    ),
    "checkpoint": Decoder(Checkpoint.from_note, BUNDLE.evidence.checkpoints[0].note),
    "certificate": Decoder(
        lambda data: read_certificate(parse(wire_trust.Certificate, data)),
        CHAIN_END,
        wire_trust.Certificate,
    ),
    "request": Decoder(
        lambda data: read_request(parse(wire_trust.CertificateRequest, data)),
        _request(),
        wire_trust.CertificateRequest,
    ),
    "revocation": Decoder(
        _read_revocation,
        revocation(NET[COUNTY], HALL, NOW).to_message().SerializeToString(),
        wire_trust.Revocation,
    ),
    "succession": Decoder(_read_succession, _succession(), wire_trust.Succession),
    "root-succession": Decoder(
        lambda data: read_root_succession(parse(wire_trust.RootSuccession, data)),
        _root_succession(),
        wire_trust.RootSuccession,
    ),
    "root-draft": Decoder(
        lambda data: described(read_draft(data)), _root_draft(), wire_keeper.RootDraft
    ),
    "root-with-keepers": Decoder(
        lambda data: verify_root(read_certificate(parse(wire_trust.Certificate, data))),
        root_of().to_message().SerializeToString(),
        wire_trust.Certificate,
    ),
    "invitation": _text(read_code, _invitation()),
    "archive": Decoder(_read_archive, _archive()),
    "release": Decoder(_read_release, _release(), wire_release.SignedRelease),
    "header": Decoder(read_header, BUNDLE.exhibits[0].header, wire.Header),
    "receipt": Decoder(RECEIPT.from_bytes, BUNDLE.exhibits[0].receipt.body, wire.ReceiptBody),
    "bundle": Decoder(_read_bundle, SEALED.SerializeToString(), wire_bundle.SignedCaseBundle),
    "sealed-bundle": Decoder(_sealed_bundle, SEALED.bundle, wire_bundle.CaseBundle),
    "history": Decoder(
        lambda data: read_history(list(parse(wire_case.CaseEvents, data).events)),
        _history(),
        wire_case.CaseEvents,
    ),
    "forged-history": Decoder(_forged_history, _history(), wire_case.CaseEvents),
    "catalogue": Decoder(
        lambda data: require_catalogue(CATALOGUE.from_bytes(data)),
        CATALOGUE.to_bytes(Catalogue(supplied_catalogue().items[:2], "test")),
        wire_item.Catalogue,
    ),
    "calendar": Decoder(
        CALENDAR.from_bytes,
        CALENDAR.to_bytes(supplied_calendar()),
        wire_calendar.WorkingCalendar,
    ),
    "mandate-file": Decoder(read_mandate_file, _mandate_file()),
    "address": _text(Address.parse, "330110-shebao"),
    "village": _text(Village.parse, "330127101200"),
    "identity-number": _text(
        lambda text: require_identity_number(text, "number"), cases.APPLICANT.document_number
    ),
    "page-token": _text(lambda text: Page.of(10, text), Page(1, 0).next_token([7, 8])),
}
