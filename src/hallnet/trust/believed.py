"""What a node believes: roots given by hand or vouched for by them, certificates that lead to them, what was
revoked, and which halls go on under another address.

It takes certificates and bundles, never opens a file or a socket, and can only move forward.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from hallnet.codec.moments import from_timestamp
from hallnet.places import Address
from hallnet.trust.certificate import (
    Certificate,
    Role,
    chain_to_root,
    read_certificate,
    verify_root,
    verify_under,
)
from hallnet.trust.freshness import Freshness, freshness
from hallnet.trust.problems import (
    CertificateRevoked,
    CertificateUnknown,
    NotAuthentic,
    RootEnded,
    SuiteNotAllowed,
)
from hallnet.trust.revocation import Revocation, read_revocation, verify_revocation
from hallnet.trust.succession import (
    SUCCESSIONS_MAX,
    RootSuccession,
    Succession,
    SuccessionBody,
    goes_on_as,
    read_root_succession,
    read_succession,
    verify_succession,
)
from hallnet.trust.suite import Suite
from hallnet.trust.suites import BEST_FIRST, best_suite
from hallnet.wire.trust.v1 import certificate_pb2 as wire

CERTIFICATES_MAX = 50_000
ROOTS_MAX = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """How fresh the trust data are: past soft expiry say so, past hard expiry issue no results."""

    version: int
    soft_expires_at: datetime
    hard_expires_at: datetime

    def freshness(self, now: datetime) -> Freshness:
        return freshness(self.soft_expires_at, self.hard_expires_at, now)


class Trust:
    """The set of what is believed."""

    def __init__(self, roots: Iterable[Certificate], suites: Iterable[int] = ()) -> None:
        """`roots` come from an operator's hand; raises if one did not sign itself.

        `suites` may be used besides those that the roots name, until a trust bundle says which may.
        """
        self._roots: dict[bytes, Certificate] = {}
        for root in roots:
            verify_root(root)
            self._roots[root.id] = root
        self._ended: dict[bytes, frozenset[bytes]] = {}
        """Roots that ended, and the digests of what they signed and that stays believed."""
        self._took_over: set[bytes] = set()
        self._certificates: dict[bytes, Certificate] = {}
        self._halls: dict[Address, dict[Suite, Certificate]] = {}
        self._revoked: dict[bytes, datetime] = {}
        self._successions: dict[Address, SuccessionBody] = {}
        named = {*suites, *(suite for root in self._roots.values() for suite in root.suites)}
        self.suites: frozenset[Suite] = frozenset(suite for suite in Suite if suite in named)
        self.standing: Standing | None = None

    @property
    def roots(self) -> list[Certificate]:
        return list(self._roots.values())

    def with_its_roots_alone(self) -> Trust:
        """One that believes the same roots, as far as this one does, and nothing else yet."""
        other = Trust(self.roots)
        other._ended, other._took_over = dict(self._ended), set(self._took_over)
        return other

    def has_ended(self, root_id: bytes) -> bool:
        """Whether another root took over from it and nothing new of it is believed."""
        return root_id in self._ended

    def halls(self) -> dict[Address, Certificate]:
        """The newest certificate of each hall that is believed."""
        return {
            address: max(offered.values(), key=lambda item: item.body.not_before)
            for address, offered in self._halls.items()
        }

    def standing_halls(self) -> set[Address]:
        """The halls of which not every certificate was revoked."""
        return {
            item.address for item in self._certificates.values() if item.id not in self._revoked
        }

    def knows(self, certificate_id: bytes) -> bool:
        return certificate_id in self._certificates or certificate_id in self._roots

    def learn(self, certificates: Iterable[Certificate]) -> None:
        """Take in certificates that lead to a root; raises on the first that does not.

        Validity in time is not asked here but when a signature is judged.
        """
        fresh = self._fresh(certificates)
        for item in fresh.values():
            self._learn_one(item, fresh)

    def learn_what_leads_to_a_root(self, certificates: Iterable[Certificate]) -> list[Certificate]:
        """Take in those that lead to a root and pass over the others; returns what is new."""
        fresh = self._fresh(certificates)
        for item in fresh.values():
            with suppress(NotAuthentic):
                self._learn_one(item, fresh)
        return [item for item in fresh.values() if item.id in self._certificates]

    def _fresh(self, certificates: Iterable[Certificate]) -> dict[bytes, Certificate]:
        fresh = {
            item.id: item
            for item in certificates
            if item.id not in self._certificates and item.body.role is Role.HALL
        }
        if len(self._certificates) + len(fresh) > CERTIFICATES_MAX:
            raise CertificateUnknown("certificates", subject="CERTIFICATES_MAX")
        return fresh

    def _learn_one(self, item: Certificate, fresh: Mapping[bytes, Certificate]) -> None:
        chain = chain_to_root(item, lambda id: fresh.get(id) or self._find(id))
        self._require_kept(chain)
        for certificate, issuer in itertools.pairwise(chain):
            if certificate.id not in self._certificates:
                verify_under(certificate, issuer)
        for certificate in chain[:-1]:
            self._keep(certificate)

    def _stands(self, root_id: bytes, digest: bytes) -> bool:
        """Whether what a root signed is believed: nothing of one that ended but what was kept."""
        kept = self._ended.get(root_id)
        return kept is None or digest in kept

    def _require_kept(self, chain: Sequence[Certificate]) -> None:
        """Check that the root of a chain stands by the highest hall's certificate; raises RootEnded."""
        if len(chain) > 1 and not self._stands(chain[-1].id, chain[-2].id):
            raise RootEnded(
                "certificate.issuer_id",
                subject=chain[-2].body.subject,
                root=chain[-1].body.name,
            )

    def signer(self, certificate_id: bytes, signed_at: datetime, now: datetime) -> Certificate:
        """The certificate of a signer, if its whole chain was valid when it signed.

        `now` is needed for revocations: what was signed before a key was revoked remains believed.
        Raises CertificateUnknown, CertificateExpired, CertificateNotYetValid, CertificateRevoked,
        RootEnded, and SuiteNotAllowed if the network does not allow a suite of the chain now: what can be forged
        today can bear any date.
        """
        certificate = self._certificates.get(certificate_id)
        if certificate is None:
            raise CertificateUnknown("certificate_id", subject=certificate_id.hex()[:16])
        chain = self.chain(certificate)
        if self._ended:
            self._require_kept(chain)
        for item in chain:
            self.require_allowed(item.body.suite, "certificate.suite")
            item.require_valid_at(signed_at)
            revoked_at = self._revoked.get(item.id)
            if revoked_at is not None and min(signed_at, now) >= revoked_at:
                raise CertificateRevoked("certificate_id", subject=item.body.subject)
        return certificate

    def hall(self, address: Address, now: datetime) -> Certificate:
        """The certificate of a hall to seal to: of those that are valid, the best suite's newest.

        Raises CertificateUnknown, or what speaks against the best if none is valid.
        """
        offered = self._halls.get(address)
        if not offered:
            raise CertificateUnknown("recipient", subject=address)
        valid: dict[Suite, Certificate] = {}
        problems: list[NotAuthentic] = []
        for suite in BEST_FIRST:
            if suite in offered:
                try:
                    valid[suite] = self.signer(offered[suite].id, now, now)
                except NotAuthentic as problem:
                    problems.append(problem)
        best = best_suite(valid, self.suites)
        if best is None:
            raise problems[0]
        return valid[best]

    def require_allowed(self, suite: Suite, where: str) -> None:
        """Raises SuiteNotAllowed unless the network uses the suite."""
        if suite not in self.suites:
            allowed = ", ".join(str(int(item)) for item in sorted(self.suites))
            raise SuiteNotAllowed(where, suite=int(suite), allowed=allowed)

    def chain(self, certificate: Certificate) -> list[Certificate]:
        """The certificate and its issuers, up to and including the root."""
        return chain_to_root(certificate, self._find)

    def chain_of(self, certificate_id: bytes) -> list[Certificate]:
        """The chain of a certificate by its identifier; raises CertificateUnknown."""
        certificate = self._find(certificate_id)
        if certificate is None:
            raise CertificateUnknown("certificate_id", subject=certificate_id.hex()[:16])
        return self.chain(certificate)

    def of_hall(self, address: Address) -> list[Certificate]:
        """All certificates of a hall that lead to a root, whatever their time."""
        return [item for item in self._certificates.values() if item.address == address]

    def revoked_at(self, certificate_id: bytes) -> datetime | None:
        """From when on a certificate is revoked; None if it is not."""
        return self._revoked.get(certificate_id)

    def take_revocations(self, revocations: Iterable[Revocation]) -> list[Revocation]:
        """Take in those that a hall above the subject signed, and pass over the others.

        Of two for one certificate the earlier moment counts. Returns what is new.
        """
        fresh = []
        for item in revocations:
            body = item.body
            known = self._revoked.get(body.certificate_id)
            if (known is None or body.revoked_at < known) and self._may_revoke(item):
                self._revoked[body.certificate_id] = body.revoked_at
                fresh.append(item)
        return fresh

    def _may_revoke(self, revocation: Revocation) -> bool:
        body = revocation.body
        certificate = self._find(body.certificate_id)
        if certificate is not None and certificate.body.subject != str(body.subject):
            return False
        try:
            signer = self._standing_root(revocation.signer_id, revocation.digest) or self.signer(
                revocation.signer_id, body.signed_at, body.signed_at
            )
            verify_revocation(revocation, signer)
        except NotAuthentic:
            return False
        return True

    def _standing_root(self, root_id: bytes, digest: bytes) -> Certificate | None:
        """The root of that name, if it is believed for a statement."""
        return self._roots.get(root_id) if self._stands(root_id, digest) else None

    def take_root_successions(self, successions: Iterable[RootSuccession]) -> list[RootSuccession]:
        """Believe the roots that a believed root vouches for, in either direction; returns what is new.

        A root that ended vouches for nobody any more but in the statements that were kept.
        """
        waiting = list(successions)
        fresh: list[RootSuccession] = []
        while (item := next(filter(self._is_useful, waiting), None)) is not None:
            for root in (item.predecessor, item.successor):
                self._roots[root.id] = root
            if item.ends:
                self._ended[item.predecessor.id] = item.kept
            self._took_over.add(item.digest)
            fresh.append(item)
        return fresh

    def _is_useful(self, item: RootSuccession) -> bool:
        known = [root.id for root in (item.predecessor, item.successor) if root.id in self._roots]
        if not known or not all(self._stands(root_id, item.digest) for root_id in known):
            return False
        if len(known) == 1:
            return len(self._roots) < ROOTS_MAX
        return item.ends and item.predecessor.id not in self._ended

    def believes_root_succession(self, succession: RootSuccession) -> bool:
        """Whether it was taken, now or earlier."""
        return succession.digest in self._took_over

    def take_successions(self, successions: Iterable[Succession]) -> list[Succession]:
        """Take in those that a hall above both addresses signed, and pass over the others.

        Of two for one address the one that was signed later counts. Returns what is new.
        """
        fresh = []
        for item in successions:
            known = self._successions.get(item.body.predecessor)
            if known is None and len(self._successions) >= SUCCESSIONS_MAX:
                continue
            newer = known is None or item.body.signed_at > known.signed_at
            if newer and self._may_declare(item):
                self._successions[item.body.predecessor] = item.body
                fresh.append(item)
        return fresh

    def _may_declare(self, succession: Succession) -> bool:
        signed_at = succession.body.signed_at
        try:
            signer = self._standing_root(succession.signer_id, succession.digest) or self.signer(
                succession.signer_id, signed_at, signed_at
            )
            verify_succession(succession, signer)
        except NotAuthentic:
            return False
        return True

    def believes(self, succession: Succession) -> bool:
        """Whether this is the succession of its predecessor that counts."""
        return self._successions.get(succession.body.predecessor) == succession.body

    def succession_of(self, address: Address) -> SuccessionBody | None:
        """What was stated last of an address, also if it was withdrawn or lies ahead."""
        return self._successions.get(address)

    def goes_on_as(self, address: Address, at: datetime) -> Address:
        """The address under which a hall is reached at a moment: its own if it was not moved."""
        return goes_on_as(address, self._successions, at)

    def take_bundle(self, bundle: wire.TrustBundle, version: int) -> None:
        """Move forward to a trust bundle whose release was verified.

        No root is taken from it but one that a believed root vouches for: the first is given by hand.
        An older bundle than the one in force may still tell of certificates, revocations and
        successions, but takes nothing back.
        """
        self.take_root_successions(read_root_succession(item) for item in bundle.root_successions)
        learned = [read_certificate(item) for item in bundle.certificates]
        suites = frozenset(Suite(number) for number in bundle.suites)
        standing = Standing(
            version,
            from_timestamp(bundle.soft_expires_at),
            from_timestamp(bundle.hard_expires_at),
        )
        self.learn(learned)
        if self.standing is None or version >= self.standing.version:
            # One that says nothing of suites is refused where releases are taken.
            self.suites, self.standing = suites or self.suites, standing
        self.take_revocations(read_revocation(item) for item in bundle.revocations)
        self.take_successions(read_succession(item) for item in bundle.successions)

    def _keep(self, certificate: Certificate) -> None:
        self._certificates[certificate.id] = certificate
        offered = self._halls.setdefault(certificate.address, {})
        known = offered.get(certificate.body.suite)
        if known is None or known.body.not_before < certificate.body.not_before:
            offered[certificate.body.suite] = certificate

    def _find(self, certificate_id: bytes) -> Certificate | None:
        return self._roots.get(certificate_id) or self._certificates.get(certificate_id)


def suites_of(chain: Sequence[Certificate]) -> frozenset[int]:
    """The suites in which a hall's own chain was issued: the network allows them, or did."""
    return frozenset(int(item.body.suite) for item in chain)
