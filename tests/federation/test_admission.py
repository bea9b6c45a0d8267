"""Judging what comes over a link: dropped, refused, held, accepted, relayed or repeated.

The judging hall is the county 330110: its parent is 3301, its children a township and a branch hall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import (
    BRANCH,
    CITY,
    COUNTY,
    DAY,
    ENDS,
    NOW,
    OTHER_COUNTY,
    OTHER_TOWNSHIP,
    PROVINCE,
    SECOND,
    SUITE,
    TOWNSHIP,
    Ledger,
    Party,
    acknowledge,
    certify,
    flipped,
    key_for,
    letter,
    made_from,
    network,
    post,
    receipt_body,
    revocation,
)

from hallnet.codec.moments import to_timestamp
from hallnet.federation import limits
from hallnet.federation.admission import (
    Accept,
    Drop,
    Hold,
    Judgement,
    ParcelMalformed,
    ProofVerifier,
    Refuse,
    Relay,
    Repeat,
    Surroundings,
    judge_envelope,
    judge_receipt,
)
from hallnet.federation.problems import (
    ClockAhead,
    EnvelopeExpired,
    EnvelopeIdReused,
    RecipientUnknown,
    SealedToUnknownKey,
    TooLarge,
    TooManyHops,
    WrongLink,
)
from hallnet.places import Address, divisions
from hallnet.problems import Problem
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Permission
from hallnet.trust.envelope import Envelope, Letter, read_header, seal
from hallnet.trust.evidence import Proof
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import (
    BodyDamaged,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRevoked,
    CertificateUnknown,
    ContentNotAsCommitted,
    NotAuthentic,
    PermissionMissing,
    ProofInvalid,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.trust.receipt import Receipt, Verdict
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_certificate

NET = network()
HERE, PARENT, CHILD = Address(COUNTY), Address(CITY), Address(TOWNSHIP)


def surroundings(trust: Trust | None = None) -> Surroundings:
    return Surroundings(
        here=HERE,
        parent=PARENT,
        children=frozenset({CHILD, Address.parse(BRANCH)}),
        register=divisions(),
        trust=trust or NET.trust(),
        sealing_keys={NET[COUNTY].certificate.id: NET[COUNTY].sealing_key},
    )


@dataclass(frozen=True)
class Parcel:
    """An envelope as it comes over a link."""

    envelope: Envelope
    letter: Letter
    neighbour: Address = CHILD
    passed: int = 0


def parcel(
    sender: Party | str = TOWNSHIP,
    recipient: Party | str = COUNTY,
    neighbour: str = TOWNSHIP,
    *,
    passed: int = 0,
    at: datetime = NOW,
    change: Callable[[Letter], Letter] = lambda written: written,
) -> Parcel:
    sender = NET[sender] if isinstance(sender, str) else sender
    recipient = NET[recipient] if isinstance(recipient, str) else recipient
    written = change(letter(sender, recipient, sent_at=at))
    envelope = post(Ledger(sender), recipient, written, at)
    return Parcel(envelope, written, Address.parse(neighbour), passed)


def judge(
    coming: Parcel,
    trust: Trust | None = None,
    now: datetime = NOW + SECOND,
    known: dict[bytes, bytes] | None = None,
    around: Surroundings | None = None,
) -> Judgement:
    around = around or surroundings(trust)
    return judge_envelope(
        coming.envelope,
        coming.passed,
        coming.neighbour,
        around,
        ProofVerifier(around.trust, now),
        (known or {}).get,
        now,
    )


def assert_dropped(judgement: Judgement, problem: type[Problem]) -> None:
    assert isinstance(judgement, Drop)
    assert isinstance(judgement.problem, problem), judgement.problem
    assert isinstance(judgement.problem, NotAuthentic)


def assert_refused(judgement: Judgement, problem: type[Problem]) -> None:
    assert isinstance(judgement, Refuse)
    assert isinstance(judgement.problem, problem), judgement.problem


# Accepted and relayed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "neighbour"),
    [
        (TOWNSHIP, TOWNSHIP),
        (BRANCH, BRANCH),
        (CITY, CITY),
        (OTHER_TOWNSHIP, CITY),
        (PROVINCE, CITY),
    ],
)
def test_what_is_for_this_hall_is_accepted_and_opened(sender: str, neighbour: str) -> None:
    coming = parcel(sender, COUNTY, neighbour)
    judgement = judge(coming)
    assert isinstance(judgement, Accept)
    assert judgement.content.payload == coming.letter.payload
    assert judgement.header == read_header(coming.envelope.header)


@pytest.mark.parametrize(
    ("sender", "recipient", "neighbour", "way"),
    [
        (TOWNSHIP, CITY, TOWNSHIP, CITY),
        (TOWNSHIP, OTHER_TOWNSHIP, TOWNSHIP, CITY),
        (TOWNSHIP, BRANCH, TOWNSHIP, BRANCH),
        (BRANCH, PROVINCE, BRANCH, CITY),
        (CITY, TOWNSHIP, CITY, TOWNSHIP),
        (OTHER_COUNTY, BRANCH, CITY, BRANCH),
    ],
)
def test_what_is_for_another_hall_is_relayed_on_its_way(
    sender: str, recipient: str, neighbour: str, way: str
) -> None:
    judgement = judge(parcel(sender, recipient, neighbour))
    assert isinstance(judgement, Relay)
    assert judgement.neighbour == Address.parse(way)


def test_a_relay_needs_no_key_to_the_body() -> None:
    without_key = replace(surroundings(), sealing_keys={})
    judgement = judge(parcel(TOWNSHIP, CITY), around=without_key)
    assert isinstance(judgement, Relay)


# Dropped: not authentic ----------------------------------------------------------------------


def test_a_forged_signature_is_dropped() -> None:
    forger = Party(NET[TOWNSHIP].chain, made_from("stolen"), b"")
    assert_dropped(judge(parcel(forger)), SignatureInvalid)


def test_a_child_that_signs_in_the_name_of_its_sibling_is_dropped() -> None:
    """The branch hall seals an envelope as if it came from the township, over its own link."""
    as_sibling = parcel(BRANCH, CITY, BRANCH, change=lambda w: replace(w, sender=CHILD))
    assert_dropped(judge(as_sibling), WrongLink)


def test_a_hall_that_signs_in_the_name_of_one_below_it_is_dropped() -> None:
    """The city may certify the other county's township, but does not speak for it."""
    in_its_name = parcel(CITY, COUNTY, CITY, change=lambda w: replace(w, sender=Address("330127")))
    assert_dropped(judge(in_its_name), SpeaksForAnother)


