"""Which suites there are here, and which two halls use.

Which suite is used between two halls follows from signed statements alone: the certificate of each,
and the trust bundle, which says what the network allows. Nobody asks a hello.
"""

from __future__ import annotations

from collections.abc import Collection

from hallnet.trust import ed25519
from hallnet.trust.problems import SuiteNotInstalled, SuiteUnsupported
from hallnet.trust.suite import Algorithms, Suite

BEST_FIRST = (Suite.SM2, Suite.ED25519)
"""Where both can be used: what the law asks of public bodies goes first."""

_ALGORITHMS: dict[int, Algorithms] = {Suite.ED25519: ed25519.Suite1()}


def algorithms(suite: int) -> Algorithms:
    """The algorithms of a suite; raises SuiteUnsupported or SuiteNotInstalled."""
    found = _ALGORITHMS.get(suite)
    if found is None:
        if suite != Suite.SM2:
            raise SuiteUnsupported("suite", suite=suite)
        found = _ALGORITHMS[suite] = _suite_2()
    return found


def _suite_2() -> Algorithms:
    """Loaded when it is first needed: its library is not to be had everywhere."""
    try:
        from hallnet.trust.sm2 import Suite2
    except ImportError as error:
        raise SuiteNotInstalled("suite", suite=int(Suite.SM2), package="gmssl-pyx") from error
    return Suite2()


def supported() -> frozenset[Suite]:
    """The suites that this installation can sign, verify, seal and open with."""
    found = set()
    for suite in Suite:
        try:
            found.add(algorithms(suite).suite)
        except SuiteUnsupported:
            continue
    return frozenset(found)


def best_suite(offered: Collection[int], allowed: Collection[int]) -> Suite | None:
    """The best of what one hall offers and the network allows; None if they have nothing in common.

    Both come from signed statements: what is offered from certificates, what is allowed from the trust
    bundle (before the first one: from the root).
    """
    return next((suite for suite in BEST_FIRST if suite in offered and suite in allowed), None)


def suite_of_private_key(private: bytes) -> Suite:
    """The suite that a private key in a file is for: the lengths are different."""
    return Suite.ED25519 if len(private) == ed25519.PRIVATE_KEY_BYTES else Suite.SM2
