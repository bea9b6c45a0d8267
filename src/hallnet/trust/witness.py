"""Witnessing: that the journal of another hall only grows.

A hall that sees a head of another's journal compares it with the one it saw before, and cosigns it if it
goes on from there. So nobody can take an entry back, or show one journal here and another there, without
somebody else having the proof of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum

from hallnet.trust import merkle
from hallnet.trust.certificate import Certificate
from hallnet.trust.evidence import Checkpoint, Cosignature, SignedCheckpoint
from hallnet.trust.suites import algorithms

_COSIGNATURE_TEXT = b"hallnet cosignature v1\n"


class Finding(Enum):
    """What a head says of a journal, compared with the head that was seen before."""

    SAME = "the head that was seen before"
    LATE = "an older head, signed before the one that was seen"
    CONTINUED = "a longer journal that begins with all that was seen"
    UNPROVED = "a longer journal, without the path from what was seen"
    RESTORED = "a longer journal that begins with a later head, without the path from what was seen"
    BEGUN_ANEW = "another journal of the same hall"
    RENUMBERED = "a journal under a new number that begins with all that was seen"
    REWOUND = "a shorter journal, signed later"
    FORKED = "a journal with another past"


def compare(
    seen: Checkpoint,
    head: Checkpoint,
    continues_from: int,
    consistency: Sequence[bytes],
    later: Checkpoint | None = None,
) -> Finding:
    """Compare two heads of one hall; `consistency` leads from the size `continues_from` to `head`.

    `later` is a further head of it, shown after the one that was seen: a hall that lost its records can
    prove that it goes on from there, and no more.
    """
    if head.number != seen.number:
        return _compare_numbers(seen, head, continues_from, consistency)
    if head.suite is not seen.suite:
        return Finding.FORKED
    if head.size == seen.size:
        return Finding.SAME if head.root == seen.root else Finding.FORKED
    if head.size < seen.size:
        return Finding.LATE if head.at < seen.at else Finding.REWOUND
    if seen.size == 0:
        return Finding.CONTINUED
    if continues_from != seen.size:
        # One from before what was seen is no restoration: two hellos crossed.
        is_further = later is not None and seen.size < later.size == continues_from
        if later is None or not is_further or later.number != head.number:
            return Finding.UNPROVED
        further = compare(later, head, continues_from, consistency)
        return Finding.RESTORED if further in (Finding.SAME, Finding.CONTINUED) else further
    return Finding.CONTINUED if _has_grown(seen, head, consistency) else Finding.FORKED


def _compare_numbers(
    seen: Checkpoint, head: Checkpoint, continues_from: int, consistency: Sequence[bytes]
) -> Finding:
    """A hall that goes on without knowing whether somebody saw more of its journal takes a new number for it;
    whoever saw no more has the proof that nothing of it is gone."""
    if head.number < seen.number:
        return Finding.LATE if head.at < seen.at else Finding.BEGUN_ANEW
    if head.suite is not seen.suite or not continues_from:
        return Finding.BEGUN_ANEW
    if continues_from != seen.size:
        return Finding.UNPROVED
    return Finding.RENUMBERED if _has_grown(seen, head, consistency) else Finding.BEGUN_ANEW


def _has_grown(seen: Checkpoint, head: Checkpoint, consistency: Sequence[bytes]) -> bool:
    return merkle.is_consistent(
        algorithms(head.suite).digest,
        seen.size,
        seen.root,
        head.size,
        head.root,
        list(consistency),
    )


def cosign(
    head: SignedCheckpoint, witness: Certificate, private_key: bytes, seen_at: datetime
) -> Cosignature:
    """State that this hall saw a head which goes on from what it saw before."""
    text = _text(head.note, seen_at)
    signature = algorithms(witness.body.suite).sign(private_key, text)
    return Cosignature(witness.id, seen_at, signature)


def is_cosigned(head: SignedCheckpoint, cosignature: Cosignature, witness: Certificate) -> bool:
    """Whether the witness signed that it saw this head."""
    return cosignature.certificate_id == witness.id and witness.is_signed(
        _text(head.note, cosignature.seen_at), cosignature.signature
    )


def _text(note: bytes, seen_at: datetime) -> bytes:
    time = seen_at.astimezone(UTC).isoformat(timespec="microseconds").encode()
    return _COSIGNATURE_TEXT + time + b"\n" + note
