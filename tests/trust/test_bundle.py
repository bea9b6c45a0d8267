"""Case bundles: verified with nothing but the root, and no bit of them can be changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import (
    CITY,
    COUNTY,
    DAY,
    ENDS,
    MIXED,
    MIXED_THE_OTHER_WAY,
    NOW,
    ONLY_2,
    OTHER_COUNTY,
    PROVINCE,
    SECOND,
    TOWNSHIP,
    Ledger,
    Party,
    acknowledge,
    certify,
    flipped,
    found_root,
    letter,
    made_from,
    network,
    post,
    receipt_body,
)

from hallnet.codec.moments import to_timestamp
from hallnet.problems import Problem
from hallnet.trust.bundle import Report, sign_bundle, verify_bundle
from hallnet.trust.certificate import Certificate, Permission
from hallnet.trust.envelope import Envelope, Letter
from hallnet.trust.evidence import EvidenceWriter
from hallnet.trust.problems import (
    BundleMalformed,
    CertificateExpired,
    CertificateUnknown,
    ContentNotAsCommitted,
    PermissionMissing,
    ProofInvalid,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.trust.receipt import Receipt, ReceiptBody, Verdict
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope

NET = network()
SUBJECT = "case-1"
ROOT = NET.root.certificate
LATER = NOW + DAY


@dataclass
class Showing:
    """One envelope with what was in it and the verdict over it."""

    letter: Letter
    envelope: Envelope
    receipt: Receipt | None
    sender: Party
    recipient: Party


def salt_of(written: Letter) -> bytes:
    return made_from(f"salt {written.envelope_id.hex()}")


def send(
    sender: Ledger, recipient: Ledger, payload: bytes, number: int, subject: str = SUBJECT
) -> Showing:
    written = letter(sender.party, recipient.party, payload, number=number, subject=subject)
    envelope = post(sender, recipient.party, written)
    receipt = acknowledge(recipient, receipt_body(envelope, written, recipient.party))
    return Showing(written, envelope, receipt, sender.party, recipient.party)


def correspondence() -> list[Showing]:
    """A township hands a case up to its county, and the county hands the result back."""
    township, county = Ledger(NET[TOWNSHIP]), Ledger(NET[COUNTY])
    return [
        send(township, county, b"the application", 1),
        send(county, township, b"the decision", 2),
    ]


def bundle_of(
    showings: list[Showing], exporter: Party, change: Callable[[wire.CaseBundle], object] = id
) -> bytes:
    """The file that a hall hands out; `change` is made before it is sealed."""
    evidence, exhibits = EvidenceWriter(), []
    for shown in showings:
        exhibit = wire.Exhibit(
            header=shown.envelope.header,
            proof=evidence.add(shown.envelope.proof, shown.sender.chain[:-1]),
            content=wire_envelope.Content(salt=salt_of(shown.letter), payload=shown.letter.payload),
        )
        if shown.receipt is not None:
            exhibit.receipt.body = shown.receipt.body
            exhibit.receipt.proof.CopyFrom(
                evidence.add(shown.receipt.proof, shown.recipient.chain[:-1])
            )
        exhibits.append(exhibit)
    bundle = wire.CaseBundle(
        subject=SUBJECT,
        exhibits=exhibits,
        evidence=evidence.to_message(),
        exported_by=exporter.certificate.body.subject,
        exported_at=to_timestamp(LATER),
    )
    known = {bytes(item.body) for item in bundle.evidence.certificates}
    bundle.evidence.certificates.extend(
        item.to_message() for item in exporter.chain[:-1] if item.raw not in known
    )
    change(bundle)
    return sign_bundle(bundle, exporter.certificate, exporter.signing_key).SerializeToString()


FILE = bundle_of(correspondence(), NET[COUNTY])
SMALL_FILE = bundle_of(correspondence()[:1], NET[COUNTY])


def problems_of(report: Report) -> list[type[Problem]]:
    found = [report.seal_problem, *(exhibit.problem for exhibit in report.exhibits)]
    return [type(problem) for problem in found if problem is not None]


def test_a_bundle_holds_with_nothing_but_the_root() -> None:
    report = verify_bundle(FILE, ROOT)
    assert report.holds
    assert report.subject == SUBJECT
    assert (report.exported_by, report.exported_at) == (COUNTY, LATER)
    assert report.root_subject == ""
    first, second = report.exhibits
    assert (first.number, second.number) == (1, 2)
    for exhibit, payload, sender in (
        (first, b"the application", TOWNSHIP),
        (second, b"the decision", COUNTY),
    ):
        assert exhibit.content is not None
        assert exhibit.content.payload == payload
        assert exhibit.header is not None
        assert str(exhibit.header.sender) == sender
        assert exhibit.sender_name == f"{sender}政务服务中心"
        assert exhibit.signed_at == NOW
        assert exhibit.receipt is not None
        assert exhibit.receipt.verdict is Verdict.ACCEPTED
    assert (first.leaf_index, second.leaf_index) == (0, 1)


def test_a_bundle_does_not_hold_under_another_root() -> None:
    for other in (found_root(label="another root"), found_root("33")):
        report = verify_bundle(FILE, other.certificate)
        assert not report.holds
        assert set(problems_of(report)) == {CertificateUnknown}


def test_a_hall_is_no_root_for_a_bundle() -> None:
    for party in (NET[PROVINCE], NET[COUNTY]):
        with pytest.raises(CertificateUnknown):
            verify_bundle(FILE, party.certificate)


def is_refused(data: bytes) -> bool:
    try:
        return not verify_bundle(data, ROOT).holds
    except BundleMalformed:
        return True


@pytest.mark.parametrize("part", range(16))
def test_every_single_flipped_bit_of_a_file_is_refused(part: int) -> None:
    """All of them, in a file with the journals of two halls: one's envelope, the other's receipt."""
    assert verify_bundle(SMALL_FILE, ROOT).holds
    for bit in range(part, 8 * len(SMALL_FILE), 16):
        assert is_refused(flipped(SMALL_FILE, bit)), f"bit {bit}"


@given(st.integers(0, 8 * len(FILE) - 1))
def test_any_flipped_bit_of_a_larger_file_is_refused(bit: int) -> None:
    assert is_refused(flipped(FILE, bit))


@given(st.data())
def test_a_file_that_was_cut_or_to_which_something_was_added_is_refused(
    data: st.DataObject,
) -> None:
    cut = data.draw(st.integers(0, len(FILE) - 1))
    assert is_refused(FILE[:cut])
    more = data.draw(st.binary(min_size=1, max_size=20))
    assert is_refused(FILE + more)
    assert is_refused(more + FILE)
    assert is_refused(FILE[:cut] + more + FILE[cut:]) or FILE[:cut] + more + FILE[cut:] == FILE


@pytest.mark.parametrize(
    "added", [b"\x20\x01", b"\x22\x00", b"\x0a\x00", b"\x12\x00", b"\x1a\x00", FILE]
)
def test_a_file_with_a_field_that_nobody_signed_is_refused(added: bytes) -> None:
    assert is_refused(added + FILE)
    assert is_refused(FILE + added)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_bundle_are_malformed(data: bytes) -> None:
    with pytest.raises(BundleMalformed):
        verify_bundle(data, ROOT)


def test_a_bundle_without_an_exhibit_proves_nothing() -> None:
    with pytest.raises(BundleMalformed):
        verify_bundle(bundle_of([], NET[COUNTY]), ROOT)


def test_a_third_hall_may_export_but_its_seal_is_its_own() -> None:
    exported = bundle_of(correspondence(), NET[OTHER_COUNTY])
    assert verify_bundle(exported, ROOT).holds
    signed = wire.SignedCaseBundle.FromString(exported)
    signed.certificate_id = NET[COUNTY].certificate.id
    report = verify_bundle(signed.SerializeToString(), ROOT)
    assert problems_of(report) == [SpeaksForAnother]


def test_an_exporter_cannot_seal_in_the_name_of_another() -> None:
    def in_the_name_of_the_city(bundle: wire.CaseBundle) -> None:
        bundle.exported_by = CITY

    report = verify_bundle(bundle_of(correspondence(), NET[COUNTY], in_the_name_of_the_city), ROOT)
    assert isinstance(report.seal_problem, SpeaksForAnother)


def test_a_seal_by_another_key_does_not_hold() -> None:
    stolen = Party(NET[COUNTY].chain, made_from("stolen"), b"")
    report = verify_bundle(bundle_of(correspondence(), stolen), ROOT)
    assert isinstance(report.seal_problem, SignatureInvalid)
    assert [exhibit.problem for exhibit in report.exhibits] == [None, None]


def test_a_seal_after_the_exporters_certificate_ended_does_not_hold() -> None:
    def too_late(bundle: wire.CaseBundle) -> None:
        bundle.exported_at.CopyFrom(to_timestamp(ENDS))

    report = verify_bundle(bundle_of(correspondence(), NET[COUNTY], too_late), ROOT)
    assert isinstance(report.seal_problem, CertificateExpired)


Change = Callable[[wire.CaseBundle], object]


def first(bundle: wire.CaseBundle) -> wire.Exhibit:
    return bundle.exhibits[0]


def forged_payload(bundle: wire.CaseBundle) -> None:
    first(bundle).content.payload = b"another application"


def forged_salt(bundle: wire.CaseBundle) -> None:
    first(bundle).content.salt = made_from("another salt")


def forged_header(bundle: wire.CaseBundle) -> None:
    header = wire_envelope.Header.FromString(first(bundle).header)
    header.recipient = CITY
    first(bundle).header = header.SerializeToString()


def another_sender(bundle: wire.CaseBundle) -> None:
    header = wire_envelope.Header.FromString(first(bundle).header)
    header.sender = COUNTY
    first(bundle).header = header.SerializeToString()


def another_place(bundle: wire.CaseBundle) -> None:
    first(bundle).proof.leaf_index = 1


def forged_hash(bundle: wire.CaseBundle) -> None:
    bundle.evidence.hashes = flipped(bundle.evidence.hashes, 0)


def another_matter(bundle: wire.CaseBundle) -> None:
    bundle.subject = "case-2"


def exchanged_receipts(bundle: wire.CaseBundle) -> None:
    receipts = [
        wire_envelope.Receipt.FromString(e.receipt.SerializeToString()) for e in bundle.exhibits
    ]
    for exhibit, receipt in zip(bundle.exhibits, reversed(receipts), strict=True):
        exhibit.receipt.CopyFrom(receipt)


def changed_verdict(bundle: wire.CaseBundle) -> None:
    body = wire_envelope.ReceiptBody.FromString(first(bundle).receipt.body)
    body.verdict = wire_envelope.VERDICT_REFUSED
    first(bundle).receipt.body = body.SerializeToString()


def forged_head(bundle: wire.CaseBundle) -> None:
    head = bundle.evidence.checkpoints[0]
    head.note = head.note.replace(b"09:00:00", b"08:00:00")


def no_certificates(bundle: wire.CaseBundle) -> None:
    del bundle.evidence.certificates[:]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (forged_payload, ContentNotAsCommitted),
        (forged_salt, ContentNotAsCommitted),
        (forged_header, ProofInvalid),
        (another_sender, SpeaksForAnother),
        (another_place, ProofInvalid),
        (forged_hash, ProofInvalid),
        (another_matter, ProofInvalid),
        (exchanged_receipts, ProofInvalid),
        (changed_verdict, ProofInvalid),
        (forged_head, SignatureInvalid),
        (no_certificates, CertificateUnknown),
    ],
)
def test_an_exporter_cannot_forge_what_others_said(change: Change, problem: type[Problem]) -> None:
    """The seal over a bundle is right, and still every exhibit stands or falls by itself."""
    report = verify_bundle(bundle_of(correspondence(), NET[COUNTY], change), ROOT)
    assert problem in problems_of(report)
    assert not report.holds


def verdict_by(
    hall: str, verdict: Verdict, change: Callable[[ReceiptBody], ReceiptBody] = lambda body: body
) -> bytes:
    """A bundle whose only receipt is from the journal of `hall`."""
    shown = correspondence()[0]
    body = change(receipt_body(shown.envelope, shown.letter, NET[hall], verdict, "NO"))
    receipt = acknowledge(Ledger(NET[hall]), body)
    return bundle_of([replace(shown, receipt=receipt, recipient=NET[hall])], NET[COUNTY])


def test_a_hall_on_the_way_may_have_refused_but_not_accepted() -> None:
    assert verify_bundle(verdict_by(COUNTY, Verdict.HELD), ROOT).holds
    assert verify_bundle(verdict_by(CITY, Verdict.REFUSED), ROOT).holds
    for verdict in (Verdict.ACCEPTED, Verdict.HELD):
        assert problems_of(verify_bundle(verdict_by(CITY, verdict), ROOT)) == [ProofInvalid]


@pytest.mark.parametrize(
    "change",
    [
        lambda body: replace(body, envelope_id=made_from("other", 16)),
        lambda body: replace(body, header_digest=made_from("other")),
    ],
)
def test_a_receipt_has_to_be_about_this_envelope(
    change: Callable[[ReceiptBody], ReceiptBody],
) -> None:
    report = verify_bundle(verdict_by(COUNTY, Verdict.ACCEPTED, change), ROOT)
    assert problems_of(report) == [ProofInvalid]


def test_a_receipt_in_the_name_of_another_is_none() -> None:
    exported = verdict_by(
        CITY, Verdict.ACCEPTED, lambda body: replace(body, issuer=NET[COUNTY].address)
    )
    assert problems_of(verify_bundle(exported, ROOT)) == [SpeaksForAnother]


def test_an_exhibit_without_a_receipt_still_shows_what_was_sent() -> None:
    shown = replace(correspondence()[0], receipt=None)
    report = verify_bundle(bundle_of([shown], NET[COUNTY]), ROOT)
    assert report.holds
    assert report.exhibits[0].receipt is None


def test_a_sender_that_may_not_exchange_has_sent_nothing() -> None:
    limited = certify(NET[COUNTY], TOWNSHIP, label="limited", permissions=(Permission.RELEASE,))
    shown = send(Ledger(limited), Ledger(NET[COUNTY]), b"the application", 1)
    report = verify_bundle(bundle_of([shown], NET[COUNTY]), ROOT)
    assert problems_of(report) == [PermissionMissing]


def test_a_head_in_the_name_of_another_does_not_hold() -> None:
    """The township signs a head of what it says is the county's journal."""
    township, county = Ledger(NET[TOWNSHIP]), Ledger(NET[COUNTY])
    shown = send(township, county, b"the application", 1)
    proof = township.proof(0, township.head_in_the_name_of(NET[COUNTY]))
    shown = replace(shown, envelope=replace(shown.envelope, proof=proof))
    report = verify_bundle(bundle_of([shown], NET[COUNTY]), ROOT)
    assert problems_of(report) == [SpeaksForAnother]


