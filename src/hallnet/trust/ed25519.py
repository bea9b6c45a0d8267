"""Suite 1: Ed25519 (RFC 8032), SHA-256, and HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hallnet.trust.problems import ContentNotAsCommitted
from hallnet.trust.suite import PARSED_KEYS_MAX, Suite

PRIVATE_KEY_BYTES = 32
CONTENT_KEY_BYTES = 32
CONTENT_KEYS_MAX = 64

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


class Suite1:
    """The algorithms of suite 1; see `suite.Algorithms`."""

    suite = Suite.ED25519
    content_key_bytes = CONTENT_KEY_BYTES

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
        return HKDF(SHA256(), CONTENT_KEY_BYTES, salt=None, info=purpose).derive(secret)
