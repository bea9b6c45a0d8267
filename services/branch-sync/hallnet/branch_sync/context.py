"""What branch-sync knows of its own node while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.node.home import Membership
from hallnet.places import Address
from hallnet.trust.believed import Trust
from hallnet.trust.suite import Suite


@dataclass(slots=True)
class Context:
    """Passed to every use case."""

    membership: Membership
    trust: Trust
    wanted_suites: frozenset[Suite] = frozenset()
    """Of the highest hall: what its settings say that the network may use; empty: what is allowed now."""

    @property
    def here(self) -> Address:
        return self.membership.address

    @property
    def parent(self) -> Address | None:
        return self.membership.parent

    @property
    def top(self) -> Address:
        """The hall that the root certified: it alone says who is believed."""
        return self.membership.chain[-2].address
