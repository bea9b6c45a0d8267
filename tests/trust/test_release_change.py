"""A release is told to a hall that has an earlier one by what is new, and comes out byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import NOW, found_root
from tests.trust.builders import certify as certify_by

from hallnet.codec import MessageMalformed
from hallnet.codec.parts import fields, fields_of_field
from hallnet.places import Address
from hallnet.trust.release import ReleaseBody, ReleaseKind, sign_release
from hallnet.trust.release_change import applied, change_of
from hallnet.trust.suite import Suite
from hallnet.wire.release.v1 import release_pb2 as wire
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

AUTHOR = certify_by(found_root("33"), "33")
BYTES_MAX = 1024 * 1024


def release(version: int, content: bytes, summary: str = "变更") -> wire.SignedRelease:
    body = ReleaseBody(
        Suite.ED25519, ReleaseKind.TRUST, Address("33"), version, NOW, NOW, content, summary
    )
    return sign_release(body, AUTHOR.signing_key, list(AUTHOR.chain[:-1]))


def bundle(*names: int) -> bytes:
    """Certificates of so many halls."""
    halls = [wire_trust.Certificate(body=b"%d" % n * 60, signature=b"s" * 64) for n in names]
    return wire_trust.TrustBundle(certificates=halls).SerializeToString()


@given(st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=20))
def test_whatever_the_contents_the_release_comes_out_as_it_was_signed(
    before: bytes, after: bytes, summary: str
) -> None:
    base, new = release(3, before), release(9, after, summary)
    assert applied(base, change_of(base, new), BYTES_MAX) == new


@given(st.binary(max_size=300), st.integers(1, 9))
def test_parts_joined_are_the_bytes_again(data: bytes, number: int) -> None:
    assert b"".join(fields(data)) == data
    assert b"".join(fields_of_field(data, number)) == data


def test_one_hall_more_among_1489_costs_its_own_certificate_and_no_other() -> None:
    base = release(1, bundle(*range(1489)))
    new = release(2, bundle(*range(700), 5000, *range(700, 1489)))
    change = change_of(base, new)
    assert applied(base, change, BYTES_MAX) == new
    assert len(new.SerializeToString()) > 390_000
    assert len(change.SerializeToString()) < 700


def test_what_is_left_out_costs_nothing() -> None:
    base, new = release(1, bundle(*range(1000))), release(2, bundle(*range(0, 1000, 500)))
    change = change_of(base, new)
    assert applied(base, change, BYTES_MAX) == new
    assert len(change.SerializeToString()) < 400


def test_a_change_of_another_release_is_refused() -> None:
    change = change_of(release(1, bundle(1)), release(2, bundle(1, 2)))
    with pytest.raises(MessageMalformed):
        applied(release(1, bundle(2)), change, BYTES_MAX)


def test_a_change_makes_no_more_than_a_release_may_have() -> None:
    """A few bytes that name a long part again and again fill no memory."""
    base = release(1, b"x" * 1000)
    change = change_of(base, release(2, b"x" * 1000))
    longest = max(change.pieces, key=lambda piece: piece.count)
    assert longest.count > 400
    change.pieces.extend([longest] * 2000)
    with pytest.raises(MessageMalformed):
        applied(base, change, BYTES_MAX)


@pytest.mark.parametrize(
    "piece",
    [
        wire.ReleasePiece(),
        wire.ReleasePiece(start=1000, count=1),
        wire.ReleasePiece(start=0, count=2**31),
        wire.ReleasePiece(fresh=b"x", count=1),
    ],
    ids=["nothing", "beyond", "too many", "both"],
)
def test_a_piece_that_is_none_is_refused(piece: wire.ReleasePiece) -> None:
    base = release(1, bundle(1))
    change = change_of(base, release(2, bundle(1, 2)))
    change.pieces.append(piece)
    with pytest.raises(MessageMalformed):
        applied(base, change, BYTES_MAX)


def test_a_change_that_was_altered_has_no_signature_that_holds() -> None:
    base = release(1, bundle(1))
    change = change_of(base, release(2, bundle(1, 2)))
    (fresh, *_) = [piece for piece in change.pieces if piece.fresh]
    fresh.fresh = fresh.fresh.replace(b"2", b"3").replace(b"\x02", b"\x03")
    made = applied(base, change, BYTES_MAX)
    assert not AUTHOR.certificate.is_signed(b"hallnet release v1\n" + made.body, made.signature)


def test_a_body_says_of_itself_that_nothing_is_left_in_force() -> None:
    body = ReleaseBody(
        Suite.ED25519, ReleaseKind.POLICY, Address("33"), 2, NOW, NOW, b"", "", withdraws=1
    )
    assert body.is_void
    assert not replace(body, withdraws=2, restores=1).is_void
