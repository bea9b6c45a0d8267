"""Suites: what signs, digests and seals, against the published vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import SUITE, flipped, made_from

from hallnet.trust.problems import ContentNotAsCommitted, SuiteUnsupported
from hallnet.trust.suites import DIGEST_BYTES, NONCE_BYTES, Suite, algorithms

KEY, NONCE = made_from("key"), made_from("nonce", NONCE_BYTES)


def test_ed25519_signs_as_rfc_8032_shows() -> None:
    """RFC 8032 section 7.1, test 2."""
    private = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert SUITE.signing_public(private) == public
    assert SUITE.sign(private, b"\x72") == signature
    assert SUITE.is_signed(public, signature, b"\x72")


def test_sha_256_digests_as_fips_180_shows() -> None:
    digest = SUITE.digest(b"abc")
    assert digest.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(digest) == DIGEST_BYTES


def test_x25519_makes_the_public_key_that_rfc_7748_shows() -> None:
    """RFC 7748 section 6.1, Alice."""
    private = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    public = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    assert SUITE.sealing_public(private) == public


@pytest.mark.parametrize("number", [0, 3, -1, 2**32])
def test_a_suite_that_is_not_known_is_refused_by_its_number(number: int) -> None:
    with pytest.raises(SuiteUnsupported) as refused:
        algorithms(number)
    assert refused.value.particulars == {"suite": str(number)}


def test_new_keys_are_fresh_and_fit_their_public_halves() -> None:
    assert SUITE.suite is Suite.ED25519
    one, other = SUITE.new_signing_key(), SUITE.new_signing_key()
    assert one != other
    assert SUITE.is_signed(SUITE.signing_public(one), SUITE.sign(one, b"text"), b"text")
    assert not SUITE.is_signed(SUITE.signing_public(other), SUITE.sign(one, b"text"), b"text")
    sealing = SUITE.new_sealing_key()
    assert sealing != SUITE.new_sealing_key()
    sealed = SUITE.seal_key(SUITE.sealing_public(sealing), KEY)
    assert SUITE.open_key(sealing, sealed) == KEY


@given(st.binary(max_size=64), st.data())
def test_a_changed_text_or_signature_is_not_signed(text: bytes, data: st.DataObject) -> None:
    public, signature = SUITE.signing_public(KEY), SUITE.sign(KEY, text)
    assert SUITE.is_signed(public, signature, text)
    assert not SUITE.is_signed(public, signature, text + b"\x00")
    changed = flipped(signature, data.draw(st.integers(0, 8 * len(signature) - 1)))
    assert not SUITE.is_signed(public, changed, text)
    assert not SUITE.is_signed(public, signature[:-1], text)
    assert not SUITE.is_signed(public, b"", text)


@given(st.binary(max_size=64))
def test_a_public_key_that_is_none_has_signed_nothing(public: bytes) -> None:
    assert not SUITE.is_signed(public, SUITE.sign(KEY, b"text"), b"text")


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_encrypted_is_decrypted(plain: bytes, associated: bytes) -> None:
    sealed = SUITE.encrypt(KEY, NONCE, plain, associated)
    assert SUITE.decrypt(KEY, NONCE, sealed, associated) == plain


@given(st.binary(max_size=100), st.data())
def test_what_was_changed_is_not_decrypted(plain: bytes, data: st.DataObject) -> None:
    sealed = SUITE.encrypt(KEY, NONCE, plain, b"for whom")
    changed = flipped(sealed, data.draw(st.integers(0, 8 * len(sealed) - 1)))
    for key, nonce, bytes_, associated in (
        (KEY, NONCE, changed, b"for whom"),
        (KEY, NONCE, sealed, b"for another"),
        (KEY, made_from("other", NONCE_BYTES), sealed, b"for whom"),
        (made_from("other"), NONCE, sealed, b"for whom"),
        (KEY, b"", sealed, b"for whom"),
        (KEY[:5], NONCE, sealed, b"for whom"),
        (KEY, NONCE, sealed[:15], b"for whom"),
        (KEY, NONCE, b"", b"for whom"),
    ):
        with pytest.raises(ContentNotAsCommitted):
            SUITE.decrypt(key, nonce, bytes_, associated)


@given(st.data())
def test_a_sealed_key_is_opened_by_its_holder_alone_and_only_unchanged(
    data: st.DataObject,
) -> None:
    private = made_from("sealing")
    content_key = made_from("content", SUITE.content_key_bytes)
    sealed = SUITE.seal_key(SUITE.sealing_public(private), content_key)
    assert SUITE.open_key(private, sealed) == content_key
    changed = flipped(sealed, data.draw(st.integers(0, 8 * len(sealed) - 1)))
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    for key, bytes_ in ((private, changed), (private, cut), (made_from("other"), sealed)):
        with pytest.raises(ContentNotAsCommitted):
            SUITE.open_key(key, bytes_)


def test_two_seals_of_one_key_are_not_alike() -> None:
    public = SUITE.sealing_public(made_from("sealing"))
    assert SUITE.seal_key(public, KEY) != SUITE.seal_key(public, KEY)
