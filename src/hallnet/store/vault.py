"""Closing what lies in a database under a key that does not lie there."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from hallnet.trust.problems import ContentNotAsCommitted
from hallnet.trust.suite import NONCE_BYTES, Algorithms

CLOSING_BYTES = NONCE_BYTES + 16
"""By how much what is closed is longer: the nonce and the tag, in every suite."""


class VaultNotOpened(ValueError):
    """The bytes were closed under another key, for another place, or were damaged."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and the suite in which it closes."""

    suite: Algorithms
    data: bytes


class Vault:
    """Encryption under keys that are derived from secrets for one purpose.

    It closes under the newest secret and opens under that or the one before. `index_secret` is the one by
    which closed values are found: it stays when the others change, for digests cannot be made anew.
    """

    def __init__(
        self,
        suite: Algorithms,
        secret: bytes,
        purpose: bytes,
        before: Secret | None = None,
        index_secret: Secret | None = None,
    ) -> None:
        newest = Secret(suite, secret)
        self._keys = [
            (secret.suite, secret.suite.derive_key(secret.data, purpose))
            for secret in (newest, before)
            if secret is not None
        ]
        index = index_secret or newest
        self._index_key = index.suite.derive_key(index.data, purpose + b" index")

    def close(self, plain: bytes, place: bytes, nonce: bytes) -> bytes:
        """The nonce, random and used once, and the closed bytes.

        `place` says where they lie, so that they cannot be moved to another row.
        """
        suite, key = self._keys[0]
        return nonce + suite.encrypt(key, nonce, plain, place)

    def index(self, value: bytes) -> bytes:
        """A keyed digest (HMAC-SHA256, RFC 2104) by which a closed value is found again.

        Equal values have equal digests; without the key nobody can try values out.
        """
        return hmac.digest(self._index_key, value, "sha256")

    def open(self, closed: bytes, place: bytes) -> bytes:
        """Raises VaultNotOpened."""
        for number in range(len(self._keys)):
            plain = self._opened_by(number, closed, place)
            if plain is not None:
                return plain
        raise VaultNotOpened

    def is_current(self, closed: bytes, place: bytes) -> bool:
        """Whether it was closed under the newest secret."""
        return self._opened_by(0, closed, place) is not None

    def _opened_by(self, number: int, closed: bytes, place: bytes) -> bytes | None:
        suite, key = self._keys[number]
        try:
            return suite.decrypt(key, closed[:NONCE_BYTES], closed[NONCE_BYTES:], place)
        except ContentNotAsCommitted:
            return None
