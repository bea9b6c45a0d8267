"""The nine invariants, checked after every commit of every disk as far as that commit touched them, and
wholly when everything has healed."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from sqlalchemy import select

from hallnet.case.case import Case
from hallnet.case.event import EVENT, digest
from hallnet.exchange import queues, tables
from hallnet.exchange.journal_store import load_gaps, read_runs, read_tile
from hallnet.federation import delivery
from hallnet.intake import cases, counting
from hallnet.intake import tables as intake_tables
from hallnet.numbers.measure import Key, Measure
from hallnet.places import Address
from hallnet.simulate.disk import Disk
from hallnet.simulate.following import FEEDS
from hallnet.simulate.founding import KEYS
from hallnet.simulate.hall import Hall
from hallnet.simulate.people import Record
from hallnet.simulate.villains import FORGED
from hallnet.store import Connection
from hallnet.trust import merkle
from hallnet.trust.journal import Journal
from hallnet.trust.problems import NeighbourForked, NeighbourRewound, OwnJournalRewound
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

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
    _histories: dict[str, list[bytes]] = field(default_factory=dict)
    """The true history of each case: digests of its events."""
    _authors: dict[bytes, Address] = field(default_factory=dict)
    """Who really said what, by its digest."""
    _custodians: dict[str, set[Address]] = field(default_factory=dict)
    """Halls that take themselves for the custodian, by case."""
    _due: dict[tuple[str, int, int], tuple[object, ...]] = field(default_factory=dict)
    _numbers: dict[str, str] = field(default_factory=dict)
    _taken: set[tuple[Address, bytes]] = field(default_factory=set)
    _journals: dict[Address, int] = field(default_factory=dict)
    _two_histories: set[str] = field(default_factory=set)
    """Cases in which a hall that had forgotten what it said went on otherwise."""
    _roots: dict[tuple[Address, int], str] = field(default_factory=dict)

    def broken(self, invariant: Invariant, hall: Address, what: str) -> None:
        if hall in self.untrusted and invariant in _OF_WHO_FORGOT:
            self.forgiven[invariant.name.lower()] += 1
        elif len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(invariant, hall, what, self.now()))

    # After each commit

    def committed(self, hall: Hall, disk: Disk) -> int:
        """Look at what is new in the feed; returns how far it goes now, 0 if nothing was appended."""
        service = disk.schema
        if service == "exchange":
            self._journal(hall)
        place = hall.address, service
        rows = disk.ask("SELECT position FROM feed_head")
        head, before = (rows[0][0] if rows else 0), self._heads.get(place, 0)
        if head == before:
            return 0
        self._heads[place] = head
        if head < before:
            self.broken(Invariant.NOTHING_LOST, hall.address, f"the feed of {service} went back")
        if service == "branch_sync":
            return head
        touched: dict[str, bool] = {}
        for entry in self._entries(disk, before):
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
        return head

    def _entries(self, disk: Disk, after: int) -> Iterable[wire_feed.FeedEntry]:
        feed = FEEDS[disk.schema]
        while entries := disk.inspect(partial(feed.after, position=after)):
            yield from entries
            after = entries[-1].position

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
        history = self._histories.setdefault(event.case_id, [])
        if entry.kind == "case.event":
            if event.author != where:
                self.broken(Invariant.ONLY_ITS_OWN_VOICE, where, f"spoke as {event.author}")
            self._authors[mark] = where
            if place == len(history):
                history.append(mark)
        elif self._authors.get(mark) != event.author:
            self.broken(
                Invariant.ONLY_ITS_OWN_VOICE, where, f"believes what {event.author} never said"
            )
        if not (place < len(history) and history[place] == mark):
            self._two_histories.add(event.case_id)
            self.broken(
                Invariant.ONE_CUSTODIAN,
                event.author if event.author in self.untrusted else where,
                f"case {event.case_id} has two events {event.sequence}: "
                f"{type(event.fact).__name__} by {event.author} is the second",
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
        holders = self._custodians.setdefault(case_id, set())
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
        root = _root_in(heads[-1][0])
        if self._roots.setdefault((hall.address, size), root) != root:
            self.broken(Invariant.HISTORY_ONLY_GROWS, hall.address, f"two heads of size {size}")

    def forgot(self, hall: Hall) -> None:
        """The disks of a hall lied: it is not to be blamed for what it does not know any more."""
        self.untrusted.add(hall.address)
        for service, disk in hall.disks.items():
            rows = disk.ask("SELECT position FROM feed_head")
            self._heads[hall.address, service] = rows[0][0] if rows else 0
        rows = hall.exchange.ask("SELECT size FROM journal_head")
        size = self._journals[hall.address] = rows[0][0] if rows else 0
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
        # A head that nobody was shown never was.
        for place in [*self._roots]:
            if place[0] == hall.address and place[1] > size and place[1] not in shown:
                del self._roots[place]

    # When everything has healed

    def wholly(self, record: Record, sound: Callable[[Address], bool], today: str) -> None:
        """Look at everything once. `sound` says of a hall whether it kept to the rules."""
        for case_id, home in record.filed.items():
            self._end_of_case(case_id, home, sound)
        for case_id in self._histories:
            if case_id not in record.filed:
                self._end_of_case(case_id, self._home_of(case_id), sound)
        self._rollups(today)
        for address in sorted(self.to_be_noticed):
            self._noticed(address)
        for hall in self.halls.values():
            self._end_of_journal(hall)
            if hall.address in self.untrusted:
                continue
            self._nothing_open(hall, sound)
            self._looks(hall, record)
            self._sums(hall)
            self._numbers_of(hall)

    def _rollups(self, today: str) -> None:
        """The highest hall's numbers of the days that are over are what every hall counts of itself."""
        top = next(iter(self.halls.values()))
        found = {
            row[:5]: row[5]
            for row in top.sync.ask(
                "SELECT hall, day, item_id, handling_kind, measure, times FROM rollup_count"
            )
            if row[1] < today and Address.parse(row[0]) not in self.untrusted
        }
        true = {
            (str(hall.address), day, item_id, kind, Measure(measure).name.lower()): amount
            for hall in self.halls.values()
            if hall.address not in self.untrusted
            for day, item_id, kind, measure, amount in hall.intake.ask(
                "SELECT day, item_id, handling_kind, measure, amount FROM number"
                " WHERE day < ? AND amount <> 0",
                today,
            )
        }
        self.checks["rollups at the end"] += len(true) + 1
        for place in sorted(found.keys() | true.keys()):
            if found.get(place) != true.get(place):
                self.broken(
                    Invariant.NUMBERS_RECONCILE,
                    top.address,
                    f"{place}: {found.get(place)} reported, {true.get(place)} counted",
                )

    def _numbers_of(self, hall: Hall) -> None:
        """A hall's numbers are what its events say, but for those that depend on the calendar of the day."""
        self.checks["numbers at the end"] += 1

        def look(connection: Connection) -> tuple[Counter[Key], Counter[Key]]:
            kept = counting.kept(connection)
            return kept, counting.from_events(connection, hall.intake_hall)

        kept, counted = hall.intake.inspect(look)
        for key in sorted(kept.keys() | counted.keys()):
            if key.measure not in _BY_CALENDAR and kept[key] != counted[key]:
                self.broken(
                    Invariant.NUMBERS_RECONCILE,
                    hall.address,
                    f"{key}: {kept[key]} kept, {counted[key]} happened",
                )

    def _noticed(self, address: Address) -> None:
        """Somebody holds it as an incident that the journal of a hall went back."""
        self.checks["rewound journals"] += 1
        for hall in self.halls.values():
            for (raw,) in hall.exchange.ask("SELECT incident FROM incident"):
                incident = wire_trust.Incident.FromString(raw)
                of_itself = hall.address == address and incident.reason == OwnJournalRewound.reason
                if of_itself or (incident.reason in _DOUBTS and incident.neighbour == str(address)):
                    return
        self.broken(Invariant.NOTHING_FAILS, address, "forgot, and nobody noticed")

    def _home_of(self, case_id: str) -> Address:
        return self._authors[self._histories[case_id][0]]

    def _find(self, at: Address, case_id: str) -> Case | None:
        return self.halls[at].intake.inspect(lambda c: cases.find(c, case_id))

    def _end_of_case(self, case_id: str, home: Address, sound: Callable[[Address], bool]) -> None:
        self.checks["cases at the end"] += 1
        truth = self._find(home, case_id)
        if truth is None:
            if home not in self.untrusted:
                self.broken(Invariant.NOTHING_LOST, home, f"case {case_id} is gone")
            return
        concerned = [hall for hall in sorted(truth.halls()) if hall in self.halls]
        if not all(map(sound, concerned)):
            return
        if truth.transit is not None:
            self.broken(
                Invariant.NOTHING_LOST,
                home,
                f"case {case_id} is for ever under way to {truth.transit.to}",
            )
        if truth.sequence != len(self._histories[case_id]):
            self.broken(
                Invariant.NOTHING_LOST,
                home,
                f"case {case_id} has {truth.sequence} of {len(self._histories[case_id])} events",
            )
        for hall in concerned:
            if self._find(hall, case_id) != truth:
                self.broken(Invariant.NOTHING_LOST, hall, f"case {case_id} is not as at {home}")
        holders = self._custodians[case_id]
        if holders != {truth.custodian}:
            names = ", ".join(sorted(map(str, holders))) or "nobody"
            self.broken(Invariant.ONE_CUSTODIAN, home, f"case {case_id} is with {names}")

    def _end_of_journal(self, hall: Hall) -> None:
        """Every entry is there, and every head that was signed continues the one before."""
        self.checks["journals at the end"] += 1

        def look(connection: Connection) -> None:
            table = tables.checkpoint
            own = connection.execute(
                select(table.c.size, table.c.note)
                .where(table.c.address == str(hall.address))
                .order_by(table.c.size)
            ).all()
            size = own[-1].size if own else 0
            gaps = load_gaps(connection)
            journal = Journal(KEYS.digest, size, lambda *tile: read_tile(connection, *tile), gaps)
            kept = sum(len(run.entries) for run in read_runs(connection, 0, size))
            if kept + sum(map(len, gaps.places)) != size:
                self.broken(Invariant.HISTORY_ONLY_GROWS, hall.address, "entries are missing")
            for row in own[:: max(len(own) // 20, 1)]:
                root = base64.b64decode(_root_in(row.note))
                if any(row.size < gap.stop for gap in gaps.places):
                    continue
                path = journal.consistency_path(row.size) if 0 < row.size < size else None
                if journal.root(row.size) != root or (
                    path is not None
                    and not merkle.is_consistent(
                        KEYS.digest, row.size, root, size, journal.root(), path
                    )
                ):
                    self.broken(Invariant.HISTORY_ONLY_GROWS, hall.address, f"head {row.size}")

        hall.exchange.inspect(look)

    def _nothing_open(self, hall: Hall, sound: Callable[[Address], bool]) -> None:
        """What was sent has its verdict, and nothing waits anywhere."""
        self.checks["queues at the end"] += 1

        def look(connection: Connection) -> None:
            table = tables.delivery
            still_open = table.c.state.in_(delivery.OPEN) & (table.c.reference != FORGED)
            for row in connection.execute(select(table).where(still_open)):
                if sound(Address.parse(row.recipient)) and sound(hall.address):
                    self.broken(
                        Invariant.NOTHING_LOST,
                        hall.address,
                        f"{row.kind} {row.subject} to {row.recipient} has no verdict"
                        f" (state {row.state}, {row.attempts} attempts)",
                    )
            for neighbour, (count, _) in queues.backlog(connection).items():
                if sound(Address.parse(neighbour)) and sound(hall.address):
                    self.broken(
                        Invariant.NOTHING_LOST,
                        hall.address,
                        f"{count} parcels wait for {neighbour}",
                    )

        hall.exchange.inspect(look)

    def _looks(self, hall: Hall, record: Record) -> None:
        self.checks["looks at the end"] += 1
        ((count,),) = hall.intake.ask("SELECT count(*) FROM access_record")
        least, unsure = record.looks[hall.address], record.untold[hall.address]
        if not least <= count <= least + unsure:
            self.broken(
                Invariant.EVERY_LOOK_IS_ON_RECORD,
                hall.address,
                f"{count} on record, {least} to {least + unsure} happened",
            )

    def _sums(self, hall: Hall) -> None:
        """The list of the hall says of each case what its events say."""
        self.checks["sums at the end"] += 1

        def look(connection: Connection) -> Counter[int]:
            table = intake_tables.case_event
            ids = connection.scalars(select(table.c.case_id).distinct()).all()
            found: Counter[int] = Counter()
            for case_id in ids:
                case = cases.find(connection, case_id)
                assert case is not None
                found[int(case.stage)] += 1
            return found

        listed = dict(hall.intake.ask('SELECT stage, count(*) FROM "case" GROUP BY stage'))
        if listed != dict(hall.intake.inspect(look)):
            self.broken(Invariant.NUMBERS_RECONCILE, hall.address, f"{listed}")


_BY_CALENDAR = frozenset(
    {
        Measure.IN_PROMISE,
        Measure.OVERDUE,
        Measure.WITHOUT_PROMISE,
        Measure.EARLY,
        Measure.ACTUAL_DAYS,
        Measure.STATUTORY_DAYS,
        Measure.PROMISED_DAYS,
    }
)
_OF_WHO_FORGOT = frozenset({Invariant.ONE_CUSTODIAN})
_DOUBTS = frozenset({NeighbourRewound.reason, NeighbourForked.reason})


def _root_in(note: bytes) -> str:
    return note.decode().splitlines()[2]
