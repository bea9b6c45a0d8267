"""A release told to a hall that has an earlier one: only what is new travels. Pure.

Bodies are cut where the fields of their content begin (an item of a catalogue, a certificate of a trust
bundle); what the earlier body has as well is named by its place there. What comes out is the release as its
author signed it, byte for byte, or its signature does not hold.
"""

from __future__ import annotations

import hashlib

from hallnet.codec import MessageMalformed
from hallnet.codec.parts import fields_of_field
from hallnet.trust.release import RELEASE
from hallnet.wire.release.v1 import release_pb2 as wire

PIECES_MAX = 50_000
"""More than a body has fields."""
_CONTENT = wire.ReleaseBody.DESCRIPTOR.fields_by_name["content"].number


def change_of(base: wire.SignedRelease, release: wire.SignedRelease) -> wire.ReleaseChange:
    """What a hall that has `base` needs to make `release`; both are of one kind and author."""
    before, body = RELEASE.from_bytes(base.body), RELEASE.from_bytes(release.body)
    old = _parts(base.body)
    places: dict[bytes, int] = {}
    for place, part in enumerate(old):
        places.setdefault(part, place)
    pieces: list[wire.ReleasePiece] = []
    for part in _parts(release.body):
        known = places.get(part)
        last = pieces[-1] if pieces else None
        follows = last.start + last.count if last is not None and last.count else len(old)
        if follows < len(old) and old[follows] == part and last is not None:
            last.count += 1
        elif known is None:
            if last is not None and last.fresh:
                last.fresh += part
            else:
                pieces.append(wire.ReleasePiece(fresh=part))
        else:
            pieces.append(wire.ReleasePiece(start=known, count=1))
    return wire.ReleaseChange(
        kind=int(body.kind),  # type: ignore[arg-type]
        author=str(body.author),
        version=body.version,
        base_version=before.version,
        base_digest=digest_of(base),
        pieces=pieces,
        signature=release.signature,
        chain=() if list(base.chain) == list(release.chain) else release.chain,
    )


def applied(
    base: wire.SignedRelease, change: wire.ReleaseChange, bytes_max: int
) -> wire.SignedRelease:
    """The release that `change` makes of `base`; whether it is authentic, its signature says.

    Raises MessageMalformed if it was made of another one, or would be longer than `bytes_max`.
    """
    if digest_of(base) != change.base_digest or len(change.pieces) > PIECES_MAX:
        raise _malformed("base_digest")
    parts = _parts(base.body)
    body, length = [], 0
    for piece in change.pieces:
        end = piece.start + piece.count
        if end > len(parts) or bool(piece.fresh) == bool(piece.count):
            raise _malformed("pieces")
        run = [piece.fresh] if piece.fresh else parts[piece.start : end]
        length += sum(map(len, run))
        if length > bytes_max:
            raise _malformed("pieces")
        body += run
    return wire.SignedRelease(
        body=b"".join(body),
        signature=change.signature,
        chain=change.chain or base.chain,
    )


def digest_of(release: wire.SignedRelease) -> bytes:
    """Names the body of a release."""
    return hashlib.sha256(release.body).digest()


def _parts(body: bytes) -> list[bytes]:
    return fields_of_field(body, _CONTENT)


def _malformed(detail: str) -> MessageMalformed:
    return MessageMalformed("change", message="ReleaseChange", detail=detail)
