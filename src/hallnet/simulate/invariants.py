"""The nine invariants, checked after every commit of every disk as far as that commit touched them, and
wholly when everything has healed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from hallnet.case.event import EVENT, digest
from hallnet.places import Address
from hallnet.simulate.disk import Disk
from hallnet.simulate.following import FEEDS, News
from hallnet.simulate.hall import Hall
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

VIOLATIONS_MAX = 50
"""So many are told; a run that broke once breaks in many ways."""


class Invariant(Enum):
    """Which promise was broken."""

    NOTHING_LOST = 1
    NOTHING_TWICE = 2
    ONE_CUSTODIAN = 3
    ONLY_ITS_OWN_VOICE = 4
    HISTORY_ONLY_GROWS = 5
    DUE_DATES_ARE_EQUAL = 6
    A_HALL_WORKS_ALONE = 7
    NUMBERS_RECONCILE = 8
    EVERY_LOOK_IS_ON_RECORD = 9
    NOTHING_FAILS = 10


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, where, and how."""

    invariant: Invariant
    hall: Address
    what: str
    at: float

    def __str__(self) -> str:
        return f"{self.invariant.name} at {self.hall} after {self.at:.3f} s: {self.what}"


@dataclass(slots=True)
class Checker:
    """Looks at what every commit changed. It knows all disks, so it sees what no hall can see."""

    halls: dict[Address, Hall]
    now: Callable[[], float]
    violations: list[Violation] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    events: int = 0
    untrusted: set[Address] = field(default_factory=set)
    """Halls whose disk forgot something it had confirmed: what they say of themselves is not believed."""
    to_be_noticed: set[Address] = field(default_factory=set)
    """Those of them that forgot what a neighbour had seen: an incident has to tell of it."""
    forgiven: Counter[str] = field(default_factory=Counter)
    """What halls did that had forgotten what their disks had confirmed."""
    _heads: dict[tuple[Address, str], int] = field(default_factory=dict)
    histories: dict[str, list[bytes]] = field(default_factory=dict)
    """The true history of each case: digests of its events."""
    authors: dict[bytes, Address] = field(default_factory=dict)
    """Who really said what, by its digest."""
    custodians: dict[str, set[Address]] = field(default_factory=dict)
    """Halls that take themselves for the custodian, by case."""
    _due: dict[tuple[str, int, int], tuple[object, ...]] = field(default_factory=dict)
    _numbers: dict[str, str] = field(default_factory=dict)
    _taken: set[tuple[Address, bytes]] = field(default_factory=set)
    _journals: dict[Address, int] = field(default_factory=dict)
    gone_on: dict[Address, Address] = field(default_factory=dict)
    """Halls that go on under another address: what is meant for them goes there from then on."""
    excused: set[str] = field(default_factory=set)
    """Cases of which the last words of a hall that forgot them were on their way."""
    _never_were: dict[str, list[bytes]] = field(default_factory=dict)
    """The last words of a hall on a case that nobody has any more, the last one first: a backup that is newer than
    the one that forgot them brings them back."""
    _forgot_to: dict[Address, int] = field(default_factory=dict)
    """How long the journal of a hall was with which it has to be noticed that it forgot."""
    _two_histories: set[str] = field(default_factory=set)
    """Cases in which a hall that had forgotten what it said went on otherwise."""
    _roots: dict[tuple[Address, int, str], str] = field(default_factory=dict)

    def cases(self) -> list[str]:
        """Those that happened: one of which a disk forgot all, and nobody else had heard, never was."""
        return [case_id for case_id, history in self.histories.items() if history]

    def is_broken(self, invariant: Invariant) -> bool:
        return any(one.invariant is invariant for one in self.violations)

    def broken(
        self, invariant: Invariant, hall: Address, what: str, is_excused: bool = False
    ) -> None:
        if is_excused:
            self.forgiven[invariant.name.lower()] += 1
        elif len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(invariant, hall, what, self.now()))

    # After each commit

    def committed(self, hall: Hall, disk: Disk) -> Sequence[News]:
        """Look at what is new in the feed, and return it: nothing if nothing was appended."""
        service = disk.schema
        if service == "exchange":
            self._journal(hall)
        place = hall.address, service
        rows = disk.ask("SELECT position FROM feed_head")
        head, before = (rows[0][0] if rows else 0), self._heads.get(place, 0)
        if head == before:
            return ()
        self._heads[place] = head
        if head < before:
            self.broken(Invariant.NOTHING_LOST, hall.address, f"the feed of {service} went back")
        news = list(_news(disk, before, head))
        if service == "branch_sync":
            return news
        touched: dict[str, bool] = {}
        for entry in (entry for new in news for entry in new.entries):
            self.events += 1
            if service == "exchange":
                self._inbound(hall, entry)
            elif entry.kind in ("case.event", "case.replica"):
                self._event(hall, entry)
                touched[entry.subject] = True
            elif entry.kind == "case.due_changed":
                touched[entry.subject] = True
        for case_id in touched:
            self._case(hall, case_id)
        return news

    def _inbound(self, hall: Hall, entry: wire_feed.FeedEntry) -> None:
        if entry.kind != "message.received":
            return
        self.checks["nothing twice"] += 1
        message = wire_feed.InboundMessage.FromString(entry.payload)
        place = hall.address, message.envelope_id
        if place in self._taken and hall.address not in self.untrusted:
            self.broken(
                Invariant.NOTHING_TWICE, hall.address, f"envelope {message.envelope_id.hex()}"
            )
        self._taken.add(place)

    def _event(self, hall: Hall, entry: wire_feed.FeedEntry) -> None:
        """Own events make the true history longer; those of others must be part of it."""
        self.checks["history of cases"] += 1
        event, mark = EVENT.from_bytes(entry.payload), digest(entry.payload)
        where, place = hall.address, event.sequence - 1
        history = self.histories.setdefault(event.case_id, [])
        if entry.kind == "case.event":
            if event.author != where:
                self.broken(Invariant.ONLY_ITS_OWN_VOICE, where, f"spoke as {event.author}")
            self.authors[mark] = where
            if place == len(history):
                history.append(mark)
                self._never_were.pop(event.case_id, None)
        elif self.authors.get(mark) != event.author:
            self.broken(
                Invariant.ONLY_ITS_OWN_VOICE, where, f"believes what {event.author} never said"
            )
        if not (place < len(history) and history[place] == mark):
            self._two_histories.add(event.case_id)
            self.broken(
                Invariant.ONE_CUSTODIAN,
                where,
                f"case {event.case_id} has two events {event.sequence}: "
                f"{type(event.fact).__name__} by {event.author} is the second",
                event.case_id in self.excused,
            )
        if event.sequence == 1:
            self._number(event.author, event.case_id, event.fact.case_no)  # type: ignore[union-attr]

    def _number(self, where: Address, case_id: str, case_no: str) -> None:
        if self._numbers.setdefault(case_no, case_id) == case_id:
            return
        self.broken(Invariant.NOTHING_TWICE, where, f"the number {case_no} was given twice")

    def _case(self, hall: Hall, case_id: str) -> None:
        """The row of a case: who may decide, and until when."""
        self.checks["one custodian"] += 1
        self.checks["due dates"] += 1
        row = hall.intake.ask(
            "SELECT custodian, in_transit_to, due_on, due_provisional, due_kind, ended"
            ' FROM "case" WHERE case_id = ?',
            case_id,
        )[0]
        holders = self.custodians.setdefault(case_id, set())
        holders.discard(hall.address)
        if row[0] == str(hall.address):
            holders.add(hall.address)
        if len(holders) > 1 and not holders & self.untrusted:
            names = ", ".join(sorted(map(str, holders)))
            self.broken(Invariant.ONE_CUSTODIAN, hall.address, f"{case_id} is decided by {names}")
        ((sequence,),) = hall.intake.ask(
            "SELECT max(sequence) FROM case_event WHERE case_id = ?", case_id
        )
        releases = hall.intake.ask("SELECT sum(version) FROM release")[0][0]
        due = self._due.setdefault((case_id, sequence, releases), row[2:5])
        if due != row[2:5] and case_id in self._two_histories:
            # They are equal where the events are; that they are not is told above.
            self.forgiven["due dates of two histories"] += 1
        elif due != row[2:5]:
            self.broken(
                Invariant.DUE_DATES_ARE_EQUAL, hall.address, f"{case_id}: {row[2:5]}, not {due}"
            )

    def _journal(self, hall: Hall) -> None:
        rows = hall.exchange.ask("SELECT size FROM journal_head")
        size, before = (rows[0][0] if rows else 0), self._journals.get(hall.address, 0)
        if size == before:
            return
        self.checks["journal"] += 1
        self._journals[hall.address] = size
        if size < before:
            self.broken(Invariant.HISTORY_ONLY_GROWS, hall.address, f"{before} to {size}")
        heads = hall.exchange.ask(
            "SELECT note FROM checkpoint WHERE address = ? AND size = ?", str(hall.address), size
        )
        if not heads:
            self.broken(Invariant.HISTORY_ONLY_GROWS, hall.address, f"no head of size {size}")
            return
        # Under a new number it is another journal, which may have another past.
        root, origin = root_in(heads[-1][0]), origin_in(heads[-1][0])
        if self._roots.setdefault((hall.address, size, origin), root) != root:
            self.broken(Invariant.HISTORY_ONLY_GROWS, hall.address, f"two heads of size {size}")

    def forgot(self, hall: Hall) -> None:
        """The disks of a hall lied: it is not to be blamed for what nobody else knows."""
        self.untrusted.add(hall.address)
        self._remember_what_is_back(hall)
        self._forget_what_nobody_has(hall)
        for service, disk in hall.disks.items():
            rows = disk.ask("SELECT position FROM feed_head")
            self._heads[hall.address, service] = rows[0][0] if rows else 0
        rows = hall.exchange.ask("SELECT size FROM journal_head")
        before, size = self._journals.get(hall.address), rows[0][0] if rows else 0
        self._journals[hall.address] = size
        shown = {
            row[0]
            for other in self.halls.values()
            if other is not hall
            for row in other.exchange.ask(
                "SELECT size FROM checkpoint WHERE address = ?", str(hall.address)
            )
        }
        if max(shown, default=0) > size:
            self.to_be_noticed.add(hall.address)
            self._forgot_to[hall.address] = size
        elif self._forgot_to.get(hall.address) == before:
            # It did nothing meanwhile, and nothing is missing now.
            self.to_be_noticed.discard(hall.address)
        # A head that nobody was shown never was.
        for place in [*self._roots]:
            if place[0] == hall.address and place[1] > size and place[1] not in shown:
                del self._roots[place]

    def _remember_what_is_back(self, hall: Hall) -> None:
        for case_id, words in self._never_were.items():
            history = self.histories[case_id]
            while words and _has_event(hall, case_id, len(history) + 1):
                history.append(words.pop())

    def _forget_what_nobody_has(self, hall: Hall) -> None:
        """The last events that a hall had said of a case never were, unless another hall has them: all others
        come back to it. What is on its way may arrive or not."""
        others = [other for other in self.halls.values() if other is not hall]
        here = str(hall.address)
        under_way = {
            subject
            for other in others
            for (subject,) in other.exchange.ask(
                "SELECT subject FROM parcel WHERE sender = ?"
                " UNION SELECT subject FROM reception WHERE sender = ?",
                here,
                here,
            )
        }
        never_were: set[tuple[str, int]] = set()
        for case_id, history in self.histories.items():
            while history and self.authors.get(history[-1]) == hall.address:
                if any(_has_event(one, case_id, len(history)) for one in (hall, *others)):
                    break
                if case_id in under_way:
                    self.excused.add(case_id)
                    break
                never_were.add((case_id, len(history)))
                self._never_were.setdefault(case_id, []).append(history.pop())
        self._due = {place: due for place, due in self._due.items() if place[:2] not in never_were}


def _news(disk: Disk, after: int, head: int) -> Iterator[News]:
    feed = FEEDS[disk.schema]
    while after < head:
        entries = disk.inspect(partial(feed.after, position=after))
        if not entries:
            # A leap left the head beyond the newest entry.
            return
        yield News(after, entries)
        after = entries[-1].position


def _has_event(hall: Hall, case_id: str, sequence: int) -> bool:
    """Whether an event is in the records of a hall, or waits there for its turn."""
    found = hall.intake.ask(
        "SELECT 1 FROM case_event WHERE case_id = ? AND sequence = ?"
        " UNION SELECT 1 FROM early_event WHERE case_id = ? AND sequence = ?",
        case_id,
        sequence,
        case_id,
        sequence,
    )
    return bool(found)


def origin_in(note: bytes) -> str:
    """The hall and the number of the journal."""
    return note.decode().splitlines()[0]


def root_in(note: bytes) -> str:
    return note.decode().splitlines()[2]
