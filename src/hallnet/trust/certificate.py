"""Certificates: who an address is, stated by the hall above it.

Authority follows the tree: a certificate is valid only under an issuer whose division code is a
prefix of its subject's, so no key can ever speak for a place outside the area of its issuer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from hallnet.codec import Codec, MessageMalformed
from hallnet.places import Address
from hallnet.trust.keepers import require_usable, signers
from hallnet.trust.problems import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUnknown,
    IssuerNotAbove,
    PermissionMissing,
    SignatureInvalid,
    SuiteUnsupported,
)
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

CHAIN_LENGTH_MAX = 8
CERTIFICATE_TEXT = b"hallnet certificate v1\n"
"""Stands before what an issuer signs."""
_REQUEST_TEXT = b"hallnet certificate request v1\n"


class Role(IntEnum):
    """What a certificate names."""

    ROOT = 1
    HALL = 2


class Permission(IntEnum):
    """Acts for which a certificate may be used."""

    CERTIFY = 1
    EXCHANGE = 2
    RELEASE = 3


@dataclass(frozen=True, slots=True)
class CertificateBody:
    """What an issuer states; the fields are those of the wire."""

    suite: Suite
    serial: bytes
    role: Role
    subject: str
    name: str
    issuer: str
    issuer_id: bytes
    signing_key: bytes
    sealing_key: bytes
    not_before: datetime
    not_after: datetime
    permissions: tuple[Permission, ...]
    suites: tuple[int, ...] = ()
    """Numbers, for a hall may have suites that this edition does not know."""
    keepers: tuple[bytes, ...] = ()
    """Of a root that several persons hold together: their public keys, in place of `signing_key`."""
    threshold: int = 0
    """How many of them have to sign; 0 without keepers."""


_BODY: Codec[CertificateBody] = Codec(CertificateBody, wire.CertificateBody)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A body, its bytes as signed, the signature, and the digest by which it is named."""

    body: CertificateBody
    raw: bytes
    signature: bytes
    id: bytes

    @property
    def address(self) -> Address:
        """The hall; only for certificates of halls."""
        return Address.parse(self.body.subject, "certificate.subject")

    @property
    def suites(self) -> frozenset[int]:
        """Of a hall: what it can verify and open. Of a root: what the network may use at first."""
        return frozenset(self.body.suites) or frozenset({int(self.body.suite)})

    def require_understands(self, suite: Suite) -> None:
        """Check that the hall can verify what is signed in a suite; raises SuiteUnsupported."""
        if suite not in self.suites:
            raise SuiteUnsupported("certificate.suites", suite=int(suite))

    def require(self, permission: Permission) -> None:
        """Raises PermissionMissing."""
        if permission not in self.body.permissions:
            raise PermissionMissing(
                "certificate", subject=self.body.subject, permission=permission.name
            )

    def require_valid_at(self, at: datetime) -> None:
        """Raises CertificateExpired or CertificateNotYetValid."""
        if at < self.body.not_before:
            raise CertificateNotYetValid(
                "certificate", subject=self.body.subject, not_before=self.body.not_before
            )
        if at >= self.body.not_after:
            raise CertificateExpired(
                "certificate", subject=self.body.subject, not_after=self.body.not_after
            )

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """Those of the keepers; without keepers the one key."""
        return self.body.keepers or (self.body.signing_key,)

    def is_signed(self, text: bytes, signature: bytes) -> bool:
        """Whether the holder signed; of a root with keepers, whether enough of them did."""
        body = self.body
        if body.keepers:
            return signers(body.suite, body.keepers, text, signature) >= body.threshold
        return algorithms(body.suite).is_signed(body.signing_key, signature, text)

    def to_message(self) -> wire.Certificate:
        return wire.Certificate(body=self.raw, signature=self.signature)


def written(body: CertificateBody) -> bytes:
    """The body as it is signed."""
    return _BODY.to_bytes(body)


def issue(
    body: CertificateBody, issuer_private_key: bytes, issuer_suite: Suite | None = None
) -> Certificate:
    """Sign a body, in the suite of the issuer's certificate; None: the one of the body.

    Whether the issuer may, is checked by who verifies, not here.
    """
    raw = written(body)
    signer = algorithms(body.suite if issuer_suite is None else issuer_suite)
    signature = signer.sign(issuer_private_key, CERTIFICATE_TEXT + raw)
    return Certificate(body, raw, signature, algorithms(body.suite).digest(raw))


