"""Certificates: authority follows the tree, and nothing else gives it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.strategies import ADDRESSES
from tests.trust.builders import (
    BRANCH,
    CITY,
    COUNTY,
    DAY,
    ENDS,
    EVERYTHING,
    FOUNDED,
    NOW,
    OTHER_COUNTY,
    PROVINCE,
    SECOND,
    TOWNSHIP,
    Party,
    body_for,
    certify,
    flipped,
    found_root,
    made_from,
    network,
)

from hallnet.codec import MessageMalformed
from hallnet.places import Address
from hallnet.places.problems import AddressMalformed
from hallnet.problems import Problem
from hallnet.trust.certificate import (
    CHAIN_LENGTH_MAX,
    Certificate,
    Permission,
    RequestBody,
    Role,
    chain_to_root,
    issue,
    make_request,
    read_certificate,
    read_request,
    verify_root,
    verify_under,
)
from hallnet.trust.problems import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUnknown,
    IssuerNotAbove,
    PermissionMissing,
    SignatureInvalid,
)
from hallnet.trust.suite import Suite
from hallnet.wire.trust.v1 import certificate_pb2 as wire

NET = network()


def leads_to(chain: tuple[Certificate, ...]) -> None:
    for certificate, issuer in itertools.pairwise(chain):
        verify_under(certificate, issuer)


@pytest.mark.parametrize("address", sorted(NET.halls))
def test_the_chain_of_a_hall_holds_up_to_the_root(address: str) -> None:
    chain = NET[address].chain
    leads_to(chain)
    verify_root(chain[-1])
    assert chain[0].address == Address.parse(address)


def test_a_certificate_is_read_as_it_was_signed() -> None:
    certificate = NET[COUNTY].certificate
    assert read_certificate(certificate.to_message()) == certificate


def test_a_certificate_is_named_by_the_digest_of_what_was_signed() -> None:
    certificate = NET[COUNTY].certificate
    assert read_certificate(wire.Certificate(body=certificate.raw)).id == certificate.id
    assert len({party.certificate.id for party in NET.halls.values()}) == len(NET.halls)


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [
        (COUNTY, CITY),
        (COUNTY, OTHER_COUNTY),
        (COUNTY, "330424001"),
        (COUNTY, COUNTY),
        (TOWNSHIP, BRANCH),
        (BRANCH, TOWNSHIP),
        (BRANCH, "330110-fangchan"),
        (PROVINCE, "34"),
    ],
)
def test_an_issuer_that_is_not_above_is_refused(issuer: str, subject: str) -> None:
    """Neither upward, nor a sibling, nor itself; and a branch hall certifies nobody."""
    forged = certify(NET[issuer], subject, label="forged")
    with pytest.raises(IssuerNotAbove):
        verify_under(forged.certificate, NET[issuer].certificate)


@given(ADDRESSES)
def test_a_county_certifies_exactly_what_lies_below_it(subject: Address) -> None:
    forged = certify(NET[COUNTY], str(subject), label="any")
    try:
        verify_under(forged.certificate, NET[COUNTY].certificate)
    except IssuerNotAbove:
        assert not Address(COUNTY).may_certify(subject)
    else:
        assert Address(COUNTY).may_certify(subject)


def test_a_hall_without_the_permission_certifies_nobody() -> None:
    limited = certify(NET[CITY], COUNTY, permissions=(Permission.EXCHANGE, Permission.RELEASE))
    below = certify(limited, TOWNSHIP)
    with pytest.raises(PermissionMissing) as refused:
        verify_under(below.certificate, limited.certificate)
    assert refused.value.particulars == {"subject": COUNTY, "permission": "CERTIFY"}


def test_an_issuer_that_did_not_sign_is_refused() -> None:
    imposter = Party(NET[COUNTY].chain, made_from("an imposter's key"), b"")
    forged = certify(imposter, TOWNSHIP)
    with pytest.raises(SignatureInvalid):
        verify_under(forged.certificate, NET[COUNTY].certificate)


def test_a_hall_that_signed_its_own_certificate_in_its_parents_name_is_refused() -> None:
    body = body_for(TOWNSHIP, NET[COUNTY])
    forged = issue(body, made_from(f"signing {TOWNSHIP}"))
    with pytest.raises(SignatureInvalid):
        verify_under(forged, NET[COUNTY].certificate)


def test_another_certificate_of_the_same_issuer_does_not_stand_in_for_it() -> None:
    renewed = certify(NET[CITY], COUNTY, label="renewed county")
    with pytest.raises(CertificateUnknown):
        verify_under(NET[TOWNSHIP].certificate, renewed.certificate)


def test_a_certificate_that_names_another_issuer_than_it_has_is_refused() -> None:
    body = replace(body_for(TOWNSHIP, NET[COUNTY]), issuer=CITY)
    with pytest.raises(CertificateUnknown):
        verify_under(issue(body, NET[COUNTY].signing_key), NET[COUNTY].certificate)


def test_a_hall_does_not_certify_a_root() -> None:
    body = replace(body_for(TOWNSHIP, NET[COUNTY]), role=Role.ROOT)
    with pytest.raises(IssuerNotAbove):
        verify_under(issue(body, NET[COUNTY].signing_key), NET[COUNTY].certificate)


@pytest.mark.parametrize(
    ("governs", "subject", "may"),
    [
        ("", "33", True),
        ("", "11", True),
        ("33", "33", True),
        ("33", "3301", True),
        ("33", "34", False),
        ("3301", "33", False),
    ],
)
def test_a_root_certifies_within_the_division_that_it_governs(
    governs: str, subject: str, may: bool
) -> None:
    root = found_root(governs)
    hall = certify(root, subject)
    if may:
        verify_under(hall.certificate, root.certificate)
    else:
        with pytest.raises(IssuerNotAbove):
            verify_under(hall.certificate, root.certificate)


def test_a_root_has_to_have_signed_itself() -> None:
    verify_root(NET.root.certificate)
    forged = issue(NET.root.certificate.body, made_from("an imposter's key"))
    with pytest.raises(SignatureInvalid):
        verify_root(forged)


def test_a_hall_that_signed_itself_is_no_root() -> None:
    body = body_for(COUNTY, None)
    with pytest.raises(CertificateUnknown):
        verify_root(issue(body, made_from(f"signing {COUNTY}")))


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        (FOUNDED - SECOND, CertificateNotYetValid),
        (FOUNDED, None),
        (NOW, None),
        (ENDS - SECOND, None),
        (ENDS, CertificateExpired),
        (ENDS + DAY, CertificateExpired),
    ],
)
def test_a_certificate_is_valid_from_its_first_moment_until_before_its_last(
    at: datetime, problem: type[Problem] | None
) -> None:
    if problem is None:
        NET[COUNTY].certificate.require_valid_at(at)
    else:
        with pytest.raises(problem):
            NET[COUNTY].certificate.require_valid_at(at)


def finder(*chains: tuple[Certificate, ...]) -> Callable[[bytes], Certificate | None]:
    known = {item.id: item for chain in chains for item in chain}
    return known.get


def test_a_chain_is_found_by_identifiers() -> None:
    chain = NET[TOWNSHIP].chain
    assert chain_to_root(chain[0], finder(chain)) == list(chain)


@pytest.mark.parametrize("missing", range(1, 5))
def test_a_chain_with_a_missing_link_leads_nowhere(missing: int) -> None:
    chain = NET[TOWNSHIP].chain
    find = finder((*chain[:missing], *chain[missing + 1 :]))
    with pytest.raises(CertificateUnknown):
        chain_to_root(chain[0], find)


def chain_of_length(length: int) -> tuple[Certificate, ...]:
    party = found_root()
    for step in range(length - 1):
        party = certify(party, COUNTY, label=f"step {step}")
    return party.chain


def test_a_chain_is_followed_up_to_its_bound_and_no_further() -> None:
    longest = chain_of_length(CHAIN_LENGTH_MAX)
    assert chain_to_root(longest[0], finder(longest)) == list(longest)
    too_long = chain_of_length(CHAIN_LENGTH_MAX + 1)
    with pytest.raises(CertificateUnknown):
        chain_to_root(too_long[0], finder(too_long))


def test_no_bit_of_a_certificate_can_be_changed() -> None:
    certificate, issuer = NET[TOWNSHIP].certificate, NET[COUNTY].certificate
    for bit in range(8 * len(certificate.raw)):
        with pytest.raises(Problem):
            verify_under(
                read_certificate(
                    wire.Certificate(
                        body=flipped(certificate.raw, bit), signature=certificate.signature
                    )
                ),
                issuer,
            )
    for bit in range(8 * len(certificate.signature)):
        with pytest.raises(SignatureInvalid):
            verify_under(
                replace(certificate, signature=flipped(certificate.signature, bit)), issuer
            )


@given(st.binary(max_size=300))
def test_bytes_that_are_no_certificate_are_refused_with_a_problem(raw: bytes) -> None:
    with pytest.raises(Problem):
        read_certificate(wire.Certificate(body=raw))


def test_a_certificate_for_what_is_no_address_is_malformed() -> None:
    """It must not come as far as being asked what its address is."""
    body = replace(body_for(TOWNSHIP, NET[COUNTY]), subject="330110o12")
    forged = issue(body, NET[COUNTY].signing_key)
    with pytest.raises(AddressMalformed):
        read_certificate(forged.to_message())


def test_a_root_of_the_whole_country_needs_no_address() -> None:
    assert read_certificate(NET.root.certificate.to_message()) == NET.root.certificate


REQUEST = RequestBody(
    suite=Suite.ED25519,
    subject=Address(TOWNSHIP),
    name="仓前街道便民服务中心",
    signing_key=NET[TOWNSHIP].certificate.body.signing_key,
    sealing_key=NET[TOWNSHIP].certificate.body.sealing_key,
    link_key=b"DER",
    requested_at=NOW,
)


def test_a_request_shows_that_who_asks_holds_the_key() -> None:
    message = make_request(REQUEST, NET[TOWNSHIP].signing_key)
    assert read_request(message) == REQUEST


def test_a_request_for_the_key_of_another_is_refused() -> None:
    message = make_request(REQUEST, NET[COUNTY].signing_key)
    with pytest.raises(SignatureInvalid):
        read_request(message)


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32), b"\x01" + bytes(31)])
def test_a_request_for_a_key_to_which_nothing_can_be_sealed_is_malformed(key: bytes) -> None:
    """Also the points of small order, to which anybody could read what is sealed."""
    message = make_request(replace(REQUEST, sealing_key=key), NET[TOWNSHIP].signing_key)
    with pytest.raises(MessageMalformed) as malformed:
        read_request(message)
    assert malformed.value.where == "request.sealing_key"


def test_no_bit_of_a_request_can_be_changed() -> None:
    message = make_request(REQUEST, NET[TOWNSHIP].signing_key)
    for bit in range(8 * len(message.body)):
        with pytest.raises(Problem):
            read_request(
                wire.CertificateRequest(
                    body=flipped(message.body, bit), signature=message.signature
                )
            )


def test_a_request_is_no_certificate() -> None:
    """What is signed begins with what it is, so that one signature never serves for two things."""
    county = NET[COUNTY]
    request = make_request(
        replace(REQUEST, signing_key=county.certificate.body.signing_key), county.signing_key
    )
    certificate = read_certificate(NET[TOWNSHIP].certificate.to_message())
    with pytest.raises(SignatureInvalid):
        verify_under(replace(certificate, signature=request.signature), county.certificate)
    assert set(EVERYTHING) == set(Permission)
