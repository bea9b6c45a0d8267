"""Keepers: several persons hold the key of a root together, and a named number of them has to sign.

The signature of such a root is a list of the signatures of its keepers, each over what a root with one key
would sign (the thresholds of The Update Framework, sections 2.1.1 and 6.1, are the model). Nothing is
computed jointly: no share of a key ever has to be put together with another.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from google.protobuf.message import DecodeError

from hallnet.codec import MessageMalformed
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

KEEPERS_MAX = 15
"""Of one root: no ceremony with more persons was ever finished."""


def require_usable(keys: Sequence[bytes], threshold: int, signing_key: bytes) -> None:
    """Check the keepers that a root names; raises MessageMalformed.

    More than half of them have to sign, so that no two groups can state two things that contradict each other.
    """
    usable = (
        not signing_key
        and len(keys) <= KEEPERS_MAX
        and len(set(keys)) == len(keys)
        and len(keys) < 2 * threshold <= 2 * len(keys)
    )
    if not usable:
        raise MessageMalformed("certificate.keepers", message="CertificateBody", detail="keepers")


def joined(signatures: Mapping[int, bytes]) -> bytes:
    """The signatures of keepers, by their places, as the one signature of their root."""
    return wire.KeeperSignatures(
        signatures=[
            wire.KeeperSignature(keeper=keeper, signature=signatures[keeper])
            for keeper in sorted(signatures)
        ]
    ).SerializeToString(deterministic=True)


def signers(suite: Suite, keys: Sequence[bytes], text: bytes, signature: bytes) -> int:
    """How many keepers signed a text; 0 if anything in the list is wrong.

    A keeper counts once: the list has to be in the order of the keepers. One signature that does not hold
    spoils all, so that what was signed has no second form.
    """
    try:
        listed = wire.KeeperSignatures.FromString(signature).signatures
    except DecodeError:
        return 0
    places = [item.keeper for item in listed]
    in_order = all(before < after for before, after in itertools.pairwise(places))
    if not places or not in_order or places[-1] >= len(keys):
        return 0
    verify = algorithms(suite).is_signed
    held = all(verify(keys[item.keeper], item.signature, text) for item in listed)
    return len(places) if held else 0
