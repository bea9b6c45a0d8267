"""Suite 2 against suite 1: each of their operations, and two exchanges of each that carry envelopes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hallnet.bench.exchange import COUNTY, Say, Source, founded, one_round, spread
from hallnet.sandbox.folder import sandbox_folder
from hallnet.sandbox.network import Network
from hallnet.trust.suite import NONCE_BYTES, Suite
from hallnet.trust.suites import algorithms

OPERATION_SECONDS = 0.5
OPERATIONS_AT_ONCE = 10
NOTE_BYTES = 160
"""About as long as what is signed for a batch: the head of a journal."""


def operations(suite: Suite, size: int) -> dict[str, float]:
    """How often each operation of a suite is done in a second of processor time.

    `size` is that of a message in bytes; signed is what is as long as the head of a journal.
    """
    keys = algorithms(suite)
    signing, sealing = keys.new_signing_key(), keys.new_sealing_key()
    public, sealed_to = keys.signing_public(signing), keys.sealing_public(sealing)
    note, message, nonce = os.urandom(NOTE_BYTES), os.urandom(size), os.urandom(NONCE_BYTES)
    content_key = os.urandom(keys.content_key_bytes)
    signature = keys.sign(signing, note)
    sealed_key = keys.seal_key(sealed_to, content_key)
    sealed = keys.encrypt(content_key, nonce, message, b"")
    return {
        "sign": _rate(lambda: keys.sign(signing, note)),
        "verify": _rate(lambda: keys.is_signed(public, signature, note)),
        "seal a key": _rate(lambda: keys.seal_key(sealed_to, content_key)),
        "open a key": _rate(lambda: keys.open_key(sealing, sealed_key)),
        "digest": _rate(lambda: keys.digest(message)),
        "encrypt": _rate(lambda: keys.encrypt(content_key, nonce, message, b"")),
        "decrypt": _rate(lambda: keys.decrypt(content_key, nonce, sealed, b"")),
    }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Envelopes a second of each round."""

    rates: dict[Suite, list[float]] = field(default_factory=lambda: {suite: [] for suite in Suite})

    def as_data(self) -> dict[str, dict[str, float]]:
        one, two = self.rates[Suite.ED25519], self.rates[Suite.SM2]
        return {
            "suite_1_envelopes_per_second": spread(one, 1),
            "suite_2_envelopes_per_second": spread(two, 1),
            "ratio": spread([b / a for a, b in zip(one, two, strict=True)], 4),
        }


async def compare(envelopes: int, size: int, rounds: int, say: Say) -> Comparison:
    """Two nodes of suite 1 and two of suite 2 carry envelopes in turns, after a round to warm up."""
    found = Comparison()
    with sandbox_folder() as folder:
        networks: dict[Suite, Network] = {}
        sources: dict[Suite, Source] = {}
        try:
            for suite in Suite:
                home = folder / f"suite-{suite}"
                home.mkdir()
                networks[suite] = Network(home, COUNTY, suite)
                sources[suite] = await founded(networks[suite], home)
            for number in range(rounds + 1):
                for suite, source in sources.items():
                    rate = await one_round(networks[suite], source, envelopes, size)
                    say(f"round {number or 'to warm up'}: suite {suite}, {rate:,.0f}/s")
                    if number:
                        found.rates[suite].append(rate)
            for source in sources.values():
                await source.stop()
        finally:
            for network in networks.values():
                await network.stop()
    return found


def _rate(operation: Callable[[], object]) -> float:
    operation()
    count, began = 0, time.process_time()
    while time.process_time() - began < OPERATION_SECONDS:
        for _ in range(OPERATIONS_AT_ONCE):
            operation()
        count += OPERATIONS_AT_ONCE
    return count / (time.process_time() - began)
