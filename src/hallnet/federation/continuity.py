"""When a hall that has just started knows that its journal ends where others saw it end.

Its records may be older than its journal: a backup was put back, or a disk forgot what it had confirmed.
It cannot see that by itself, and to add to such a journal would give it two pasts. So it asks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from hallnet.places import Address
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.trust.merkle import GrowingTree
from hallnet.trust.suite import DIGEST_BYTES
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import link_pb2 as wire

CHILDREN_WAIT = timedelta(seconds=30)
"""How long a hall waits, once its parent has answered, for children that do not: they may be gone for weeks."""
PARENT_WAIT = timedelta(minutes=10)
"""How long it waits for its parent before it goes on with what children say, under a new number of its journal: so
a hall that was started while it is cut off deals with the halls below it, and nobody is shown two pasts of one
journal if it was rolled back after all."""
PARENT_WAIT_RESTORED = timedelta(days=1)
"""The same after a backup was put back: what the parent saw is surely more than what is here."""


@dataclass(frozen=True, slots=True)
class End:
    """A head of a journal, and the roots of the subtrees of which its tree is made, the biggest first."""

    head: SignedCheckpoint
    frontier: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return self.head.checkpoint.size

    def is_whole(self) -> bool:
        """Whether the frontier gives the root of the head."""
        head = self.head.checkpoint
        if any(len(root) != DIGEST_BYTES for root in self.frontier):
            return False
        try:
            tree = GrowingTree(algorithms(head.suite).digest, head.size, self.frontier)
        except ValueError:
            return False
        return tree.root() == head.root

    def to_message(self) -> wire.JournalEnd:
        return wire.JournalEnd(head=self.head.to_message(), frontier=self.frontier)


def is_known(
    parent: Address | None,
    neighbours: Collection[Address],
    heard: Collection[Address],
    waited: timedelta,
    children_wait: timedelta = CHILDREN_WAIT,
    parent_wait: timedelta = PARENT_WAIT,
) -> bool:
    """Whether enough neighbours have said which end of this hall's journal they saw.

    The parent, which witnesses the journal, has to; the highest hall needs the word of a child. Who has no
    neighbour showed its journal to nobody. Without its parent a hall goes on after a while (`is_alone`).
    """
    if set(neighbours) <= set(heard):
        return True
    if parent in heard or (parent is None and heard):
        return waited >= children_wait
    return bool(heard) and waited >= max(parent_wait, children_wait)


def is_alone(
    parent: Address | None,
    heard: Collection[Address],
    doubted: Collection[Address] = frozenset(),
) -> bool:
    """Whether a hall goes on without the word of its parent, which may have seen more than anybody else; the highest
    hall without that of any child.

    Who lost records itself, and was not shown the end since, may have seen more than it knows.
    """
    trusted = set(heard) - set(doubted)
    if parent is None:
        return bool(heard) and not trusted
    return parent not in trusted
