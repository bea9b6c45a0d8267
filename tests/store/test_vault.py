"""What lies closed in a database opens with its own secret, for its own purpose, in its own place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.store.vault import NONCE_BYTES, Vault, VaultNotOpened

NONCE = bytes(range(NONCE_BYTES))
VAULT = Vault(b"a secret of the home", b"test")
CLOSED = VAULT.close(b"content", b"row 1", NONCE)


@given(st.binary(max_size=3000), st.binary(max_size=60))
def test_whatever_is_closed_is_opened_in_its_place(plain: bytes, place: bytes) -> None:
    assert VAULT.open(VAULT.close(plain, place, NONCE), place) == plain


def test_what_is_closed_does_not_show_what_it_was() -> None:
    assert b"content" not in CLOSED
    assert len(CLOSED) > len(b"content")


@pytest.mark.parametrize("bit", range(0, 8 * len(CLOSED), 7))
def test_what_was_changed_is_not_opened(bit: int) -> None:
    damaged = bytearray(CLOSED)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VaultNotOpened):
        VAULT.open(bytes(damaged), b"row 1")


def test_what_was_moved_to_another_place_is_not_opened() -> None:
    with pytest.raises(VaultNotOpened):
        VAULT.open(CLOSED, b"row 2")


@pytest.mark.parametrize(
    "other",
    [Vault(b"another secret", b"test"), Vault(b"a secret of the home", b"other")],
    ids=["another secret", "another purpose"],
)
def test_another_secret_or_purpose_opens_nothing(other: Vault) -> None:
    with pytest.raises(VaultNotOpened):
        other.open(CLOSED, b"row 1")


@pytest.mark.parametrize("length", range(NONCE_BYTES + 1))
def test_bytes_that_are_too_short_are_not_opened(length: int) -> None:
    with pytest.raises(VaultNotOpened):
        VAULT.open(CLOSED[:length], b"row 1")
