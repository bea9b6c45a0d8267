"""How old trust data may be, by a rule that needs no clock of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import NOW

from hallnet.branch_sync import certificates, passing_on
from hallnet.exchange.certificates import renewing
from hallnet.trust.freshness import (
    CARRIED_ALWAYS,
    HARD_EXPIRY,
    SOFT_EXPIRY,
    Freshness,
    freshness,
    without_bundle,
)

MOMENT = timedelta(microseconds=1)
SOFT, HARD = NOW + SOFT_EXPIRY, NOW + HARD_EXPIRY


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW - timedelta(days=1000), Freshness.FRESH),
        (SOFT - MOMENT, Freshness.FRESH),
        (SOFT, Freshness.STALE),
        (HARD - MOMENT, Freshness.STALE),
        (HARD, Freshness.EXPIRED),
        (HARD + timedelta(days=1000), Freshness.EXPIRED),
    ],
)
def test_an_expiry_has_come_at_its_very_moment(at: object, expected: Freshness) -> None:
    assert freshness(SOFT, HARD, at) is expected  # type: ignore[arg-type]


@given(st.integers(-10, 200), st.integers(0, 200))
def test_trust_data_only_grow_older(first: int, later: int) -> None:
    one, other = NOW + timedelta(days=first), NOW + timedelta(days=first + later)
    assert freshness(SOFT, HARD, one) <= freshness(SOFT, HARD, other)


def test_a_node_without_a_bundle_is_as_fresh_as_its_certificate() -> None:
    assert without_bundle(NOW) == (SOFT, HARD)
    assert freshness(*without_bundle(NOW), NOW) is Freshness.FRESH


def test_the_top_publishes_long_before_the_soft_expiry_and_a_hall_outlives_many_bundles() -> None:
    every = SOFT_EXPIRY - certificates.RENEW_BEFORE
    assert every > timedelta(0)
    assert 8 * every <= HARD_EXPIRY
    assert SOFT_EXPIRY < HARD_EXPIRY


def test_what_renews_trust_data_is_always_carried_and_nothing_else() -> None:
    kinds = renewing.KINDS | {certificates.CERTIFICATES_KIND}
    kinds |= {passing_on.RELEASE_KIND, passing_on.CHANGE_KIND, passing_on.WANTED_KIND}
    assert kinds == CARRIED_ALWAYS
