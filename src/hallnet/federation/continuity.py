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
from hallnet.trust.suites import DIGEST_BYTES, algorithms
from hallnet.wire.exchange.v1 import link_pb2 as wire

CHILDREN_WAIT = timedelta(seconds=30)
"""How long a hall waits, once its parent has answered, for children that do not: they may be gone for weeks."""
PARENT_WAIT = timedelta(days=1)
"""How long it waits for its parent before it goes on with what children say: so a hall that was started again
while it is cut off deals with the halls below it. If it was rolled back after all, its parent will notice."""


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
) -> bool:
    """Whether enough neighbours have said which end of this hall's journal they saw.

    The parent, which witnesses the journal, has to; the highest hall needs the word of a child. Who has no
    neighbour showed its journal to nobody.
    """
    if set(neighbours) <= set(heard):
        return True
    if parent in heard or (parent is None and heard):
        return waited >= children_wait
    return bool(heard) and waited >= PARENT_WAIT