def test_a_proof_from_the_journal_of_another_is_dropped() -> None:
    genuine, other = parcel(), parcel(BRANCH, COUNTY, BRANCH)
    crossed = replace(genuine, envelope=replace(genuine.envelope, proof=other.envelope.proof))
    assert_dropped(judge(crossed), SpeaksForAnother)


def test_a_head_in_the_name_of_another_is_dropped() -> None:
    """The township signs with its own key a head of what it says is the branch hall's journal."""
    genuine, journal = parcel(), Ledger(NET[TOWNSHIP])
    index = journal.add(EntryKind.SENT, genuine.envelope.header)
    proof = journal.proof(index, journal.head_in_the_name_of(NET[BRANCH]))
    lie = replace(genuine, envelope=replace(genuine.envelope, proof=proof))
    assert_dropped(judge(lie), SpeaksForAnother)


def test_a_header_that_is_not_in_the_journal_is_dropped() -> None:
    genuine = parcel()
    header = wire.Header.FromString(genuine.envelope.header)
    header.subject = "another case"
    forged = replace(genuine.envelope, header=header.SerializeToString())
    assert_dropped(judge(replace(genuine, envelope=forged)), ProofInvalid)


def test_what_was_only_relayed_is_not_taken_for_sent() -> None:
    """Whoever passes a header on has it in its journal too, but as relayed."""
    sender, recipient = NET[TOWNSHIP], NET[COUNTY]
    sealed = seal(letter(sender, recipient), key_for(recipient), bytes(32), bytes(12))
    journal = Ledger(sender)
    proof = journal.proof(journal.add(EntryKind.RELAYED, sealed.header))
    envelope = Envelope(sealed.header, sealed.body, proof)
    assert_dropped(judge(replace(parcel(), envelope=envelope)), ProofInvalid)


