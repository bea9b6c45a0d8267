"""Releases: signed packages that flow down, and only down, and only forward."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import (
    BRANCH,
    CITY,
    COUNTY,
    DAY,
    ENDS,
    FOUNDED,
    NOW,
    OTHER_CITY,
    OTHER_COUNTY,
    PROVINCE,
    SECOND,
    TOWNSHIP,
    Party,
    certify,
    flipped,
    found_root,
    made_from,
    network,
    revocation,
)

from hallnet.codec.moments import to_timestamp
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust.believed import Trust
from hallnet.trust.certificate import Permission
from hallnet.trust.problems import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRevoked,
    CertificateUnknown,
    IssuerNotAbove,
    NotAuthentic,
    PermissionMissing,
    ReleaseLeaps,
    ReleaseOutdated,
    ReleaseOutOfReach,
    SignatureInvalid,
    SpeaksForAnother,
)
from hallnet.trust.release import (
    RELEASE,
    VERSION_LEAP_MAX,
    ReleaseBody,
    ReleaseKind,
    require_newer,
    sign_release,
    verify_release,
)
from hallnet.trust.suite import Suite
from hallnet.wire.release.v1 import release_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_certificate

NET = network()


def body_by(author: str, version: int = 1) -> ReleaseBody:
    return ReleaseBody(
        suite=Suite.ED25519,
        kind=ReleaseKind.CATALOGUE,
        author=Address.parse(author),
        version=version,
        issued_at=NOW,
        effective_at=NOW + DAY,
        content=b"content",
        summary="what changed",
    )


def release_by(author: Party, body: ReleaseBody | None = None) -> wire.SignedRelease:
    body = body or body_by(author.certificate.body.subject)
    return sign_release(body, author.signing_key, list(author.chain[:-1]))


def trust() -> Trust:
    """Of a node that so far knows the root alone."""
    return Trust([NET.root.certificate])


@pytest.mark.parametrize("author", [PROVINCE, CITY, COUNTY, TOWNSHIP])
def test_a_release_of_this_hall_or_of_one_above_is_taken(author: str) -> None:
    found = verify_release(release_by(NET[author]), trust(), Address(TOWNSHIP), NOW)
    assert found == body_by(author)


def test_a_release_reaches_the_branch_halls_of_its_area() -> None:
    for author in (PROVINCE, CITY, COUNTY):
        verify_release(release_by(NET[author]), trust(), Address.parse(BRANCH), NOW)


@pytest.mark.parametrize(
    ("author", "here"),
    [
        (COUNTY, CITY),
        (TOWNSHIP, COUNTY),
        (OTHER_CITY, COUNTY),
        (OTHER_COUNTY, TOWNSHIP),
        (BRANCH, COUNTY),
        (BRANCH, TOWNSHIP),
        (TOWNSHIP, BRANCH),
    ],
)
def test_a_release_does_not_flow_up_or_sideways(author: str, here: str) -> None:
    with pytest.raises(ReleaseOutOfReach):
        verify_release(release_by(NET[author]), trust(), Address.parse(here), NOW)


def test_a_release_in_the_name_of_another_is_refused() -> None:
    """The chain of the county does not carry what the county signs in the name of the city."""
    forged = sign_release(body_by(CITY), NET[COUNTY].signing_key, list(NET[COUNTY].chain[:-1]))
    with pytest.raises(SpeaksForAnother):
        verify_release(forged, trust(), Address(TOWNSHIP), NOW)


def test_a_release_under_the_chain_of_another_is_refused() -> None:
    forged = sign_release(body_by(CITY), NET[COUNTY].signing_key, list(NET[CITY].chain[:-1]))
    with pytest.raises(SignatureInvalid):
        verify_release(forged, trust(), Address(TOWNSHIP), NOW)


def test_a_hall_without_the_permission_publishes_nothing() -> None:
    limited = certify(NET[CITY], COUNTY, permissions=(Permission.CERTIFY, Permission.EXCHANGE))
    with pytest.raises(PermissionMissing) as refused:
        verify_release(release_by(limited), trust(), Address(TOWNSHIP), NOW)
    assert refused.value.particulars["permission"] == "RELEASE"


def test_a_release_without_a_chain_is_refused() -> None:
    message = release_by(NET[CITY])
    del message.chain[:]
    with pytest.raises(CertificateUnknown):
        verify_release(message, trust(), Address(COUNTY), NOW)


def test_a_release_with_a_gap_in_its_chain_is_refused() -> None:
    message = release_by(NET[COUNTY])
    del message.chain[1]
    with pytest.raises(CertificateUnknown):
        verify_release(message, trust(), Address(COUNTY), NOW)


def test_a_release_of_another_network_is_refused() -> None:
    stranger = certify(found_root(label="another root"), PROVINCE, label="stranger")
    with pytest.raises(CertificateUnknown):
        verify_release(release_by(stranger), trust(), Address(COUNTY), NOW)


def test_a_release_with_a_forged_certificate_is_refused() -> None:
    forged = certify(NET[OTHER_CITY], COUNTY, label="forged")
    with pytest.raises(IssuerNotAbove):
        verify_release(release_by(forged), trust(), Address(TOWNSHIP), NOW)


@pytest.mark.parametrize(
    ("issued_at", "problem"),
    [(FOUNDED - SECOND, CertificateNotYetValid), (ENDS, CertificateExpired)],
)
def test_a_release_that_was_signed_outside_the_validity_of_its_author_is_refused(
    issued_at: datetime, problem: type[Problem]
) -> None:
    body = replace(body_by(CITY), issued_at=issued_at)
    with pytest.raises(problem):
        verify_release(release_by(NET[CITY], body), trust(), Address(COUNTY), NOW)


def test_a_release_of_a_revoked_author_is_refused_and_an_earlier_one_still_taken() -> None:
    believing = NET.trust()
    believing.take_bundle(
        wire_certificate.TrustBundle(
            revocations=[revocation(NET.root, NET[CITY], NOW).to_message()],
            soft_expires_at=to_timestamp(ENDS),
            hard_expires_at=to_timestamp(ENDS),
        ),
        1,
    )
    with pytest.raises(CertificateRevoked):
        verify_release(release_by(NET[CITY]), believing, Address(COUNTY), NOW)
    earlier = replace(body_by(CITY), issued_at=NOW - SECOND)
    assert verify_release(release_by(NET[CITY], earlier), believing, Address(COUNTY), NOW)


def test_no_bit_of_a_release_can_be_changed() -> None:
    message = release_by(NET[CITY])
    believing = NET.trust()
    for bit in range(8 * len(message.body)):
        with pytest.raises(Problem):
            verify_release(
                wire.SignedRelease(
                    body=flipped(message.body, bit),
                    signature=message.signature,
                    chain=message.chain,
                ),
                believing,
                Address(COUNTY),
                NOW,
            )
    for bit in range(8 * len(message.signature)):
        with pytest.raises(NotAuthentic):
            verify_release(
                wire.SignedRelease(
                    body=message.body,
                    signature=flipped(message.signature, bit),
                    chain=message.chain,
                ),
                believing,
                Address(COUNTY),
                NOW,
            )


def test_a_signature_over_a_certificate_does_not_serve_for_a_release() -> None:
    certificate = NET[COUNTY].certificate
    forged = wire.SignedRelease(
        body=certificate.raw,
        signature=certificate.signature,
        chain=[item.to_message() for item in NET[CITY].chain[:-1]],
    )
    with pytest.raises(Problem):
        verify_release(forged, trust(), Address(COUNTY), NOW)


@given(st.binary(max_size=100))
def test_bytes_that_are_no_release_are_refused_with_a_problem(raw: bytes) -> None:
    message = wire.SignedRelease(
        body=raw,
        signature=made_from("signature", 64),
        chain=[item.to_message() for item in NET[CITY].chain[:-1]],
    )
    with pytest.raises(Problem):
        verify_release(message, trust(), Address(COUNTY), NOW)


@given(st.integers(1, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_only_a_higher_version_replaces_another(version: int, known: int) -> None:
    body = body_by(CITY, version)
    assert RELEASE.from_bytes(RELEASE.to_bytes(body)) == body
    if version > known + VERSION_LEAP_MAX:
        with pytest.raises(ReleaseLeaps):
            require_newer(body, known)
    elif version > known:
        require_newer(body, known)
    else:
        with pytest.raises(ReleaseOutdated) as outdated:
            require_newer(body, known)
        assert outdated.value.particulars == {
            "kind": "CATALOGUE",
            "version": str(version),
            "known": str(known),
        }
