"""What a hall states of halls below it, in its own name: that a certificate ends, that a hall moved."""

from __future__ import annotations

from collections.abc import Sequence

from hallnet.places import Address
from hallnet.trust.certificate import Certificate, Permission, stands_above
from hallnet.trust.problems import IssuerNotAbove, SignatureInvalid, SuiteMismatched
from hallnet.trust.suite import Suite


def require_stated(
    signer: Certificate,
    kind: str,
    subjects: Sequence[Address],
    suite: Suite,
    text: bytes,
    signature: bytes,
) -> None:
    """Check that `signer` signed a statement in its own suite and stands above all that it is about.

    `text` is what was signed. Raises IssuerNotAbove, PermissionMissing, SuiteMismatched or
    SignatureInvalid.
    """
    for subject in subjects:
        if not stands_above(signer, subject):
            raise IssuerNotAbove(kind, issuer=signer.body.subject, subject=subject)
    signer.require(Permission.CERTIFY)
    what = f"{kind} of {subjects[0]}"
    if suite is not signer.body.suite:
        raise SuiteMismatched(
            f"{kind}.suite", what=what, named=int(suite), used=int(signer.body.suite)
        )
    if not signer.is_signed(text, signature):
        raise SignatureInvalid(f"{kind}.signature", what=what)
