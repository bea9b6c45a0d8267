"""Suites by number, and what each has to offer.

The number stands inside whatever is signed. Suite 1 is Ed25519 (RFC 8032), SHA-256, and HPKE
(RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM. Suite 2 is SM2, SM3 and SM4-GCM.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

DIGEST_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 32
PARSED_KEYS_MAX = 4096


class Suite(IntEnum):
    """Numbers of the suites."""

    ED25519 = 1
    SM2 = 2


class Algorithms(Protocol):
    """What a suite has to offer. Keys are raw bytes, digests are DIGEST_BYTES long."""

    suite: Suite
    content_key_bytes: int
    """Length of the keys that `encrypt` takes."""

    def digest(self, data: bytes) -> bytes: ...
    def signing_public(self, private: bytes) -> bytes: ...
    def sealing_public(self, private: bytes) -> bytes: ...
    def new_signing_key(self) -> bytes: ...
    def new_sealing_key(self) -> bytes: ...
    def sign(self, private: bytes, data: bytes) -> bytes: ...
    def is_signed(self, public: bytes, signature: bytes, data: bytes) -> bool: ...
    def seal_key(self, public: bytes, content_key: bytes) -> bytes:
        """Raises ValueError if nothing can be sealed to the public key."""
        ...

    def open_key(self, private: bytes, sealed: bytes) -> bytes:
        """The content key; raises ContentNotAsCommitted."""
        ...

    def encrypt(self, key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes: ...
    def decrypt(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The plain bytes; raises ContentNotAsCommitted."""
        ...

    def derive_key(self, secret: bytes, purpose: bytes) -> bytes:
        """A key for `encrypt` that follows from a secret and serves one purpose (HKDF, RFC 5869)."""
        ...
