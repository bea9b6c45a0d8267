"""X.509 for the two places where hallnet speaks TLS: between the processes of a node, and on links.

These certificates only open connections. What a hall says is proved by its journal, never by TLS.
A node has two authorities of its own: one for its processes, one for its children's links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hallnet.problems import Kind, Problem

AUTHORITY_DAYS = 3650
BACKDATED = timedelta(hours=1)
"""So that a clock that is a little behind accepts a fresh certificate."""
_PKCS8 = serialization.PrivateFormat.PKCS8


class LinkKeyUnusable(Problem):
    """The public key for a link is not of the expected kind."""

    kind = Kind.INVALID
    reason = "LINK_KEY_UNUSABLE"
    zh = "证书申请中的链路公钥无法使用"
    zh_remedy = "请用hallnet node init重新生成申请"
    en = "The link key in the certificate request cannot be used"
    en_remedy = "Make the request anew with hallnet node init"


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority that issues certificates for connections; both parts as PEM."""

    key: bytes
    certificate: bytes


def new_private_key() -> bytes:
    """A fresh P-256 key as PEM: gRPC takes no Ed25519 certificates."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, _PKCS8, serialization.NoEncryption()
    )


def public_der(private_pem: bytes) -> bytes:
    """The public half of a key, as DER SubjectPublicKeyInfo."""
    return (
        _private(private_pem)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def new_authority(name: str, now: datetime) -> Authority:
    key = new_private_key()
    subject = _name(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(_private(key).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(_private(key), hashes.SHA256())
    )
    return Authority(key, certificate.public_bytes(serialization.Encoding.PEM))


def issue(
    authority: Authority, public_key_der: bytes, names: Sequence[str], now: datetime, days: int
) -> bytes:
    """A certificate in PEM for a key that opens or serves connections under `names`.

    Names are host names or IP addresses. Raises LinkKeyUnusable.
    """
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    try:
        public_key = serialization.load_der_public_key(public_key_der)
    except ValueError as error:
        raise LinkKeyUnusable("link_key") from error
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise LinkKeyUnusable("link_key")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(names[0]))
        .issuer_name(issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
        )
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .sign(_private(authority.key), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def certificate_der(certificate_pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(certificate_pem).public_bytes(serialization.Encoding.DER)


def certificate_pem(certificate_der: bytes) -> bytes:
    """Raises ValueError if it is no certificate."""
    return x509.load_der_x509_certificate(certificate_der).public_bytes(serialization.Encoding.PEM)


def private_der(private_pem: bytes) -> bytes:
    """A private key, as PKCS #8 in DER."""
    return _private(private_pem).private_bytes(
        serialization.Encoding.DER, _PKCS8, serialization.NoEncryption()
    )


def private_pem(private_der: bytes) -> bytes:
    """Raises ValueError if it is no private key."""
    key = serialization.load_der_private_key(private_der, None)
    return key.private_bytes(serialization.Encoding.PEM, _PKCS8, serialization.NoEncryption())


def ends_at(certificate_pem: bytes) -> datetime:
    return x509.load_pem_x509_certificate(certificate_pem).not_valid_after_utc


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
