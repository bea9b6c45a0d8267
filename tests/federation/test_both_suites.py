"""All that is signed and sealed, in a network of suite 2 alone and in networks of both suites.

The halls of a mixed network have the suites in turn: whoever speaks to a neighbour speaks to the other suite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import (
    CITY,
    COUNTY,
    DAY,
    MIXED,
    MIXED_THE_OTHER_WAY,
    NOW,
    ONLY_2,
    PROVINCE,
    SECOND,
    TOWNSHIP,
    Ledger,
    Network,
    Party,
    acknowledge,
    body_for,
    certify,
    flipped,
    found_root,
    letter,
    network,
    post,
    private_key,
    receipt_body,
    revocation,
)

from hallnet.codec.moments import to_timestamp
from hallnet.federation.admission import (
    Accept,
    Drop,
    Judgement,
    ProofVerifier,
    Refuse,
    Surroundings,
    judge_envelope,
    judge_receipt,
)
from hallnet.places import Address, divisions
from hallnet.problems import Problem
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import (
    RequestBody,
    issue,
    make_request,
    read_certificate,
    read_request,
    verify_under,
)
from hallnet.trust.envelope import Envelope, read_header
from hallnet.trust.evidence import Checkpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import (
    NotAuthentic,
    SignatureInvalid,
    SuiteMismatched,
    SuiteNotAllowed,
    SuiteUnsupported,
)
from hallnet.trust.receipt import RECEIPT, Receipt
from hallnet.trust.release import RELEASE, ReleaseBody, ReleaseKind, sign_release, verify_release
from hallnet.trust.revocation import read_revocation, verify_revocation
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.trust.witness import Finding, compare, cosign, is_cosigned
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire

NETWORKS = {
    "of suite 2": ONLY_2,
    "mixed": MIXED,
    "mixed the other way": MIXED_THE_OTHER_WAY,
}
IN_ALL = pytest.mark.parametrize("suites", NETWORKS.values(), ids=NETWORKS.keys())
Suites = tuple[Suite, ...]


@cache
def sent(suites: Suites) -> tuple[Envelope, Receipt]:
    """An envelope of a township to its county, and the county's receipt."""
    net = network(suites)
    written = letter(net[TOWNSHIP], net[COUNTY])
    envelope = post(Ledger(net[TOWNSHIP]), net[COUNTY], written)
    return envelope, acknowledge(Ledger(net[COUNTY]), receipt_body(envelope, written, net[COUNTY]))


def at(
    net: Network, here: str, parent: str, child: str, trust: Trust | None = None
) -> Surroundings:
    return Surroundings(
        Address.parse(here),
        Address.parse(parent),
        frozenset({Address.parse(child)}),
        divisions(),
        trust or net.trust(),
        {net[here].certificate.id: net[here].sealing_key},
    )


def judged(suites: Suites, envelope: Envelope, trust: Trust | None = None) -> Judgement:
    around = at(network(suites), COUNTY, CITY, TOWNSHIP, trust)
    checkpoints = ProofVerifier(around.trust, NOW)
    neighbour = Address(TOWNSHIP)
    return judge_envelope(envelope, 0, neighbour, around, checkpoints, lambda id: None, NOW)


def read(suites: Suites, receipt: Receipt, trust: Trust | None = None) -> object:
    around = at(network(suites), TOWNSHIP, COUNTY, TOWNSHIP, trust)
    return judge_receipt(
        receipt, Address(COUNTY), around, ProofVerifier(around.trust, NOW + SECOND)
    )


@IN_ALL
def test_an_envelope_and_its_receipt_go_between_halls_of_any_suites(suites: Suites) -> None:
    envelope, receipt = sent(suites)
    judgement = judged(suites, envelope)
    assert isinstance(judgement, Accept)
    assert judgement.content.payload == b"payload"
    assert read(suites, receipt) == RECEIPT.from_bytes(receipt.body)


@IN_ALL
def test_each_part_is_made_in_the_suite_of_whose_it_is(suites: Suites) -> None:
    net, (envelope, receipt) = network(suites), sent(suites)
    assert read_header(envelope.header).suite is net[COUNTY].suite
    assert envelope.proof.checkpoint.checkpoint.suite is net[TOWNSHIP].suite
    assert RECEIPT.from_bytes(receipt.body).suite is net[COUNTY].suite


