"""A link to a neighbour: pauses after failures, none after a sign of life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hallnet.federation.backoff import LINK
from hallnet.federation.link import Link

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECONDS = st.floats(0, 120).map(lambda seconds: timedelta(seconds=seconds))


def test_a_new_link_may_send_at_once() -> None:
    assert Link().may_send(NOW)
    assert not Link().up


def test_a_link_that_failed_waits_and_then_tries_again() -> None:
    link = Link().failed(NOW, 1.0)
    assert not link.up
    assert not link.may_send(NOW)
    assert link.next_try_at == NOW + LINK.first
    assert not link.may_send(NOW + LINK.first - timedelta(microseconds=1))
    assert link.may_send(NOW + LINK.first)


def test_an_answer_or_a_hello_ends_the_pause_and_forgets_the_failures() -> None:
    failed = Link().failed(NOW, 1.0).failed(NOW, 1.0).failed(NOW, 1.0)
    assert failed.failures == 3
    for revived in (failed.heard(NOW), failed.answered(NOW)):
        assert revived.up
        assert revived.failures == 0
        assert revived.may_send(NOW)
        assert revived.heard_at == NOW
        assert revived.failed(NOW, 1.0).next_try_at == NOW + LINK.first


def test_a_neighbour_that_asks_to_wait_is_not_down() -> None:
    link = Link().heard(NOW).put_off(NOW + timedelta(minutes=1))
    assert link.up
    assert not link.may_send(NOW)
    assert link.may_send(NOW + timedelta(minutes=1))


def test_the_batch_that_was_taken_last_is_remembered_be_it_an_earlier_one() -> None:
    """What follows a batch may only be taken right behind it."""
    assert Link().took(7).took(3).taken_sequence == 3


class AnyLink(RuleBasedStateMachine):
    """Whatever happens on a link, in any order."""

    @initialize()
    def begin(self) -> None:
        self.link, self.now, self.sent, self.taken = Link(), NOW, 0, 0

    @rule(pause=SECONDS)
    def time_passes(self, pause: timedelta) -> None:
        self.now += pause

    @rule()
    def sends(self) -> None:
        self.link = self.link.answered(self.now).sent(self.link.sent_sequence + 1)
        self.sent += 1
        assert self.link.may_send(self.now)

    @rule(jitter=st.floats(0, 1))
    def fails(self, jitter: float) -> None:
        self.link = self.link.failed(self.now, jitter)
        assert not self.link.may_send(self.now)
        assert self.link.may_send(self.now + LINK.longest)

    @rule()
    def hears(self) -> None:
        self.link = self.link.heard(self.now)
        assert self.link.may_send(self.now)

    @rule(pause=SECONDS)
    def is_put_off(self, pause: timedelta) -> None:
        self.link = self.link.put_off(self.now + pause)

    @rule(sequence=st.integers(0, 100))
    def takes(self, sequence: int) -> None:
        self.link = self.link.took(sequence)
        self.taken = sequence

    @invariant()
    def what_was_sent_only_grows(self) -> None:
        if hasattr(self, "link"):
            assert (self.link.sent_sequence, self.link.taken_sequence) == (self.sent, self.taken)

    @invariant()
    def a_pause_always_ends(self) -> None:
        if hasattr(self, "link"):
            assert self.link.may_send(self.now + max(LINK.longest, timedelta(minutes=3)))


TestAnyLink = AnyLink.TestCase


@given(st.integers(1, 100))
def test_batches_are_counted_one_by_one(count: int) -> None:
    link = Link()
    for _ in range(count):
        link = link.sent(link.sent_sequence + 1)
    assert link.sent_sequence == count
