"""What lies closed in a database opens with its own secret, for its own purpose, in its own place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.store.vault import Vault, VaultNotOpened
from hallnet.trust.suite import NONCE_BYTES, Suite
from hallnet.trust.suites import algorithms

NONCE = bytes(range(NONCE_BYTES))
SECRET = b"a secret of the home"
VAULTS = {suite: Vault(algorithms(suite), SECRET, b"test") for suite in Suite}
CLOSED = {suite: vault.close(b"content", b"row 1", NONCE) for suite, vault in VAULTS.items()}
IN_BOTH = pytest.mark.parametrize("suite", list(Suite))


@IN_BOTH
@given(st.binary(max_size=3000), st.binary(max_size=60))
def test_whatever_is_closed_is_opened_in_its_place(
    suite: Suite, plain: bytes, place: bytes
) -> None:
    vault = VAULTS[suite]
    assert vault.open(vault.close(plain, place, NONCE), place) == plain


@IN_BOTH
def test_what_is_closed_does_not_show_what_it_was(suite: Suite) -> None:
    assert b"content" not in CLOSED[suite]
    assert len(CLOSED[suite]) > len(b"content")


@IN_BOTH
@pytest.mark.parametrize("bit", range(0, 8 * len(CLOSED[Suite.ED25519]), 7))
def test_what_was_changed_is_not_opened(suite: Suite, bit: int) -> None:
    damaged = bytearray(CLOSED[suite])
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VaultNotOpened):
        VAULTS[suite].open(bytes(damaged), b"row 1")


@IN_BOTH
def test_what_was_moved_to_another_place_is_not_opened(suite: Suite) -> None:
    with pytest.raises(VaultNotOpened):
        VAULTS[suite].open(CLOSED[suite], b"row 2")


@IN_BOTH
def test_another_secret_purpose_or_suite_opens_nothing(suite: Suite) -> None:
    (other_suite,) = set(Suite) - {suite}
    for other in (
        Vault(algorithms(suite), b"another secret", b"test"),
        Vault(algorithms(suite), SECRET, b"other"),
        VAULTS[other_suite],
    ):
        with pytest.raises(VaultNotOpened):
            other.open(CLOSED[suite], b"row 1")


@IN_BOTH
@pytest.mark.parametrize("length", range(NONCE_BYTES + 1))
def test_bytes_that_are_too_short_are_not_opened(suite: Suite, length: int) -> None:
    with pytest.raises(VaultNotOpened):
        VAULTS[suite].open(CLOSED[suite][:length], b"row 1")
