"""Suite 2: SM2, SM3 and SM4-GCM, as GB/T 32918, GB/T 32905 and GB/T 32907 lay them down.

Signatures are SM2 (GB/T 32918.2) over SM3, with the user identity of GM/T 0009 for everybody; a content
key is sealed by SM2 public key encryption (GB/T 32918.4), and content by SM4-GCM (RFC 8998 section 3.2).

What lies on the wire has exactly one form:

    public key    65 bytes: 04, x, y
    private key   97 bytes: the number d, then its public key (as RFC 5915 keeps them together)
    signature     64 bytes: r, s
    sealed key    113 bytes: C1 (04, x, y), C3 (32 bytes), C2 (16 bytes)

The library GmSSL computes on the curve and judges keys, points and ranges; it wants DER, so the forms
are turned into each other here, in both directions without a choice.
"""

from __future__ import annotations

from functools import lru_cache

import gmssl_pyx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hallnet.trust.problems import ContentNotAsCommitted
from hallnet.trust.suite import PARSED_KEYS_MAX, Suite

USER_ID = b"1234567812345678"
"""GM/T 0009-2012 section 10: the identity of a signer, where nothing else was agreed."""
FIELD_BYTES = 32
POINT_BYTES = 1 + 2 * FIELD_BYTES
SIGNATURE_BYTES = 2 * FIELD_BYTES
CONTENT_KEY_BYTES = 16
TAG_BYTES = 16
SEALED_KEY_BYTES = POINT_BYTES + FIELD_BYTES + CONTENT_KEY_BYTES

# The recommended curve of GB/T 32918.5-2017: coefficients and generator, as they go into Z.
_A = bytes.fromhex("fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc")
_B = bytes.fromhex("28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93")
_GX = bytes.fromhex("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7")
_GY = bytes.fromhex("bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0")
_Z_BEGINS = (8 * len(USER_ID)).to_bytes(2, "big") + USER_ID + _A + _B + _GX + _GY
_UNCOMPRESSED = b"\x04"
_SEQUENCE, _OCTETS = 0x30, 0x04
_TRIAL = bytes(FIELD_BYTES - 1) + b"\x01"


def _sm3(data: bytes) -> bytes:
    digest: bytes = gmssl_pyx.sm3_hash(data)
    return digest


def _point(public: bytes) -> bytes:
    """x and y of a public key; raises ValueError. Whether they lie on the curve GmSSL finds out."""
    if len(public) != POINT_BYTES or public[:1] != _UNCOMPRESSED:
        raise ValueError("a public key of SM2 is 65 bytes and begins with 04")
    return public[1:]


@lru_cache(maxsize=PARSED_KEYS_MAX)
def _identity_digest(public: bytes) -> bytes:
    """Z of a signer (GB/T 32918.2 section 5.5); raises ValueError."""
    return _sm3(_Z_BEGINS + _point(public))


def _signed_digest(public: bytes, data: bytes) -> bytes:
    """e of what is signed (GB/T 32918.2 section 6.1); raises ValueError."""
    return _sm3(_identity_digest(public) + data)


@lru_cache(maxsize=PARSED_KEYS_MAX)
def _halves(private: bytes) -> tuple[bytes, bytes]:
    """The number and the public key of a private key; raises ValueError unless they fit."""
    number, public = private[:FIELD_BYTES], private[FIELD_BYTES:]
    try:
        trial = gmssl_pyx.sm2_sign_sm3_digest(number, _TRIAL)
        fits = gmssl_pyx.sm2_verify_sm3_digest(_point(public), _TRIAL, trial)
    except gmssl_pyx.GmsslInnerError as error:
        raise ValueError("no private key of SM2") from error
    if not fits:
        raise ValueError("the halves of a private key of SM2 do not fit")
    return number, public


def _to_der(sealed: bytes) -> bytes:
    """C1, C3, C2 as GM/T 0009 writes them for GmSSL: a sequence of x, y, C3, C2."""
    x, y = (sealed[at : at + FIELD_BYTES] for at in (1, 1 + FIELD_BYTES))
    tag, cipher = sealed[POINT_BYTES : POINT_BYTES + FIELD_BYTES], sealed[-CONTENT_KEY_BYTES:]
    content = encode_dss_signature(int.from_bytes(x, "big"), int.from_bytes(y, "big"))[2:]
    content += bytes((_OCTETS, len(tag))) + tag + bytes((_OCTETS, len(cipher))) + cipher
    return bytes((_SEQUENCE, len(content))) + content


