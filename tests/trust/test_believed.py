"""What a node believes: only what leads to a root, only while it is valid, and only forward."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.trust.builders import (
    BRANCH,
    CITY,
    COUNTY,
    DAY,
    ENDS,
    FOUNDED,
    NOW,
    OTHER_COUNTY,
    PROVINCE,
    SECOND,
    TOWNSHIP,
    Party,
    certificates,
    certify,
    found_root,
    made_from,
    network,
    revocation,
)

from hallnet.codec.moments import to_timestamp
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust import believed
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Certificate, issue
from hallnet.trust.problems import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRevoked,
    CertificateUnknown,
    IssuerNotAbove,
    NotAuthentic,
    SignatureInvalid,
)
from hallnet.trust.revocation import Revocation
from hallnet.wire.trust.v1 import certificate_pb2 as wire

NET = network()
COUNTY_CERTIFICATE = NET[COUNTY].certificate


def bundle(
    *certificates: Certificate,
    revocations: tuple[Revocation, ...] = (),
    soft: datetime = NOW + 30 * DAY,
    hard: datetime = NOW + 90 * DAY,
    suites: tuple[int, ...] = (1,),
) -> wire.TrustBundle:
    return wire.TrustBundle(
        certificates=[item.to_message() for item in certificates],
        revocations=[item.to_message() for item in revocations],
        suites=suites,  # type: ignore[arg-type]
        soft_expires_at=to_timestamp(soft),
        hard_expires_at=to_timestamp(hard),
    )


def revoked(party: Party, at: datetime) -> Revocation:
    return revocation(NET.root, party, at)


def test_what_leads_to_a_root_is_believed() -> None:
    trust = NET.trust()
    for address, party in NET.halls.items():
        assert trust.knows(party.certificate.id)
        assert trust.signer(party.certificate.id, NOW, NOW) == party.certificate
        assert trust.hall(Address.parse(address), NOW) == party.certificate
        assert tuple(trust.chain(party.certificate)) == party.chain
        assert tuple(trust.chain_of(party.certificate.id)) == party.chain
    assert trust.halls().keys() == {Address.parse(address) for address in NET.halls}
    assert trust.roots == [NET.root.certificate]


def test_a_chain_is_learned_in_any_order() -> None:
    trust = Trust([NET.root.certificate])
    trust.learn(reversed(certificates(NET.halls.values())))
    assert trust.halls() == NET.trust().halls()


def test_a_township_alone_is_not_believed_without_those_above_it() -> None:
    trust = Trust([NET.root.certificate])
    with pytest.raises(CertificateUnknown):
        trust.learn([NET[TOWNSHIP].certificate])
    assert trust.halls() == {}


def test_a_root_that_did_not_sign_itself_is_not_taken() -> None:
    forged = issue(NET.root.certificate.body, made_from("an imposter's key"))
    with pytest.raises(SignatureInvalid):
        Trust([forged])
    with pytest.raises(CertificateUnknown):
        Trust([COUNTY_CERTIFICATE])


def test_a_root_that_was_not_given_by_hand_is_not_believed() -> None:
    other_root = found_root(label="another root")
    province = certify(other_root, PROVINCE, label="another province")
    trust = NET.trust()
    with pytest.raises(CertificateUnknown):
        trust.learn([other_root.certificate, province.certificate])
    with pytest.raises(CertificateUnknown):
        trust.take_bundle(bundle(other_root.certificate, province.certificate), 1)
    assert not trust.knows(other_root.certificate.id)
    assert not trust.knows(province.certificate.id)


FORGED = {
    "upward": certify(NET[COUNTY], CITY, label="forged"),
    "sideways": certify(NET[COUNTY], OTHER_COUNTY, label="forged"),
    "itself": certify(NET[COUNTY], COUNTY, label="forged"),
    "by a branch hall": certify(NET[BRANCH], "330110-fangchan", label="forged"),
    "under a forged one": certify(
        certify(NET[COUNTY], OTHER_COUNTY, label="forged"), "330424001", label="forged below"
    ),
    "with another key": certify(
        Party(NET[CITY].chain, made_from("stolen"), b""), COUNTY, label="forged"
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_one_forged_link_and_nothing_of_the_chain_is_believed(how: str) -> None:
    trust = NET.trust()
    before = trust.halls()
    chain = [item for item in FORGED[how].chain if not trust.knows(item.id)]
    with pytest.raises(NotAuthentic):
        trust.learn(chain)
    assert trust.learn_what_leads_to_a_root(chain) == []
    assert trust.halls() == before
    assert not any(trust.knows(item.id) for item in chain)


def test_no_more_certificates_are_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(believed, "CERTIFICATES_MAX", len(NET.halls))
    trust = NET.trust()
    trust.learn(certificates(NET.halls.values()))
    one_more = certify(NET[PROVINCE], "3305").certificate
    for learn in (trust.learn, trust.learn_what_leads_to_a_root):
        with pytest.raises(CertificateUnknown):
            learn([one_more])
    assert not trust.knows(one_more.id)


def test_what_is_forged_is_passed_over_and_the_rest_is_taken() -> None:
    trust = Trust([NET.root.certificate])
    offered = [*certificates(NET.halls.values()), *certificates(FORGED.values())]
    taken = trust.learn_what_leads_to_a_root(offered)
    assert {item.id for item in taken} == {party.certificate.id for party in NET.halls.values()}
    assert trust.learn_what_leads_to_a_root(offered) == []


@pytest.mark.parametrize(
    ("signed_at", "problem"),
    [
        (FOUNDED - SECOND, CertificateNotYetValid),
        (FOUNDED, None),
        (ENDS - SECOND, None),
        (ENDS, CertificateExpired),
    ],
)
def test_a_signer_is_believed_for_what_it_signed_while_it_was_valid(
    signed_at: datetime, problem: type[Problem] | None
) -> None:
    trust, later = NET.trust(), ENDS + 365 * DAY
    if problem is None:
        assert trust.signer(COUNTY_CERTIFICATE.id, signed_at, later) == COUNTY_CERTIFICATE
    else:
        with pytest.raises(problem):
            trust.signer(COUNTY_CERTIFICATE.id, signed_at, later)


@pytest.mark.parametrize("expires_first", [PROVINCE, CITY, COUNTY])
def test_the_whole_chain_has_to_be_valid_when_it_signed(expires_first: str) -> None:
    root = found_root()
    party, end = root, NOW + DAY
    for subject in (PROVINCE, CITY, COUNTY):
        party = certify(party, subject, not_after=end if subject == expires_first else ENDS)
    trust = Trust([root.certificate])
    trust.learn(party.chain)
    assert trust.signer(party.certificate.id, end - SECOND, end)
    with pytest.raises(CertificateExpired):
        trust.signer(party.certificate.id, end, end)


@pytest.mark.parametrize("ended", [PROVINCE, CITY, COUNTY])
@pytest.mark.parametrize(
    ("signed_at", "believed"), [(NOW - SECOND, True), (NOW, False), (NOW + SECOND, False)]
)
def test_what_was_signed_before_a_key_was_revoked_remains_believed(
    ended: str, signed_at: datetime, believed: bool
) -> None:
    trust = NET.trust()
    trust.take_bundle(bundle(revocations=(revoked(NET[ended], NOW),)), 1)
    if believed:
        assert trust.signer(COUNTY_CERTIFICATE.id, signed_at, NOW + DAY)
    else:
        with pytest.raises(CertificateRevoked):
            trust.signer(COUNTY_CERTIFICATE.id, signed_at, NOW + DAY)


def test_a_revocation_ends_those_below_and_nobody_beside_or_above() -> None:
    trust = NET.trust()
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], NOW),)), 1)
    for below in (COUNTY, TOWNSHIP, BRANCH):
        with pytest.raises(CertificateRevoked):
            trust.signer(NET[below].certificate.id, NOW, NOW)
    for other in (PROVINCE, CITY, OTHER_COUNTY):
        assert trust.signer(NET[other].certificate.id, NOW, NOW) == NET[other].certificate


def test_a_statement_that_bears_a_later_date_is_not_believed_once_the_key_is_revoked() -> None:
    """Nobody escapes a revocation by dating a statement before its time or after today."""
    trust = NET.trust()
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], NOW),)), 1)
    with pytest.raises(CertificateRevoked):
        trust.signer(COUNTY_CERTIFICATE.id, NOW + 5 * DAY, NOW + DAY)


def test_nobody_seals_to_a_revoked_or_expired_or_unknown_hall() -> None:
    trust = NET.trust()
    with pytest.raises(CertificateUnknown):
        trust.hall(Address("330127"), NOW)
    with pytest.raises(CertificateExpired):
        trust.hall(Address(COUNTY), ENDS)
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], NOW),)), 1)
    with pytest.raises(CertificateRevoked):
        trust.hall(Address(COUNTY), NOW)
    with pytest.raises(CertificateRevoked):
        trust.hall(Address(TOWNSHIP), NOW)


def test_an_identifier_that_is_not_known_signed_nothing() -> None:
    trust = NET.trust()
    with pytest.raises(CertificateUnknown):
        trust.signer(b"unknown", NOW, NOW)
    with pytest.raises(CertificateUnknown):
        trust.chain_of(b"unknown")


def test_a_root_signs_nothing_but_certificates() -> None:
    with pytest.raises(CertificateUnknown):
        NET.trust().signer(NET.root.certificate.id, NOW, NOW)


def test_of_two_certificates_of_a_hall_the_newer_is_sealed_to_and_both_have_signed() -> None:
    renewed = certify(NET[CITY], COUNTY, label="renewed county", not_before=NOW)
    for order in ((NET[COUNTY], renewed), (renewed, NET[COUNTY])):
        trust = Trust([NET.root.certificate])
        trust.learn(certificates([NET[PROVINCE], NET[CITY]]))
        for party in order:
            trust.learn([party.certificate])
        assert trust.hall(Address(COUNTY), NOW + DAY) == renewed.certificate
        assert trust.signer(COUNTY_CERTIFICATE.id, NOW, NOW) == COUNTY_CERTIFICATE


def test_a_bundle_brings_certificates_and_says_how_fresh_it_is() -> None:
    trust = Trust([NET.root.certificate])
    assert trust.standing is None
    trust.take_bundle(bundle(*certificates(NET.halls.values())), 7)
    assert trust.standing is not None
    assert trust.standing.version == 7
    assert trust.standing.soft_expires_at == NOW + 30 * DAY
    assert trust.standing.hard_expires_at == NOW + 90 * DAY
    assert trust.hall(Address(COUNTY), NOW) == COUNTY_CERTIFICATE


def test_an_older_bundle_takes_nothing_back() -> None:
    trust = NET.trust()
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], NOW),)), 2)
    standing, suites = trust.standing, trust.suites
    assert suites
    trust.take_bundle(bundle(soft=NOW + 300 * DAY, hard=NOW + 900 * DAY, suites=()), 1)
    assert (trust.standing, trust.suites) == (standing, suites)
    with pytest.raises(CertificateRevoked):
        trust.hall(Address(COUNTY), NOW)


def test_an_older_bundle_that_comes_late_still_tells_of_a_revocation() -> None:
    trust = NET.trust()
    trust.take_bundle(bundle(), 2)
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], NOW),)), 1)
    with pytest.raises(CertificateRevoked):
        trust.hall(Address(COUNTY), NOW)


def test_the_same_bundle_may_be_taken_again() -> None:
    """A transaction that is tried again takes it twice."""
    trust = NET.trust()
    trust.take_bundle(bundle(), 2)
    standing = trust.standing
    trust.take_bundle(bundle(), 2)
    assert trust.standing == standing


def test_a_newer_bundle_that_leaves_out_a_revocation_does_not_undo_it() -> None:
    trust = NET.trust()
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], NOW),)), 1)
    trust.take_bundle(bundle(), 2)
    with pytest.raises(CertificateRevoked):
        trust.signer(COUNTY_CERTIFICATE.id, NOW, NOW)


@pytest.mark.parametrize("first", [NOW, NOW + DAY])
def test_a_revocation_moves_only_to_an_earlier_moment(first: datetime) -> None:
    second = NOW + DAY if first == NOW else NOW
    trust = NET.trust()
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], first),)), 1)
    trust.take_bundle(bundle(revocations=(revoked(NET[COUNTY], second),)), 2)
    assert trust.signer(COUNTY_CERTIFICATE.id, NOW - SECOND, NOW + DAY)
    with pytest.raises(CertificateRevoked):
        trust.signer(COUNTY_CERTIFICATE.id, NOW, NOW + DAY)


def test_a_newer_bundle_that_leaves_out_a_hall_does_not_forget_it() -> None:
    """What it signed has to be verifiable for ever; to end it there is the revocation."""
    trust = Trust([NET.root.certificate])
    trust.take_bundle(bundle(*certificates(NET.halls.values())), 1)
    trust.take_bundle(bundle(NET[PROVINCE].certificate), 2)
    assert trust.hall(Address(COUNTY), NOW) == COUNTY_CERTIFICATE


def test_a_forged_certificate_in_a_bundle_is_refused() -> None:
    trust = NET.trust()
    with pytest.raises(IssuerNotAbove):
        trust.take_bundle(bundle(FORGED["sideways"].certificate), 1)
    assert trust.standing is None
