"""Suites: the algorithms that are used together, by number.

The number stands inside whatever is signed. Suite 1 is Ed25519 (RFC 8032), SHA-256, and HPKE
(RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM. Suite 2 is SM2, SM3 and SM4-GCM (`sm2.py`).

Which suite is used between two halls follows from signed statements alone: the certificate of each,
and the trust bundle, which says what the network allows. Nobody asks a hello.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from enum import IntEnum
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hallnet.trust.problems import ContentNotAsCommitted, SuiteNotInstalled, SuiteUnsupported

DIGEST_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 32
PARSED_KEYS_MAX = 4096
CONTENT_KEYS_MAX = 64
_CONTENT_KEY_BYTES = 32
_ED25519_KEY_BYTES = 32


class Suite(IntEnum):
    """Numbers of the suites."""

    ED25519 = 1
    SM2 = 2


BEST_FIRST = (Suite.SM2, Suite.ED25519)
"""Where both can be used: what the law asks of public bodies goes first."""


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


_HPKE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_HPKE_INFO = b"hallnet content key v1"


@lru_cache(maxsize=PARSED_KEYS_MAX)
def _ed25519_public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


@lru_cache(maxsize=PARSED_KEYS_MAX)
def _ed25519_private(raw: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(raw)


@lru_cache(maxsize=PARSED_KEYS_MAX)
def _x25519_public(raw: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(raw)


@lru_cache(maxsize=CONTENT_KEYS_MAX)
def _aes_gcm(key: bytes) -> AESGCM:
    """Setting a cipher up costs more than two kilobytes do, and a batch has one key."""
    return AESGCM(key)


class _Suite1:
    suite = Suite.ED25519
    content_key_bytes = _CONTENT_KEY_BYTES

    def digest(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def signing_public(self, private: bytes) -> bytes:
        return _ed25519_private(private).public_key().public_bytes_raw()

    def sealing_public(self, private: bytes) -> bytes:
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def new_signing_key(self) -> bytes:
        return Ed25519PrivateKey.generate().private_bytes_raw()

    def new_sealing_key(self) -> bytes:
        return X25519PrivateKey.generate().private_bytes_raw()

    def sign(self, private: bytes, data: bytes) -> bytes:
        return _ed25519_private(private).sign(data)

    def is_signed(self, public: bytes, signature: bytes, data: bytes) -> bool:
        try:
            _ed25519_public(public).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True

    def seal_key(self, public: bytes, content_key: bytes) -> bytes:
        return _HPKE.encrypt(content_key, _x25519_public(public), info=_HPKE_INFO)

    def open_key(self, private: bytes, sealed: bytes) -> bytes:
        try:
            key = X25519PrivateKey.from_private_bytes(private)
            return _HPKE.decrypt(sealed, key, info=_HPKE_INFO)
        except (InvalidTag, ValueError) as error:
            raise ContentNotAsCommitted("sealed_key") from error

    def encrypt(self, key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
        return _aes_gcm(key).encrypt(nonce, plain, associated)

    def decrypt(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            return _aes_gcm(key).decrypt(nonce, sealed, associated)
        except (InvalidTag, ValueError) as error:
            raise ContentNotAsCommitted("ciphertext") from error

    def derive_key(self, secret: bytes, purpose: bytes) -> bytes:
        return HKDF(SHA256(), _CONTENT_KEY_BYTES, salt=None, info=purpose).derive(secret)


_ALGORITHMS: dict[int, Algorithms] = {Suite.ED25519: _Suite1()}


def algorithms(suite: int) -> Algorithms:
    """The algorithms of a suite; raises SuiteUnsupported or SuiteNotInstalled."""
    found = _ALGORITHMS.get(suite)
    if found is None:
        if suite != Suite.SM2:
            raise SuiteUnsupported("suite", suite=suite)
        found = _ALGORITHMS[suite] = _suite_2()
    return found


def _suite_2() -> Algorithms:
    """Loaded when it is first needed: its library is not to be had everywhere."""
    try:
        from hallnet.trust.sm2 import Suite2
    except ImportError as error:
        raise SuiteNotInstalled("suite", suite=int(Suite.SM2), package="gmssl-pyx") from error
    return Suite2()


def supported() -> frozenset[Suite]:
    """The suites that this installation can sign, verify, seal and open with."""
    found = set()
    for suite in Suite:
        try:
            found.add(algorithms(suite).suite)
        except SuiteUnsupported:
            continue
    return frozenset(found)


def best_suite(offered: Collection[int], allowed: Collection[int]) -> Suite | None:
    """The best of what one hall offers and the network allows; None if they have nothing in common.

    Both come from signed statements: what is offered from certificates, what is allowed from the trust
    bundle (before the first one: from the root).
    """
    return next((suite for suite in BEST_FIRST if suite in offered and suite in allowed), None)


def suite_of_private_key(private: bytes) -> Suite:
    """The suite that a private key in a file is for: the lengths are different."""
    return Suite.ED25519 if len(private) == _ED25519_KEY_BYTES else Suite.SM2