@pytest.mark.parametrize(
    ("sender", "recipient", "neighbour"),
    [
        # Up: a child brings what is not from its own area ...
        (BRANCH, COUNTY, TOWNSHIP),
        (CITY, COUNTY, TOWNSHIP),
        (OTHER_TOWNSHIP, COUNTY, TOWNSHIP),
        (COUNTY, CITY, TOWNSHIP),
        # ... or what should never have left it.
        (TOWNSHIP, TOWNSHIP, TOWNSHIP),
        # Down: the parent brings what is from inside our area ...
        (TOWNSHIP, COUNTY, CITY),
        (COUNTY, TOWNSHIP, CITY),
        (BRANCH, TOWNSHIP, CITY),
        # ... or what is not for it.
        (CITY, OTHER_COUNTY, CITY),
        (PROVINCE, CITY, CITY),
        # A hall that is no neighbour at all.
        (CITY, COUNTY, OTHER_COUNTY),
    ],
)
def test_what_comes_over_the_wrong_link_is_dropped(
    sender: str, recipient: str, neighbour: str
) -> None:
    judgement = judge(parcel(sender, recipient, neighbour))
    assert_dropped(judgement, WrongLink)
    assert isinstance(judgement, Drop)
    assert judgement.header is not None
    assert judgement.problem.particulars == {"neighbour": neighbour, "claimed": sender}


def test_a_damaged_body_is_dropped() -> None:
    genuine = parcel()
    for bit in range(0, 8 * len(genuine.envelope.sealed_body), 7):
        body = flipped(genuine.envelope.sealed_body, bit)
        damaged = replace(genuine, envelope=replace(genuine.envelope, sealed_body=body))
        assert_dropped(judge(damaged), BodyDamaged)


@given(st.data())
def test_a_body_that_was_cut_short_is_dropped(data: st.DataObject) -> None:
    genuine = parcel()
    cut = data.draw(st.integers(0, len(genuine.envelope.sealed_body) - 1))
    body = genuine.envelope.sealed_body[:cut]
    assert_dropped(
        judge(replace(genuine, envelope=replace(genuine.envelope, sealed_body=body))), BodyDamaged
    )


