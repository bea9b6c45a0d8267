"""Suites: what signs, digests and seals, against the published vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import SUITE, flipped, made_from, private_key

from hallnet.trust.problems import ContentNotAsCommitted, SuiteUnsupported
from hallnet.trust.suite import DIGEST_BYTES, NONCE_BYTES, Algorithms, Suite
from hallnet.trust.suites import BEST_FIRST, algorithms, best_suite, suite_of_private_key, supported

NONCE = made_from("nonce", NONCE_BYTES)
IN_BOTH = pytest.mark.parametrize("suite", [algorithms(1), algorithms(2)], ids=["1", "2"])


def key_of(suite: Algorithms) -> bytes:
    return made_from("key", suite.content_key_bytes)


def signing(suite: Algorithms) -> bytes:
    return private_key("signing", suite.suite)


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


@IN_BOTH
def test_new_keys_are_fresh_and_fit_their_public_halves(suite: Algorithms) -> None:
    one, other = suite.new_signing_key(), suite.new_signing_key()
    assert one != other
    assert suite.is_signed(suite.signing_public(one), suite.sign(one, b"text"), b"text")
    assert not suite.is_signed(suite.signing_public(other), suite.sign(one, b"text"), b"text")
    sealing = suite.new_sealing_key()
    assert sealing != suite.new_sealing_key()
    sealed = suite.seal_key(suite.sealing_public(sealing), key_of(suite))
    assert suite.open_key(sealing, sealed) == key_of(suite)


@IN_BOTH
@given(st.binary(max_size=64), st.data())
def test_a_changed_text_or_signature_is_not_signed(
    suite: Algorithms, text: bytes, data: st.DataObject
) -> None:
    public, signature = suite.signing_public(signing(suite)), suite.sign(signing(suite), text)
    assert suite.is_signed(public, signature, text)
    assert not suite.is_signed(public, signature, text + b"\x00")
    changed = flipped(signature, data.draw(st.integers(0, 8 * len(signature) - 1)))
    assert not suite.is_signed(public, changed, text)
    assert not suite.is_signed(public, signature[:-1], text)
    assert not suite.is_signed(public, b"", text)


@IN_BOTH
@given(st.binary(max_size=64))
def test_a_public_key_that_is_none_has_signed_nothing(suite: Algorithms, public: bytes) -> None:
    assert not suite.is_signed(public, suite.sign(signing(suite), b"text"), b"text")


@IN_BOTH
@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_encrypted_is_decrypted(suite: Algorithms, plain: bytes, associated: bytes) -> None:
    sealed = suite.encrypt(key_of(suite), NONCE, plain, associated)
    assert suite.decrypt(key_of(suite), NONCE, sealed, associated) == plain


@IN_BOTH
@given(st.binary(max_size=100), st.data())
def test_what_was_changed_is_not_decrypted(
    suite: Algorithms, plain: bytes, data: st.DataObject
) -> None:
    sealed = suite.encrypt(key_of(suite), NONCE, plain, b"for whom")
    changed = flipped(sealed, data.draw(st.integers(0, 8 * len(sealed) - 1)))
    for key, nonce, bytes_, associated in (
        (key_of(suite), NONCE, changed, b"for whom"),
        (key_of(suite), NONCE, sealed, b"for another"),
        (key_of(suite), made_from("other", NONCE_BYTES), sealed, b"for whom"),
        (made_from("other", suite.content_key_bytes), NONCE, sealed, b"for whom"),
        (key_of(suite), b"", sealed, b"for whom"),
        (key_of(suite)[:5], NONCE, sealed, b"for whom"),
        (key_of(suite), NONCE, sealed[:15], b"for whom"),
        (key_of(suite), NONCE, b"", b"for whom"),
    ):
        with pytest.raises(ContentNotAsCommitted):
            suite.decrypt(key, nonce, bytes_, associated)


@IN_BOTH
@given(st.data())
def test_a_sealed_key_is_opened_by_its_holder_alone_and_only_unchanged(
    suite: Algorithms, data: st.DataObject
) -> None:
    private = private_key("sealing", suite.suite)
    content_key = made_from("content", suite.content_key_bytes)
    sealed = suite.seal_key(suite.sealing_public(private), content_key)
    assert suite.open_key(private, sealed) == content_key
    changed = flipped(sealed, data.draw(st.integers(0, 8 * len(sealed) - 1)))
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    for key, bytes_ in (
        (private, changed),
        (private, cut),
        (private_key("other", suite.suite), sealed),
    ):
        with pytest.raises(ContentNotAsCommitted):
            suite.open_key(key, bytes_)


@IN_BOTH
def test_two_seals_of_one_key_are_not_alike(suite: Algorithms) -> None:
    public = suite.sealing_public(private_key("sealing", suite.suite))
    assert suite.seal_key(public, key_of(suite)) != suite.seal_key(public, key_of(suite))


@IN_BOTH
def test_a_derived_key_follows_from_secret_and_purpose(suite: Algorithms) -> None:
    key = suite.derive_key(b"secret", b"purpose")
    assert len(key) == suite.content_key_bytes
    assert key == suite.derive_key(b"secret", b"purpose")
    assert key not in (
        suite.derive_key(b"other", b"purpose"),
        suite.derive_key(b"secret", b"other"),
    )


@IN_BOTH
def test_a_private_key_tells_its_suite(suite: Algorithms) -> None:
    for key in (suite.new_signing_key(), suite.new_sealing_key()):
        assert suite_of_private_key(key) is suite.suite


@pytest.mark.parametrize(("signer", "verifier"), [(1, 2), (2, 1)])
def test_what_was_signed_or_sealed_in_one_suite_counts_for_nothing_in_the_other(
    signer: int, verifier: int
) -> None:
    one, other = algorithms(signer), algorithms(verifier)
    key = one.new_signing_key()
    public, signature = one.signing_public(key), one.sign(key, b"text")
    assert one.is_signed(public, signature, b"text")
    assert not other.is_signed(public, signature, b"text")
    assert not other.is_signed(other.signing_public(signing(other)), signature, b"text")
    sealing = one.new_sealing_key()
    sealed = one.seal_key(one.sealing_public(sealing), key_of(one))
    for private in (sealing, private_key("sealing", other.suite)):
        with pytest.raises(ContentNotAsCommitted):
            other.open_key(private, sealed)


SETS = st.frozensets(st.integers(0, 4))


@given(SETS, SETS)
def test_of_what_one_offers_and_the_network_allows_the_best_is_used(
    offered: frozenset[int], allowed: frozenset[int]
) -> None:
    best = best_suite(offered, allowed)
    common = [suite for suite in BEST_FIRST if suite in offered & allowed]
    assert best == (common[0] if common else None)


@given(SETS, SETS, SETS)
def test_to_offer_more_never_makes_the_suite_worse(
    offered: frozenset[int], more: frozenset[int], allowed: frozenset[int]
) -> None:
    before, after = best_suite(offered, allowed), best_suite(offered | more, allowed)
    if before is not None:
        assert after is not None
        assert BEST_FIRST.index(after) <= BEST_FIRST.index(before)


def test_every_suite_that_has_a_number_has_a_rank_and_is_supported_here() -> None:
    assert set(BEST_FIRST) == set(Suite) == supported()