def _from_der(der: bytes) -> bytes:
    """The reverse, for what GmSSL wrote: a content key is so short that every length is one byte."""
    rest = 2 + FIELD_BYTES + 2 + CONTENT_KEY_BYTES
    point, octets = der[2:-rest], der[-rest:]
    x, y = decode_dss_signature(bytes((_SEQUENCE, len(point))) + point)
    tag, cipher = octets[2 : 2 + FIELD_BYTES], octets[-CONTENT_KEY_BYTES:]
    return _UNCOMPRESSED + _field(x) + _field(y) + tag + cipher


def _field(number: int) -> bytes:
    return number.to_bytes(FIELD_BYTES, "big")


def _new_key() -> bytes:
    public, number = gmssl_pyx.sm2_key_generate()
    return bytes(number) + _UNCOMPRESSED + bytes(public)


class Suite2:
    """The algorithms of suite 2; see `suite.Algorithms`."""

    suite = Suite.SM2
    content_key_bytes = CONTENT_KEY_BYTES

    def digest(self, data: bytes) -> bytes:
        return _sm3(data)

    def signing_public(self, private: bytes) -> bytes:
        return _halves(private)[1]

    def sealing_public(self, private: bytes) -> bytes:
        return _halves(private)[1]

    def new_signing_key(self) -> bytes:
        return _new_key()

    def new_sealing_key(self) -> bytes:
        return _new_key()

    def sign(self, private: bytes, data: bytes) -> bytes:
        number, public = _halves(private)
        der = gmssl_pyx.sm2_sign_sm3_digest(number, _signed_digest(public, data))
        r, s = decode_dss_signature(der)
        return _field(r) + _field(s)

    def is_signed(self, public: bytes, signature: bytes, data: bytes) -> bool:
        if len(signature) != SIGNATURE_BYTES:
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        try:
            digest = _signed_digest(public, data)
            der = encode_dss_signature(r, s)
            return bool(gmssl_pyx.sm2_verify_sm3_digest(_point(public), digest, der))
        except (gmssl_pyx.GmsslInnerError, ValueError):
            return False

    def seal_key(self, public: bytes, content_key: bytes) -> bytes:
        if len(content_key) != CONTENT_KEY_BYTES:
            raise ValueError("a content key of suite 2 is 16 bytes")
        try:
            return _from_der(gmssl_pyx.sm2_encrypt(_point(public), content_key))
        except gmssl_pyx.GmsslInnerError as error:
            raise ValueError("no public key of SM2") from error

    def open_key(self, private: bytes, sealed: bytes) -> bytes:
        if len(sealed) != SEALED_KEY_BYTES or sealed[:1] != _UNCOMPRESSED:
            raise ContentNotAsCommitted("sealed_key")
        try:
            number, _ = _halves(private)
            return bytes(gmssl_pyx.sm2_decrypt(number, _to_der(sealed)))
        except (gmssl_pyx.GmsslInnerError, ValueError) as error:
            raise ContentNotAsCommitted("sealed_key") from error

    def encrypt(self, key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
        box = Cipher(SM4(key), modes.GCM(nonce)).encryptor()
        box.authenticate_additional_data(associated)
        return box.update(plain) + box.finalize() + box.tag

    def decrypt(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            mode = modes.GCM(nonce, sealed[-TAG_BYTES:], min_tag_length=TAG_BYTES)
            box = Cipher(SM4(key), mode).decryptor()
            box.authenticate_additional_data(associated)
            return box.update(sealed[:-TAG_BYTES]) + box.finalize()
        except (InvalidTag, ValueError) as error:
            raise ContentNotAsCommitted("ciphertext") from error

    def derive_key(self, secret: bytes, purpose: bytes) -> bytes:
        return HKDF(SM3(), CONTENT_KEY_BYTES, salt=None, info=purpose).derive(secret)
