"""Only a hall that stands above may end a certificate, and every bit of its word counts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import (
    BRANCH,
    CITY,
    COUNTY,
    DAY,
    NOW,
    OTHER_CITY,
    OTHER_COUNTY,
    PROVINCE,
    SECOND,
    TOWNSHIP,
    certify,
    flipped,
    network,
    revocation,
)

from hallnet.codec import MessageMalformed
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust.certificate import Permission
from hallnet.trust.problems import CertificateRevoked
from hallnet.trust.revocation import (
    REASON_LENGTH_MAX,
    Revocation,
    read_revocation,
    revoke,
)
from hallnet.wire.trust.v1 import certificate_pb2 as wire

NET = network()
COUNTY_ID = NET[COUNTY].certificate.id


def is_taken(item: Revocation) -> bool:
    trust = NET.trust()
    return trust.take_revocations([item]) == [item] and trust.revoked_at(COUNTY_ID) == NOW


@pytest.mark.parametrize("signer", [PROVINCE, CITY])
def test_a_hall_above_may_revoke(signer: str) -> None:
    assert is_taken(revocation(NET[signer], NET[COUNTY], NOW))


def test_the_root_may_revoke() -> None:
    assert is_taken(revocation(NET.root, NET[COUNTY], NOW))


@pytest.mark.parametrize("signer", [COUNTY, TOWNSHIP, BRANCH, OTHER_CITY, OTHER_COUNTY])
def test_nobody_beside_or_below_may_revoke(signer: str) -> None:
    assert not is_taken(revocation(NET[signer], NET[COUNTY], NOW))


def test_a_hall_that_may_not_certify_may_not_revoke() -> None:
    city = certify(NET[PROVINCE], CITY, label="city", permissions=(Permission.EXCHANGE,))
    trust = NET.trust()
    trust.learn([city.certificate])
    assert trust.take_revocations([revocation(city, NET[COUNTY], NOW)]) == []


def test_a_hall_that_was_revoked_itself_revokes_nobody_any_more() -> None:
    trust = NET.trust()
    trust.take_revocations([revocation(NET[PROVINCE], NET[CITY], NOW)])
    assert trust.take_revocations([revocation(NET[CITY], NET[COUNTY], NOW + SECOND)]) == []
    before = revocation(NET[CITY], NET[COUNTY], NOW - SECOND)
    assert trust.take_revocations([before]) == [before]


def test_a_revocation_of_another_subject_than_the_certificate_names_is_passed_over() -> None:
    """A city could else end a certificate of another city by naming one of its own counties."""
    mine = revocation(NET[CITY], NET[COUNTY], NOW)
    body = replace(mine.body, certificate_id=NET[OTHER_COUNTY].certificate.id)
    forged = revoke(body, NET[CITY].certificate, NET[CITY].signing_key)
    trust = NET.trust()
    assert trust.take_revocations([forged]) == []
    assert trust.signer(NET[OTHER_COUNTY].certificate.id, NOW, NOW)


@given(st.integers(0, 64 * 8 - 1))
def test_a_signature_with_one_bit_changed_is_passed_over(bit: int) -> None:
    item = revocation(NET[CITY], NET[COUNTY], NOW)
    assert not is_taken(replace(item, signature=flipped(item.signature, bit)))


@given(st.data())
def test_a_body_with_one_bit_changed_is_refused_or_passed_over(data: st.DataObject) -> None:
    message = revocation(NET[CITY], NET[COUNTY], NOW).to_message()
    bit = data.draw(st.integers(0, len(message.body) * 8 - 1))
    message.body = flipped(message.body, bit)
    with suppress(Problem):
        assert NET.trust().take_revocations([read_revocation(message)]) == []


def test_it_is_read_back_as_it_was_signed() -> None:
    item = revocation(NET[CITY], NET[COUNTY], NOW)
    assert read_revocation(item.to_message()) == item


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "x" * (REASON_LENGTH_MAX + 1)},
        {"reason": "line\nbreak"},
        {"revoked_at": NOW + SECOND},
    ],
    ids=["a long reason", "an unprintable reason", "a moment after the signature"],
)
def test_what_cannot_be_kept_or_cannot_be_right_is_malformed(changes: dict[str, object]) -> None:
    city = NET[CITY]
    body = replace(revocation(city, NET[COUNTY], NOW).body, **changes)  # type: ignore[arg-type]
    message = revoke(body, city.certificate, city.signing_key).to_message()
    with pytest.raises(MessageMalformed):
        read_revocation(message)


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x08\x09"])
def test_rubbish_is_refused(body: bytes) -> None:
    with pytest.raises(Problem):
        read_revocation(wire.Revocation(body=body))


def test_all_certificates_of_a_hall_are_found_to_be_ended_together() -> None:
    newer = certify(NET[CITY], COUNTY, label="newer", not_before=NOW)
    trust = NET.trust()
    trust.learn([newer.certificate])
    found = trust.of_hall(Address(COUNTY))
    assert {item.id for item in found} == {COUNTY_ID, newer.certificate.id}
    for party in (NET[COUNTY], newer):
        trust.take_revocations([revocation(NET[CITY], party, NOW)])
    with pytest.raises(CertificateRevoked):
        trust.hall(Address(COUNTY), NOW + DAY)