@IN_ALL
@given(data=st.data())
def test_no_bit_of_an_envelope_or_its_proof_can_be_changed(
    suites: Suites, data: st.DataObject
) -> None:
    envelope, _ = sent(suites)
    head = envelope.proof.checkpoint
    changes: dict[str, tuple[bytes, Callable[[bytes], Envelope]]] = {
        "header": (envelope.header, lambda b: replace(envelope, header=b)),
        "body": (envelope.sealed_body, lambda b: replace(envelope, sealed_body=b)),
        "signature": (
            head.signature,
            lambda b: replace(
                envelope,
                proof=replace(envelope.proof, checkpoint=replace(head, signature=b)),
            ),
        ),
    }
    original, changed = changes[data.draw(st.sampled_from(sorted(changes)))]
    bit = data.draw(st.integers(0, 8 * len(original) - 1))
    judgement = judged(suites, changed(flipped(original, bit)))
    assert isinstance(judgement, Drop)


@IN_ALL
@given(data=st.data())
def test_no_bit_of_a_receipt_can_be_changed(suites: Suites, data: st.DataObject) -> None:
    _, receipt = sent(suites)
    bit = data.draw(st.integers(0, 8 * len(receipt.body) - 1))
    with pytest.raises(NotAuthentic):
        read(suites, replace(receipt, body=flipped(receipt.body, bit)))


@IN_ALL
@given(data=st.data())
def test_no_bit_of_a_certificate_can_be_changed(suites: Suites, data: st.DataObject) -> None:
    net = network(suites)
    for issuer, subject in ((net.root, PROVINCE), (net[PROVINCE], CITY), (net[CITY], COUNTY)):
        message = net[subject].certificate.to_message()
        verify_under(read_certificate(message), issuer.certificate)
        name = data.draw(st.sampled_from(["body", "signature"]))
        original = getattr(message, name)
        bit = data.draw(st.integers(0, 8 * len(original) - 1))
        setattr(message, name, flipped(original, bit))
        with pytest.raises(Problem):
            verify_under(read_certificate(message), issuer.certificate)


@pytest.mark.parametrize("suite", list(Suite))
@given(data=st.data())
def test_no_bit_of_a_request_can_be_changed(suite: Suite, data: st.DataObject) -> None:
    keys = algorithms(suite)
    signing, sealing = private_key("asked", suite), private_key("asked to seal", suite)
    public, opened_by = keys.signing_public(signing), keys.sealing_public(sealing)
    body = RequestBody(
        suite, Address(TOWNSHIP), "hall", public, opened_by, b"link", NOW, suites=(1, 2)
    )
    message = make_request(body, signing)
    assert read_request(message) == body
    name = data.draw(st.sampled_from(["body", "signature"]))
    original = getattr(message, name)
    bit = data.draw(st.integers(0, 8 * len(original) - 1))
    setattr(message, name, flipped(original, bit))
    with pytest.raises(Problem):
        read_request(message)


@IN_ALL
@given(data=st.data())
def test_no_bit_of_a_release_or_a_revocation_can_be_changed(
    suites: Suites, data: st.DataObject
) -> None:
    net = network(suites)
    author = net[PROVINCE]
    body = ReleaseBody(
        author.suite, ReleaseKind.CATALOGUE, author.address, 1, NOW, NOW, b"content", ""
    )
    message = sign_release(body, author.signing_key, list(author.chain[:-1]))
    assert verify_release(message, net.trust(), Address(COUNTY), NOW) == body
    message.body = flipped(message.body, data.draw(st.integers(0, 8 * len(message.body) - 1)))
    with pytest.raises(Problem):
        verify_release(message, net.trust(), Address(COUNTY), NOW)
    ending = revocation(net[CITY], net[COUNTY], NOW).to_message()
    verify_revocation(read_revocation(ending), net[CITY].certificate)
    ending.body = flipped(ending.body, data.draw(st.integers(0, 8 * len(ending.body) - 1)))
    with pytest.raises(Problem):
        verify_revocation(read_revocation(ending), net[CITY].certificate)


@IN_ALL
@given(data=st.data())
def test_no_bit_of_a_head_or_its_cosignature_can_be_changed(
    suites: Suites, data: st.DataObject
) -> None:
    net = network(suites)
    head = sent(suites)[0].proof.checkpoint
    word = cosign(head, net[COUNTY].certificate, net[COUNTY].signing_key, NOW)
    assert is_cosigned(head, word, net[COUNTY].certificate)
    bit = data.draw(st.integers(0, 8 * 64 - 1))
    forged = replace(word, signature=flipped(word.signature, bit))
    assert not is_cosigned(head, forged, net[COUNTY].certificate)
    note = flipped(head.note, data.draw(st.integers(0, 8 * len(head.note) - 1)))
    assert not is_cosigned(replace(head, note=note), word, net[COUNTY].certificate)