@given(st.data())
def test_a_header_that_was_changed_or_cut_short_is_dropped(data: st.DataObject) -> None:
    genuine = parcel()
    header = genuine.envelope.header
    at = data.draw(st.integers(0, 8 * len(header) - 1))
    for changed in (flipped(header, at), header[: at // 8]):
        judgement = judge(replace(genuine, envelope=replace(genuine.envelope, header=changed)))
        assert_dropped(judgement, NotAuthentic)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_bytes_that_are_no_envelope_are_dropped(header: bytes, body: bytes) -> None:
    genuine = parcel()
    envelope = Envelope(header, body, genuine.envelope.proof)
    assert_dropped(judge(replace(genuine, envelope=envelope)), NotAuthentic)


def test_a_malformed_header_is_dropped_with_what_was_wrong_with_it() -> None:
    genuine = parcel()
    header = wire.Header.FromString(genuine.envelope.header)
    header.ClearField("urgency")
    envelope = replace(genuine.envelope, header=header.SerializeToString())
    judgement = judge(replace(genuine, envelope=envelope))
    assert_dropped(judgement, ParcelMalformed)
    assert isinstance(judgement, Drop)
    assert judgement.header is None
    assert judgement.problem.particulars == {"detail": "MESSAGE_MALFORMED urgency"}


@pytest.mark.parametrize("part", ["header", "sealed_body"])
def test_what_exceeds_a_bound_is_dropped_before_it_is_read(part: str) -> None:
    bound = limits.HEADER_BYTES_MAX if part == "header" else limits.SEALED_BODY_BYTES_MAX
    genuine = parcel()
    at_bound = replace(genuine.envelope, **{part: bytes(bound)})  # type: ignore[arg-type]
    above = replace(genuine.envelope, **{part: bytes(bound + 1)})  # type: ignore[arg-type]
    judgement = judge(replace(genuine, envelope=above))
    assert_dropped(judgement, TooLarge)
    assert isinstance(judgement, Drop)
    assert judgement.header is None
    assert judgement.problem.particulars["limit"] == str(bound)
    at_bound_judgement = judge(replace(genuine, envelope=at_bound))
    assert isinstance(at_bound_judgement, Drop)
    assert not isinstance(at_bound_judgement.problem, TooLarge)


def test_the_largest_payload_fits_into_the_largest_body() -> None:
    largest = parcel(change=lambda w: replace(w, payload=bytes(limits.PAYLOAD_BYTES_MAX)))
    assert isinstance(judge(largest), Accept)
    assert limits.SEALED_BODY_BYTES_MAX <= limits.BATCH_BYTES_MAX


def test_a_sender_whose_certificate_is_not_known_is_dropped() -> None:
    trust = Trust([NET.root.certificate])
    assert_dropped(judge(parcel(), trust), CertificateUnknown)


def test_a_sender_that_may_not_exchange_is_dropped() -> None:
    limited = certify(NET[COUNTY], TOWNSHIP, label="limited", permissions=(Permission.RELEASE,))
    trust = NET.trust()
    trust.learn([limited.certificate])
    assert_dropped(judge(parcel(limited), trust), PermissionMissing)


@pytest.mark.parametrize(
    ("at", "problem"), [(NOW - SECOND, CertificateNotYetValid), (NOW + DAY, CertificateExpired)]
)
def test_what_was_signed_outside_the_validity_of_the_certificate_is_dropped(
    at: datetime, problem: type[Problem]
) -> None:
    short = certify(NET[COUNTY], TOWNSHIP, label="short", not_before=NOW, not_after=NOW + DAY)
    trust = NET.trust()
    trust.learn([short.certificate])
    assert_dropped(judge(parcel(short, at=at), trust, now=NOW + 2 * DAY), problem)


def test_what_was_signed_after_the_key_was_revoked_is_dropped() -> None:
    assert_dropped(judge(parcel(), revoked_at(NOW)), CertificateRevoked)


# Refused: authentic, but not allowed ---------------------------------------------------------


@pytest.mark.parametrize("recipient", [COUNTY, CITY])
def test_what_comes_after_its_end_is_refused_also_on_the_way(recipient: str) -> None:
    coming = parcel(TOWNSHIP, recipient)
    end = coming.letter.expires_at
    assert not isinstance(judge(coming, now=end - SECOND), Refuse)
    assert_refused(judge(coming, now=end), EnvelopeExpired)


@pytest.mark.parametrize(
    ("limit", "passed", "too_many"),
    [(3, 3, False), (3, 4, True), (0, 0, False), (0, 1, True), (200, 16, False), (200, 17, True)],
)
def test_what_passed_too_many_halls_is_refused(limit: int, passed: int, too_many: bool) -> None:
    coming = parcel(passed=passed, change=lambda w: replace(w, hop_limit=limit))
    if too_many:
        assert_refused(judge(coming), TooManyHops)
    else:
        assert isinstance(judge(coming), Accept)


@pytest.mark.parametrize("recipient", ["330110005", "330110-fangchan"])
def test_what_is_for_a_hall_below_that_did_not_join_is_refused(recipient: str) -> None:
    absent = certify(NET[COUNTY], recipient)
    assert_refused(judge(parcel(CITY, absent, CITY)), RecipientUnknown)


@pytest.mark.parametrize("recipient", ["330199001", "999999"])
def test_what_is_for_a_division_that_is_not_registered_is_refused(recipient: str) -> None:
    nobody = parcel(TOWNSHIP, CITY, change=lambda w: replace(w, recipient=Address(recipient)))
    assert_refused(judge(nobody), RecipientUnknown)


def test_above_the_top_of_the_network_nobody_is_known() -> None:
    top = replace(surroundings(), here=Address(PROVINCE), parent=None, children={PARENT})
    beyond = parcel(TOWNSHIP, CITY, CITY, change=lambda w: replace(w, recipient=Address("34")))
    assert_refused(judge(beyond, around=top), RecipientUnknown)


@pytest.mark.parametrize(
    ("ahead", "refused"),
    [(timedelta(0), False), (limits.CLOCK_SKEW_MAX, False), (limits.CLOCK_SKEW_MAX + SECOND, True)],
)
def test_a_sender_whose_clock_runs_too_far_ahead_is_refused(
    ahead: timedelta, refused: bool
) -> None:
    coming = parcel(at=NOW + ahead)
    judgement = judge(coming, now=NOW)
    if refused:
        assert_refused(judgement, ClockAhead)
        assert isinstance(judgement, Refuse)
        assert judgement.problem.particulars == {"seconds": str(int(ahead.total_seconds()))}
    else:
        assert isinstance(judgement, Accept)


def test_what_was_sealed_to_a_key_that_nobody_holds_is_refused() -> None:
    """The sender has to hear that it did not arrive."""
    other = certify(NET[CITY], COUNTY, label="another county")
    assert_refused(judge(parcel(TOWNSHIP, other)), SealedToUnknownKey)


def test_what_was_sealed_to_an_older_key_of_the_hall_is_opened() -> None:
    old = certify(NET[CITY], COUNTY, label="an older county")
    keys = {**surroundings().sealing_keys, old.certificate.id: old.sealing_key}
    around = replace(surroundings(), sealing_keys=keys)
    assert isinstance(judge(parcel(TOWNSHIP, old), around=around), Accept)


def test_what_was_sealed_to_a_certificate_that_the_hall_does_not_know_yet_is_opened() -> None:
    """Others may have its new certificate before the hall itself."""
    new = certify(NET[CITY], COUNTY, label="a newer county")
    waiting = (made_from("another key that waits"), new.sealing_key)
    around = replace(surroundings(), waiting_keys=waiting)
    assert isinstance(judge(parcel(TOWNSHIP, new), around=around), Accept)


def test_a_body_that_is_not_as_its_key_says_is_refused() -> None:
    wrong = {NET[COUNTY].certificate.id: made_from("wrong key")}
    around = replace(surroundings(), sealing_keys=wrong)
    assert_refused(judge(parcel(), around=around), ContentNotAsCommitted)


# Held: valid once ----------------------------------------------------------------------------


def revoked_at(moment: datetime, hall: str = TOWNSHIP) -> Trust:
    trust = NET.trust()
    trust.take_bundle(
        wire_certificate.TrustBundle(
            revocations=[revocation(NET.root, NET[hall], moment).to_message()],
            soft_expires_at=to_timestamp(ENDS),
            hard_expires_at=to_timestamp(ENDS),
        ),
        1,
    )
    return trust


@pytest.mark.parametrize("hall", [TOWNSHIP, COUNTY, CITY])
def test_what_was_signed_before_the_key_was_revoked_is_held(hall: str) -> None:
    judgement = judge(parcel(), revoked_at(NOW + SECOND, hall), now=NOW + DAY)
    assert isinstance(judgement, Hold)
    assert isinstance(judgement.problem, CertificateRevoked)


def test_what_was_signed_by_a_certificate_that_ended_since_is_held() -> None:
    short = certify(NET[COUNTY], TOWNSHIP, label="short", not_after=NOW + DAY)
    trust = NET.trust()
    trust.learn([short.certificate])
    coming = parcel(short)
    assert isinstance(judge(coming, trust, now=NOW + DAY - SECOND), Accept)
    judgement = judge(coming, trust, now=NOW + DAY)
    assert isinstance(judgement, Hold)
    assert isinstance(judgement.problem, CertificateExpired)


def test_what_is_only_passed_on_is_left_for_the_recipient_to_hold() -> None:
    coming = parcel(TOWNSHIP, CITY)
    assert isinstance(judge(coming, revoked_at(NOW + SECOND), now=NOW + DAY), Relay)


# Repeated ------------------------------------------------------------------------------------


def known(coming: Parcel, header: bytes | None = None) -> dict[bytes, bytes]:
    return {coming.letter.envelope_id: SUITE.digest(header or coming.envelope.header)}


@pytest.mark.parametrize("recipient", [COUNTY, CITY])
@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=59), timedelta(days=400)])
def test_the_same_envelope_again_is_a_repetition_however_late(
    recipient: str, age: timedelta
) -> None:
    coming = parcel(TOWNSHIP, recipient)
    judgement = judge(coming, now=NOW + age, known=known(coming))
    assert isinstance(judgement, Repeat)
    assert judgement.header.envelope_id == coming.letter.envelope_id


