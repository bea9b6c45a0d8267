"""What the exchange knows of its own node while it runs: who it is, whom it believes, who is around."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hallnet.federation.admission import Surroundings
from hallnet.node.home import Identity
from hallnet.places import Address, Divisions
from hallnet.store.vault import Vault
from hallnet.trust.believed import Standing, Trust
from hallnet.trust.freshness import without_bundle

RandomBytes = Callable[[int], bytes]


@dataclass(slots=True)
class Context:
    """Passed to every use case. `identity`, `children` and `trust` change as the node lives."""

    identity: Identity
    trust: Trust
    register: Divisions
    random_bytes: RandomBytes
    journal_number: int = 1
    incarnation: bytes = b""
    """Random for each start of the process."""
    children: set[Address] = field(default_factory=set)
    home: Identity = field(init=False)
    """With the keys of the node's home, which wrap those that came later."""
    sealing_keys: dict[bytes, bytes] = field(default_factory=dict)
    """All keys to which somebody may have sealed, by certificate."""
    waiting_keys: list[bytes] = field(default_factory=list)
    """Keys for sealing for which a certificate was asked, the newest first."""
    vault: Vault = field(init=False)
    """Closes what must not lie open in the tables."""

    def __post_init__(self) -> None:
        self.home = self.identity
        self.vault = Vault(self.home.signing_key, b"hallnet exchange v1")
        self.sealing_keys[self.home.certificate.id] = self.home.sealing_key

    @property
    def here(self) -> Address:
        return self.identity.address

    @property
    def parent(self) -> Address | None:
        return self.identity.parent

    def standing(self) -> Standing:
        """How fresh the trust data are, also while no bundle has come yet."""
        founded_at = self.home.certificate.body.not_before
        return self.trust.standing or Standing(0, *without_bundle(founded_at))

    def surroundings(self) -> Surroundings:
        return Surroundings(
            self.here,
            self.parent,
            frozenset(self.children),
            self.register,
            self.trust,
            self.sealing_keys,
            self.waiting_keys,
        )