def read_certificate(message: wire.Certificate) -> Certificate:
    """Read without verifying; raises MessageMalformed, AddressMalformed or SuiteUnsupported."""
    body = _BODY.from_bytes(message.body)
    if body.role is Role.HALL:
        Address.parse(body.subject, "certificate.subject")
    if body.keepers or body.threshold:
        require_usable(body.keepers, body.threshold, body.signing_key)
        if body.role is not Role.ROOT:
            raise MessageMalformed(
                "certificate.keepers", message="CertificateBody", detail="keepers"
            )
    suite = algorithms(body.suite)
    return Certificate(body, message.body, message.signature, suite.digest(message.body))


def verify_under(certificate: Certificate, issuer: Certificate) -> None:
    """Check that `issuer` certified `certificate` and was allowed to.

    Raises IssuerNotAbove, PermissionMissing, CertificateUnknown or SignatureInvalid.
    """
    subject = certificate.body.subject
    if certificate.body.issuer_id != issuer.id or certificate.body.issuer != issuer.body.subject:
        raise CertificateUnknown("certificate.issuer_id", subject=subject)
    if certificate.body.role is not Role.HALL or not stands_above(issuer, certificate.address):
        raise IssuerNotAbove("certificate.issuer", issuer=issuer.body.subject, subject=subject)
    issuer.require(Permission.CERTIFY)
    if not issuer.is_signed(CERTIFICATE_TEXT + certificate.raw, certificate.signature):
        raise SignatureInvalid("certificate.signature", what=f"certificate of {subject}")


def verify_root(root: Certificate) -> None:
    """Check that a root signed itself; raises SignatureInvalid or CertificateUnknown.

    Of a root with keepers all have to have signed it, so that each is known to hold the key that is counted on.
    """
    body, text = root.body, CERTIFICATE_TEXT + root.raw
    if body.role is not Role.ROOT:
        raise CertificateUnknown("root", subject=body.subject)
    signed = root.is_signed(text, root.signature)
    if body.keepers:
        signed = signers(body.suite, body.keepers, text, root.signature) == len(body.keepers)
    if not signed:
        raise SignatureInvalid("certificate.signature", what=f"root {root.body.subject}")


def chain_to_root(
    certificate: Certificate, find: Callable[[bytes], Certificate | None]
) -> list[Certificate]:
    """The certificate and its issuers up to a root, by identifier; raises CertificateUnknown.

    Nothing is verified here.
    """
    chain = [certificate]
    while chain[-1].body.role is not Role.ROOT:
        issuer = find(chain[-1].body.issuer_id)
        if issuer is None or len(chain) == CHAIN_LENGTH_MAX:
            raise CertificateUnknown("certificate.issuer_id", subject=certificate.body.subject)
        chain.append(issuer)
    return chain


def stands_above(issuer: Certificate, subject: Address) -> bool:
    """Whether the holder of a certificate has authority over a hall: its code is a prefix."""
    if issuer.body.role is Role.ROOT:
        return subject.within(issuer.body.subject)
    return issuer.address.may_certify(subject)


@dataclass(frozen=True, slots=True)
class RequestBody:
    """What a hall asks its parent to certify; the fields are those of the wire."""

    suite: Suite
    subject: Address
    name: str
    signing_key: bytes
    sealing_key: bytes
    link_key: bytes
    requested_at: datetime
    suites: tuple[int, ...] = ()
    """What the node can verify and open."""


_REQUEST: Codec[RequestBody] = Codec(RequestBody, wire.CertificateRequestBody)


def make_request(body: RequestBody, private_key: bytes) -> wire.CertificateRequest:
    raw = _REQUEST.to_bytes(body)
    signature = algorithms(body.suite).sign(private_key, _REQUEST_TEXT + raw)
    return wire.CertificateRequest(body=raw, signature=signature)


def read_request(message: wire.CertificateRequest) -> RequestBody:
    """The request, proved to come from the holder of its key.

    Raises SignatureInvalid, or MessageMalformed if nothing can be sealed to the key that it names.
    """
    body = _REQUEST.from_bytes(message.body)
    suite = algorithms(body.suite)
    if not suite.is_signed(body.signing_key, message.signature, _REQUEST_TEXT + message.body):
        raise SignatureInvalid("request.signature", what="certificate request")
    try:
        suite.seal_key(body.sealing_key, bytes(suite.content_key_bytes))
    except ValueError as error:
        raise MessageMalformed(
            "request.sealing_key", message="CertificateRequest", detail="sealing_key"
        ) from error
    return body