def test_the_same_envelope_with_a_newer_proof_is_a_repetition() -> None:
    sender, recipient = Ledger(NET[TOWNSHIP]), NET[COUNTY]
    written = letter(NET[TOWNSHIP], recipient)
    first = post(sender, recipient, written)
    sender.add(EntryKind.SENT, b"something since")
    again = replace(first, proof=sender.proof(0, sender.head(NOW + DAY)))
    assert again.proof != first.proof
    coming = Parcel(again, written)
    assert isinstance(judge(coming, now=NOW + DAY, known=known(coming)), Repeat)


def test_the_same_id_with_other_content_is_dropped_as_evidence() -> None:
    first = parcel()
    other = parcel(change=lambda w: replace(w, payload=b"another payload"))
    assert other.letter.envelope_id == first.letter.envelope_id
    judgement = judge(other, known=known(first))
    assert_dropped(judgement, EnvelopeIdReused)
    assert isinstance(judgement, Drop)
    assert judgement.header is not None


def test_a_repetition_is_believed_no_more_easily_than_the_first() -> None:
    genuine = parcel()
    body = genuine.envelope.sealed_body[:-1]
    damaged = replace(genuine, envelope=replace(genuine.envelope, sealed_body=body))
    assert_dropped(judge(damaged, known=known(genuine)), BodyDamaged)
    forger = Party(NET[TOWNSHIP].chain, made_from("stolen"), b"")
    forged = parcel(forger)
    assert_dropped(judge(forged, known=known(forged)), SignatureInvalid)
    wrong_link = replace(genuine, neighbour=Address.parse(BRANCH))
    assert_dropped(judge(wrong_link, known=known(genuine)), WrongLink)