@pytest.mark.parametrize("suite", list(Suite))
def test_a_head_says_the_suite_of_its_journal_and_has_one_form(suite: Suite) -> None:
    head = Checkpoint(Address(COUNTY), 1, 5, b"r" * 32, NOW, suite)
    assert Checkpoint.from_note(head.note()) == head
    assert (b"suite 2" in head.note()) is (suite is Suite.SM2)
    for line in (
        b"suite 1\n",
        b"suite 02\n",
        b"suite 3\n",
        b"suite\n",
        b"\n",
        b"suite 2\nsuite 2\n",
    ):
        with pytest.raises(Problem):
            Checkpoint.from_note(Checkpoint(Address(COUNTY), 1, 5, b"r" * 32, NOW).note() + line)


def test_a_journal_that_changes_its_hashes_has_another_past() -> None:
    seen = Checkpoint(Address(COUNTY), 1, 5, b"r" * 32, NOW)
    for size in (5, 6):
        head = replace(seen, size=size, suite=Suite.SM2, at=NOW + SECOND)
        assert compare(seen, head, 5, ()) is Finding.FORKED


# Which suite counts, and that nobody can have a weaker one used.


def bundle_allowing(*suites: int) -> wire.TrustBundle:
    return wire.TrustBundle(
        suites=suites,  # type: ignore[arg-type]
        soft_expires_at=to_timestamp(NOW + DAY),
        hard_expires_at=to_timestamp(NOW + 2 * DAY),
    )


def mixed_trust(*suites: int) -> Trust:
    """What a hall believes that is told that the network uses these suites from now on."""
    trust = network(MIXED).trust()
    trust.take_bundle(bundle_allowing(*suites), 7)
    return trust


def test_before_a_trust_bundle_the_root_says_which_suites_may_be_used() -> None:
    assert Trust([found_root().certificate]).suites == {Suite.ED25519}
    assert Trust([found_root(suite=Suite.SM2).certificate]).suites == {Suite.SM2}
    assert Trust([found_root(allowed=(1, 2, 77)).certificate]).suites == set(Suite)


def test_what_the_network_does_not_allow_any_more_is_dropped_whatever_its_date() -> None:
    envelope, receipt = sent(MIXED)
    assert isinstance(judged(MIXED, envelope, mixed_trust(1, 2)), Accept)
    for allowed in (1, 2):
        judgement = judged(MIXED, envelope, mixed_trust(allowed))
        assert isinstance(judgement, Drop)
        assert judgement.problem.reason == SuiteNotAllowed.reason
        with pytest.raises(SuiteNotAllowed):
            read(MIXED, receipt, mixed_trust(allowed))


def test_an_older_bundle_brings_no_suite_back() -> None:
    trust = mixed_trust(2)
    trust.take_bundle(bundle_allowing(1, 2), 6)
    assert trust.suites == {Suite.SM2}
    trust.take_bundle(bundle_allowing(1, 2), 8)
    assert trust.suites == set(Suite)


def two_certificates(newer: Suite) -> tuple[Trust, dict[Suite, Party]]:
    """A county that has a certificate of each suite under a root that allows both."""
    root = found_root(allowed=(1, 2))
    province = certify(root, PROVINCE)
    city = certify(province, CITY)
    counties = {
        suite: certify(
            city,
            COUNTY,
            suite=suite,
            label=f"county {suite}",
            not_before=NOW - (DAY if suite is newer else 2 * DAY),
        )
        for suite in Suite
    }
    trust = Trust([root.certificate])
    trust.learn(
        [province.certificate, city.certificate, *(c.certificate for c in counties.values())]
    )
    return trust, counties


@pytest.mark.parametrize("newer", list(Suite))
def test_a_hall_is_sealed_to_in_the_best_suite_that_it_has_and_the_network_allows(
    newer: Suite,
) -> None:
    trust, counties = two_certificates(newer)
    assert trust.hall(Address(COUNTY), NOW) == counties[Suite.SM2].certificate
    trust.take_bundle(bundle_allowing(1), 1)
    assert trust.hall(Address(COUNTY), NOW) == counties[Suite.ED25519].certificate
    assert trust.halls()[Address(COUNTY)] == counties[newer].certificate


def test_a_hall_whose_better_certificate_is_revoked_is_sealed_to_in_the_other_suite() -> None:
    trust, counties = two_certificates(Suite.SM2)
    city = next(c for c in trust.chain(counties[Suite.SM2].certificate) if c.body.subject == CITY)
    holder = certify(certify(found_root(allowed=(1, 2)), PROVINCE), CITY)
    assert holder.certificate == city
    assert trust.take_revocations([revocation(holder, counties[Suite.SM2], NOW)])
    assert trust.hall(Address(COUNTY), NOW + SECOND) == counties[Suite.ED25519].certificate


def test_nothing_is_sealed_to_a_hall_that_has_no_suite_of_the_network() -> None:
    with pytest.raises(SuiteNotAllowed):
        mixed_trust(1).hall(Address(COUNTY), NOW)


