"""Closing what lies in a database under a key that does not lie there."""

from __future__ import annotations

import hmac

from hallnet.trust.problems import ContentNotAsCommitted
from hallnet.trust.suites import NONCE_BYTES, Algorithms

CLOSING_BYTES = NONCE_BYTES + 16
"""By how much what is closed is longer: the nonce and the tag, in every suite."""


class VaultNotOpened(ValueError):
    """The bytes were closed under another key, for another place, or were damaged."""


class Vault:
    """A suite's encryption under a key that is derived from a secret for one purpose."""

    def __init__(self, suite: Algorithms, secret: bytes, purpose: bytes) -> None:
        self._suite = suite
        self._key = suite.derive_key(secret, purpose)
        self._index_key = suite.derive_key(secret, purpose + b" index")

    def close(self, plain: bytes, place: bytes, nonce: bytes) -> bytes:
        """The nonce, random and used once, and the closed bytes.

        `place` says where they lie, so that they cannot be moved to another row.
        """
        return nonce + self._suite.encrypt(self._key, nonce, plain, place)

    def index(self, value: bytes) -> bytes:
        """A keyed digest (HMAC-SHA256, RFC 2104) by which a closed value is found again.

        Equal values have equal digests; without the key nobody can try values out.
        """
        return hmac.digest(self._index_key, value, "sha256")

    def open(self, closed: bytes, place: bytes) -> bytes:
        """Raises VaultNotOpened."""
        try:
            return self._suite.decrypt(self._key, closed[:NONCE_BYTES], closed[NONCE_BYTES:], place)
        except ContentNotAsCommitted as error:
            raise VaultNotOpened from error