# Receipts ------------------------------------------------------------------------------------


def judge_verdict(
    receipt: Receipt, neighbour: str, trust: Trust | None = None, now: datetime = NOW + DAY
) -> None:
    around = surroundings(trust)
    judge_receipt(receipt, Address.parse(neighbour), around, ProofVerifier(around.trust, now))


def verdict_of(issuer: Party | str, sender: str, verdict: Verdict = Verdict.ACCEPTED) -> Receipt:
    issuer = NET[issuer] if isinstance(issuer, str) else issuer
    written = letter(NET[sender], issuer)
    envelope = post(Ledger(NET[sender]), issuer, written)
    return acknowledge(Ledger(issuer), receipt_body(envelope, written, issuer, verdict))


@pytest.mark.parametrize(
    ("issuer", "sender", "neighbour"),
    [
        (TOWNSHIP, COUNTY, TOWNSHIP),
        (TOWNSHIP, CITY, TOWNSHIP),
        (CITY, COUNTY, CITY),
        (OTHER_TOWNSHIP, TOWNSHIP, CITY),
        (BRANCH, TOWNSHIP, BRANCH),
    ],
)
def test_a_receipt_is_believed_over_the_link_of_its_issuer(
    issuer: str, sender: str, neighbour: str
) -> None:
    around = surroundings()
    receipt = verdict_of(issuer, sender)
    body = judge_receipt(
        receipt, Address.parse(neighbour), around, ProofVerifier(around.trust, NOW + DAY)
    )
    assert str(body.issuer) == issuer
    assert str(body.sender) == sender


