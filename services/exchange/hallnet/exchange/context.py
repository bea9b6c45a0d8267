"""What the exchange knows of its own node while it runs: who it is, whom it believes, who is around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hallnet.federation.admission import Surroundings
from hallnet.node.home import Identity
from hallnet.places import Address, Divisions
from hallnet.store.room import ROOMY, Room
from hallnet.trust.believed import Standing, Trust
from hallnet.trust.certificate import Certificate
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.trust.freshness import without_bundle
from hallnet.trust.suites import Suite

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
    presence: bytes = b""
    """What neighbours are told: it changes when a process of this exchange starts or is gone, and then they
    send again what it will not answer any more."""
    children: set[Address] = field(default_factory=set)
    home: Identity = field(init=False)
    """With the keys of the node's home, which wrap those that came later."""
    sealing_keys: dict[bytes, bytes] = field(default_factory=dict)
    """All keys to which somebody may have sealed, by certificate."""
    waiting_keys: list[bytes] = field(default_factory=list)
    """Keys for sealing for which a certificate was asked, the newest first."""
    room: Room = ROOMY
    """On the disk, as it was looked at last."""
    wanted_suite: Suite | None = None
    """The suite to which the settings say that this hall is to go; None: the one it has."""

    def __post_init__(self) -> None:
        self.home = self.identity
        self.presence = self.presence or self.incarnation
        self.sealing_keys[self.home.certificate.id] = self.home.sealing_key

    @property
    def journal_suite(self) -> Suite:
        """The suite of the journal's hashes: the one in which the home was founded, for always."""
        return self.home.certificate.body.suite

    @property
    def here(self) -> Address:
        return self.identity.address

    @property
    def parent(self) -> Address | None:
        return self.identity.parent

    def issuers_of(self, signed: SignedCheckpoint) -> Iterator[Certificate]:
        """The signer of a checkpoint and those above it without the root, once they are asked for."""
        yield from self.trust.chain_of(signed.certificate_id)[:-1]

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
