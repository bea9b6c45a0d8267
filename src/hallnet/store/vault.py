"""Closing what lies in a database under a key that does not lie there."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12


class VaultNotOpened(ValueError):
    """The bytes were closed under another key, for another place, or were damaged."""


class Vault:
    """AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) derives from a secret for one purpose."""

    def __init__(self, secret: bytes, purpose: bytes) -> None:
        self._box = AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(secret))

    def close(self, plain: bytes, place: bytes, nonce: bytes) -> bytes:
        """The nonce, random and used once, and the closed bytes.

        `place` says where they lie, so that they cannot be moved to another row.
        """
        return nonce + self._box.encrypt(nonce, plain, place)

    def open(self, closed: bytes, place: bytes) -> bytes:
        """Raises VaultNotOpened."""
        try:
            return self._box.decrypt(closed[:NONCE_BYTES], closed[NONCE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise VaultNotOpened from error