@pytest.mark.parametrize(
    ("issuer", "sender", "neighbour"),
    [
        (BRANCH, COUNTY, TOWNSHIP),
        (CITY, COUNTY, TOWNSHIP),
        (TOWNSHIP, COUNTY, CITY),
        (CITY, OTHER_COUNTY, CITY),
        (TOWNSHIP, TOWNSHIP, TOWNSHIP),
    ],
)
def test_a_receipt_over_the_wrong_link_is_dropped(issuer: str, sender: str, neighbour: str) -> None:
    with pytest.raises(WrongLink):
        judge_verdict(verdict_of(issuer, sender), neighbour)


def test_a_forged_receipt_is_dropped() -> None:
    genuine = verdict_of(TOWNSHIP, COUNTY)
    forger = Party(NET[TOWNSHIP].chain, made_from("stolen"), b"")
    with pytest.raises(SignatureInvalid):
        judge_verdict(verdict_of(forger, COUNTY), TOWNSHIP)
    for bit in range(8 * len(genuine.body)):
        with pytest.raises(NotAuthentic):
            judge_verdict(replace(genuine, body=flipped(genuine.body, bit)), TOWNSHIP)
    proof = genuine.proof
    elsewhere = Proof(proof.leaf_index, (made_from("hash"),), proof.checkpoint)
    with pytest.raises(ProofInvalid):
        judge_verdict(replace(genuine, proof=elsewhere), TOWNSHIP)


def test_a_receipt_in_the_name_of_another_hall_is_dropped() -> None:
    """The township has the body of the branch hall's receipt in its own journal."""
    body = verdict_of(OTHER_TOWNSHIP, COUNTY).body
    journal = Ledger(NET[CITY])
    receipt = Receipt(body, journal.proof(journal.add(EntryKind.RECEIVED, body)))
    with pytest.raises(SpeaksForAnother):
        judge_verdict(receipt, CITY)


def test_a_receipt_that_was_only_passed_on_is_none() -> None:
    body = verdict_of(TOWNSHIP, COUNTY).body
    journal = Ledger(NET[TOWNSHIP])
    receipt = Receipt(body, journal.proof(journal.add(EntryKind.RELAYED, body)))
    with pytest.raises(ProofInvalid):
        judge_verdict(receipt, TOWNSHIP)


@given(st.binary(max_size=100))
def test_bytes_that_are_no_receipt_are_dropped(body: bytes) -> None:
    proof = verdict_of(TOWNSHIP, COUNTY).proof
    with pytest.raises(NotAuthentic):
        judge_verdict(Receipt(body, proof), TOWNSHIP)


# Checkpoints of a batch ----------------------------------------------------------------------


def test_a_checkpoint_is_verified_once_for_a_batch() -> None:
    trust = NET.trust()
    verifier = ProofVerifier(trust, NOW)
    head = parcel().envelope.proof.checkpoint
    assert verifier.signer(head) is verifier.signer(head)
    assert verifier.signer(head) == NET[TOWNSHIP].certificate


def test_a_checkpoint_that_is_not_believed_is_not_believed_the_second_time() -> None:
    verifier = ProofVerifier(NET.trust(), NOW)
    forger = Party(NET[TOWNSHIP].chain, made_from("stolen"), b"")
    head = parcel(forger).envelope.proof.checkpoint
    for _ in range(2):
        with pytest.raises(SignatureInvalid):
            verifier.signer(head)


def test_a_forged_twin_of_a_checkpoint_neither_helps_nor_harms_it() -> None:
    """Two parcels of a batch may name the same head, one of them with a forged signature."""
    genuine = parcel().envelope.proof.checkpoint
    forged = replace(genuine, signature=made_from("forged", 64))
    for first, second in ((genuine, forged), (forged, genuine)):
        verifier = ProofVerifier(NET.trust(), NOW)
        for head in (first, second):
            if head is genuine:
                assert verifier.signer(head) == NET[TOWNSHIP].certificate
            else:
                with pytest.raises(SignatureInvalid):
                    verifier.signer(head)
