"""A link to a neighbour: whether it stands, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from hallnet.federation.backoff import LINK


@dataclass(frozen=True, slots=True)
class Link:
    """What a node remembers of a neighbour between batches and restarts."""

    up: bool = False
    failures: int = 0
    next_try_at: datetime | None = None
    heard_at: datetime | None = None
    sent_sequence: int = 0
    """Of the last batch that was sent."""
    taken_sequence: int = 0
    """Of the last batch that was taken from the neighbour."""

    def may_send(self, now: datetime) -> bool:
        return self.next_try_at is None or now >= self.next_try_at

    def answered(self, now: datetime) -> Link:
        """The neighbour answered a batch."""
        return replace(self, up=True, failures=0, next_try_at=None, heard_at=now)

    def failed(self, now: datetime, jitter: float) -> Link:
        """A batch was not answered."""
        failures = self.failures + 1
        return replace(
            self, up=False, failures=failures, next_try_at=LINK.next_try(failures, now, jitter)
        )

    def unheard(self) -> Link:
        """The neighbour did not answer a hello."""
        return replace(self, up=False)

    def put_off(self, until: datetime) -> Link:
        """The neighbour asked to wait."""
        return replace(self, next_try_at=until)

    def heard(self, now: datetime) -> Link:
        """The neighbour said hello or sent a batch: whatever pause there was is over."""
        return replace(self, up=True, failures=0, next_try_at=None, heard_at=now)

    def took(self, sequence: int) -> Link:
        return replace(self, taken_sequence=sequence)

    def sent(self, sequence: int) -> Link:
        return replace(self, sent_sequence=max(self.sent_sequence, sequence))