def test_a_sender_sees_that_a_recipient_cannot_verify_its_suite() -> None:
    old = certify(found_root(), PROVINCE, suites=())
    old.certificate.require_understands(Suite.ED25519)
    with pytest.raises(SuiteUnsupported):
        old.certificate.require_understands(Suite.SM2)


def test_the_suites_that_a_certificate_declares_cannot_be_taken_from_it_on_the_way() -> None:
    """A downgrade: the county is made to look as if it had suite 1 alone."""
    net = network(ONLY_2)
    message = net[COUNTY].certificate.to_message()
    body = wire.CertificateBody.FromString(message.body)
    assert list(body.suites) == [1, 2]
    del body.suites[:]
    body.suites.append(1)
    message.body = body.SerializeToString(deterministic=True)
    with pytest.raises(SignatureInvalid):
        verify_under(read_certificate(message), net[CITY].certificate)


def test_a_certificate_of_suite_1_counts_for_nothing_where_suite_2_alone_is_allowed() -> None:
    """Even one that a hall of suite 2 issued: whoever can forge Ed25519 gains nothing by it."""
    net = network(ONLY_2)
    weak = certify(net[CITY], COUNTY, suite=Suite.ED25519, label="weak")
    trust = net.trust()
    trust.learn([weak.certificate])
    for signed_at in (NOW, NOW - DAY):
        with pytest.raises(SuiteNotAllowed):
            trust.signer(weak.certificate.id, signed_at, NOW)
    assert trust.hall(Address(COUNTY), NOW) == net[COUNTY].certificate


def test_an_issuer_signs_in_its_own_suite_and_in_no_other() -> None:
    """A forger of Ed25519 cannot use the key of an issuer that has suite 2."""
    net = network(ONLY_2)
    body = body_for(COUNTY, net[CITY], suite=Suite.ED25519, label="weak")
    forged = issue(body, private_key("forger"), Suite.ED25519)
    with pytest.raises(SignatureInvalid):
        verify_under(forged, net[CITY].certificate)


def test_a_header_that_names_another_suite_than_its_seal_opens_nothing() -> None:
    """The sender itself lies: it holds its key and its journal."""
    envelope, _ = sent(ONLY_2)
    message = wire_envelope.Header.FromString(envelope.header)
    message.suite = int(Suite.ED25519)  # type: ignore[assignment]
    message.sealed_digest = algorithms(Suite.ED25519).digest(envelope.sealed_body)
    raw = message.SerializeToString(deterministic=True)
    ledger = Ledger(network(ONLY_2)[TOWNSHIP])
    lie = Envelope(raw, envelope.sealed_body, ledger.proof(ledger.add(EntryKind.SENT, raw)))
    dropped = judged(ONLY_2, lie)
    assert isinstance(dropped, Drop)
    assert dropped.problem.reason == SuiteNotAllowed.reason
    trust = network(ONLY_2).trust()
    trust.take_bundle(bundle_allowing(1, 2), 1)
    assert isinstance(judged(ONLY_2, lie, trust), Refuse)


OTHER = {Suite.ED25519: Suite.SM2, Suite.SM2: Suite.ED25519}


@IN_ALL
def test_a_statement_that_names_another_suite_than_its_signer_has_is_refused(
    suites: Suites,
) -> None:
    net = network(suites)
    author, city, county = net[PROVINCE], net[CITY], net[COUNTY]

    def signed(who: Party, text: bytes) -> bytes:
        return algorithms(who.suite).sign(who.signing_key, text)

    raw = RELEASE.to_bytes(
        ReleaseBody(
            OTHER[author.suite], ReleaseKind.CATALOGUE, author.address, 1, NOW, NOW, b"content", ""
        )
    )
    release = wire_release.SignedRelease(
        body=raw,
        signature=signed(author, b"hallnet release v1\n" + raw),
        chain=[item.to_message() for item in author.chain[:-1]],
    )
    with pytest.raises(SuiteMismatched):
        verify_release(release, net.trust(), Address(COUNTY), NOW)
    ending = wire.RevocationBody.FromString(revocation(city, county, NOW).raw)
    ending.suite = int(OTHER[city.suite])  # type: ignore[assignment]
    raw = ending.SerializeToString(deterministic=True)
    forged = wire.Revocation(
        body=raw,
        signature=signed(city, b"hallnet revocation v1\n" + raw),
        signer_id=city.certificate.id,
    )
    with pytest.raises(SuiteMismatched):
        verify_revocation(read_revocation(forged), city.certificate)
    said = RECEIPT.from_bytes(sent(suites)[1].body)
    receipt = acknowledge(Ledger(county), replace(said, suite=OTHER[said.suite]))
    with pytest.raises(SuiteMismatched):
        read(suites, receipt)
