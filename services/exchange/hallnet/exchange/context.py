"""What the exchange knows of its own node while it runs: who it is, whom it believes, who is around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hallnet.federation.admission import Surroundings
from hallnet.federation.continuity import PARENT_WAIT, End
from hallnet.federation.returning import WORDS_AWAITED_FOR
from hallnet.node.home import Identity
from hallnet.places import Address, Divisions
from hallnet.problems import Kind, Problem
from hallnet.store.room import ROOMY, Room
from hallnet.trust.believed import Standing, Trust
from hallnet.trust.certificate import Certificate
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.trust.freshness import without_bundle
from hallnet.trust.suite import Suite

RandomBytes = Callable[[int], bytes]


class JournalHeld(Problem):
    """The journal is not to grow yet: nobody has said where it ends."""

    kind = Kind.UNAVAILABLE
    reason = "JOURNAL_HELD"
    zh = "本厅刚刚启动，正在向相邻大厅核对日志的末尾，暂不收发"
    zh_remedy = "请稍后重试；若持续出现，请检查与上级大厅的连接"
    en = "This hall has just started and asks its neighbours where its journal ends: nothing is sent yet"
    en_remedy = "Try again in a moment; if it goes on, check the link to the hall above"


@dataclass(slots=True)
class Context:
    """Passed to every use case. `identity`, `children` and `trust` change as the node lives."""

    identity: Identity
    trust: Trust
    register: Divisions
    random_bytes: RandomBytes
    journal_number: int = 1
    """The number of the journal, as it is in the tables (`numbering`)."""
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
    is_sure: bool = True
    """Whether the journal is known to end where the neighbours saw it end. A process starts unsure, since
    its records may be older than its journal, and until then nothing is added to it."""
    heard: dict[Address, End | None] = field(default_factory=dict)
    """While it is not sure: which end of the journal each neighbour said that it saw; None if it saw none."""
    doubted: set[Address] = field(default_factory=set)
    """Those of them that lost records themselves: they may have seen a longer end than they know."""
    asking_since: datetime | None = None
    """While it is not sure: since when it asks."""
    parent_wait: timedelta = PARENT_WAIT
    """So long it waits for its parent before it goes on under a new number of its journal."""
    words_awaited_for: timedelta = WORDS_AWAITED_FOR
    """So long it waits for its own words, if it lost records."""
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

    def neighbours(self) -> set[Address]:
        """The halls to which it has a link."""
        return self.children | ({self.parent} if self.parent is not None else set())

    def once_sure(self, journal_number: int) -> Context:
        """Itself as it is for the transaction in which the journal goes on: only that one is sure already, all
        others are once it is committed."""
        sure = copy(self)
        sure.is_sure, sure.journal_number = True, journal_number
        return sure

    def require_sure(self) -> None:
        """Raises JournalHeld."""
        if not self.is_sure:
            raise JournalHeld

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