def test_a_head_signed_before_the_certificate_does_not_hold() -> None:
    young = certify(NET[COUNTY], TOWNSHIP, label="young", not_before=NOW + SECOND)
    shown = send(Ledger(young), Ledger(NET[COUNTY]), b"the application", 1)
    assert not verify_bundle(bundle_of([shown], NET[COUNTY]), ROOT).holds


def test_a_certificate_that_leads_nowhere_does_no_harm_to_the_others() -> None:
    stranger = certify(found_root(label="another root"), "34", label="stranger")

    def add(bundle: wire.CaseBundle) -> None:
        bundle.evidence.certificates.append(stranger.certificate.to_message())

    assert verify_bundle(bundle_of(correspondence(), NET[COUNTY], add), ROOT).holds


def test_a_root_that_comes_along_in_the_bundle_is_not_believed() -> None:
    """Whoever forges a whole network forges its root as well."""
    root = found_root(label="a forged root")
    halls, party = {}, root
    for subject in (PROVINCE, CITY, COUNTY, TOWNSHIP):
        halls[subject] = party = certify(party, subject, label=f"forged {subject}")
    shown = send(Ledger(halls[TOWNSHIP]), Ledger(halls[COUNTY]), b"the application", 1)

    def add_root(bundle: wire.CaseBundle) -> None:
        bundle.evidence.certificates.append(root.certificate.to_message())

    forged = bundle_of([shown], halls[COUNTY], add_root)
    assert verify_bundle(forged, root.certificate).holds
    assert not verify_bundle(forged, ROOT).holds


@pytest.mark.parametrize(
    "suites", [ONLY_2, MIXED, MIXED_THE_OTHER_WAY], ids=["of suite 2", "mixed", "mixed otherwise"]
)
@given(data=st.data())
def test_a_bundle_of_halls_of_any_suites_is_verified_with_the_root_alone_and_no_bit_of_it_changes(
    suites: tuple[Suite, ...], data: st.DataObject
) -> None:
    file, root = _exported(suites)
    report = verify_bundle(file, root)
    assert report.holds
    assert [item.problem for item in report.exhibits] == [None, None]
    changed = flipped(file, data.draw(st.integers(0, 8 * len(file) - 1)))
    try:
        assert not verify_bundle(changed, root).holds
    except BundleMalformed:
        return


@cache
def _exported(suites: tuple[Suite, ...]) -> tuple[bytes, Certificate]:
    net = network(suites)
    township, county = Ledger(net[TOWNSHIP]), Ledger(net[COUNTY])
    showings = [send(township, county, b"application", 1), send(county, township, b"decision", 2)]
    return bundle_of(showings, net[COUNTY]), net.root.certificate
