"""The whole look at a world in which everything has healed: nothing is missing, and all agree."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from hallnet.branch_sync.standing import Standing
from hallnet.case.case import Case
from hallnet.exchange import tables
from hallnet.exchange.journal.journal_store import load_gaps, read_runs, read_tile
from hallnet.exchange.queue import queues
from hallnet.federation import delivery
from hallnet.intake import cases, counting
from hallnet.intake import tables as intake_tables
from hallnet.intake.papers import materials
from hallnet.intake.window.records import PAPERS_ASKED, PAPERS_WANTED, Records
from hallnet.numbers.measure import Key, Measure
from hallnet.places import Address
from hallnet.simulate.founding import KEYS
from hallnet.simulate.hall import Hall
from hallnet.simulate.invariants import Checker, Invariant, root_in
from hallnet.simulate.paper_requests import is_here
from hallnet.simulate.people import Record
from hallnet.simulate.villains import FORGED
from hallnet.store import Connection
from hallnet.trust import merkle
from hallnet.trust.journal import Journal
from hallnet.trust.problems import (
    NeighbourForked,
    NeighbourRewound,
    OwnJournalRenumbered,
    OwnJournalRewound,
)
from hallnet.window.paper_request import PaperRequest, PaperRequestState
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust


class LastLook:
    """Compares what halls have with what the checker saw happen."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    def look(self, record: Record, today: str) -> None:
        """Look at everything once."""
        for case_id, home in record.filed.items():
            self._end_of_case(case_id, home)
        for case_id in self._checker.cases():
            if case_id not in record.filed:
                self._end_of_case(case_id, self._home_of(case_id))
        for asked in record.papers:
            self._paper_asked_for(asked)
        self._rollups(today)
        self._releases()
        for address in sorted(self._checker.to_be_noticed):
            self._noticed(address)
        for hall in self._checker.halls.values():
            self._end_of_journal(hall)
            self._known_above(hall)
            if hall.address in self._checker.untrusted:
                continue
            self._nothing_open(hall)
            self._looks(hall, record)
            self._sums(hall)
            self._numbers_of(hall)

    def _rollups(self, today: str) -> None:
        """The highest hall's numbers of the days that are over are what every hall counts of itself."""
        top = next(iter(self._checker.halls.values()))
        found = {
            row[:5]: row[5]
            for row in top.sync.ask(
                "SELECT hall, day, item_id, handling_kind, measure, times FROM rollup_count"
            )
            if row[1] < today and Address.parse(row[0]) not in self._checker.untrusted
        }
        true = {
            (str(hall.address), day, item_id, kind, Measure(measure).name.lower()): amount
            for hall in self._checker.halls.values()
            if hall.address not in self._checker.untrusted
            for day, item_id, kind, measure, amount in hall.intake.ask(
                "SELECT day, item_id, handling_kind, measure, amount FROM number"
                " WHERE day < ? AND amount <> 0",
                today,
            )
        }
        self._checker.checks["rollups at the end"] += len(true) + 1
        for place in sorted(found.keys() | true.keys()):
            if found.get(place) != true.get(place):
                self._checker.broken(
                    Invariant.NUMBERS_RECONCILE,
                    top.address,
                    f"{place}: {found.get(place)} reported, {true.get(place)} counted",
                )

    def _numbers_of(self, hall: Hall) -> None:
        """A hall's numbers are what its events say, but for those that depend on the calendar of the day."""
        self._checker.checks["numbers at the end"] += 1

        def look(connection: Connection) -> tuple[Counter[Key], Counter[Key]]:
            kept = counting.kept(connection)
            return kept, counting.from_events(connection, hall.intake_hall)

        kept, counted = hall.intake.inspect(look)
        for key in sorted(kept.keys() | counted.keys()):
            if key.measure not in _BY_CALENDAR and kept[key] != counted[key]:
                self._checker.broken(
                    Invariant.NUMBERS_RECONCILE,
                    hall.address,
                    f"{key}: {kept[key]} kept, {counted[key]} happened",
                )

    def _noticed(self, address: Address) -> None:
        """Somebody holds it as an incident that the journal of a hall went back; or it goes on under a new number
        itself, because its parent had lost records too and could not know."""
        self._checker.checks["rewound journals"] += 1
        parent_lost = self._checker.halls[address].context.parent in self._checker.untrusted
        told = {OwnJournalRewound.reason} | (
            {OwnJournalRenumbered.reason} if parent_lost else set()
        )
        for hall in self._checker.halls.values():
            for (raw,) in hall.exchange.ask("SELECT incident FROM incident"):
                incident = wire_trust.Incident.FromString(raw)
                is_told = hall.address == address and incident.reason in told
                if is_told or (incident.reason in _DOUBTS and incident.neighbour == str(address)):
                    return
        self._checker.broken(Invariant.NOTHING_FAILS, address, "forgot, and nobody noticed")

    def _known_above(self, hall: Hall) -> None:
        """A hall that its parent does not know has no way to anybody, and nobody would notice."""
        parent = self._checker.halls.get(hall.context.parent) if hall.context.parent else None
        if parent is None or hall.address in self._checker.gone_on:
            return
        self._checker.checks["children at the end"] += 1
        if hall.address not in parent.context.children:
            what = f"does not know its child {hall.address}"
            self._checker.broken(Invariant.NOTHING_LOST, parent.address, what)

    def _home_of(self, case_id: str) -> Address:
        return self._checker.authors[self._checker.histories[case_id][0]]

    def _find(self, at: Address, case_id: str) -> Case | None:
        return self._checker.halls[at].intake.inspect(lambda c: cases.find(c, case_id))

    def _end_of_case(self, case_id: str, home: Address) -> None:
        self._checker.checks["cases at the end"] += 1
        truth = self._find(home, case_id)
        while truth is not None and self._checker.gone_on.get(home) in truth.halls():
            # What had ended before stays with the old hall.
            home = self._checker.gone_on[home]
            truth = self._find(home, case_id)
        if truth is None:
            if home not in self._checker.untrusted:
                self._checker.broken(Invariant.NOTHING_LOST, home, f"case {case_id} is gone")
            return
        concerned = [hall for hall in sorted(truth.halls()) if self._hears(hall)]
        if case_id in self._checker.excused and not all(map(self._is_sound, concerned)):
            return
        if truth.transit is not None:
            self._checker.broken(
                Invariant.NOTHING_LOST,
                home,
                f"case {case_id} is for ever under way to {truth.transit.to}",
            )
        if truth.sequence != len(self._checker.histories[case_id]):
            self._checker.broken(
                Invariant.NOTHING_LOST,
                home,
                f"case {case_id} has {truth.sequence} of {len(self._checker.histories[case_id])} events",
            )
        for hall in concerned:
            if self._find(hall, case_id) != truth:
                self._checker.broken(
                    Invariant.NOTHING_LOST, hall, f"case {case_id} is not as at {home}"
                )
        holders = self._checker.custodians[case_id]
        if holders != {truth.custodian}:
            names = ", ".join(sorted(map(str, holders))) or "nobody"
            self._checker.broken(Invariant.ONE_CUSTODIAN, home, f"case {case_id} is with {names}")
        self._papers_of(truth)

    def _papers_of(self, case: Case) -> None:
        """Who decides has all papers, wherever they were handed in. What a disk forgot and no other hall has, nobody
        can send."""
        if not self._hears(case.custodian):
            return
        self._checker.checks["papers at the end"] += 1
        digests = [material.digest for material in case.materials]
        forgot = not all(map(self._is_sound, case.halls()))
        everywhere = self._with_paper(case, digests) if forgot else frozenset(digests)
        here = self._papers_at(case.custodian, digests)
        for material in case.materials:
            if material.digest in everywhere and material.digest not in here:
                self._checker.broken(
                    Invariant.NOTHING_LOST,
                    case.custodian,
                    f"case {case.case_id} is here without {material.name}",
                )

    def _paper_asked_for(self, asked: PaperRequest) -> None:
        """Both halls know of each request the same, and what was supplied is there; or a person is told that it is not."""
        asker, other = asked.asker, asked.asked
        if not (self._hears(asker) and self._hears(other)):
            return
        if not (self._is_sound(asker) and self._is_sound(other)):
            return
        self._checker.checks["papers of other halls at the end"] += 1
        own = self._kept(PAPERS_ASKED, asker, asked.request_no)
        wanted = self._kept(PAPERS_WANTED, other, asked.request_no)
        is_told = wanted is not None and wanted.undelivered
        if own is None or own.state is PaperRequestState.UNDELIVERED or is_told:
            agreed = own is not None
        else:
            agreed = wanted is not None and (own.state, own.edition, own.answer_step) == (
                wanted.state,
                wanted.edition,
                wanted.answer_step,
            )
        if own is not None and own.state is PaperRequestState.SUPPLIED:
            agreed &= is_here(self._checker.halls[asker], own)
        if not agreed:
            what = f"paper {asked.request_no} of {other}: {_told(own)} here, {_told(wanted)} there"
            self._checker.broken(Invariant.NOTHING_LOST, asker, what)

    def _kept(
        self, kept: Records[PaperRequest], hall: Address, request_no: str
    ) -> PaperRequest | None:
        return self._checker.halls[hall].intake.inspect(lambda c: kept.find(c, request_no))

    def _with_paper(self, case: Case, digests: Sequence[bytes]) -> frozenset[bytes]:
        """The papers that some hall has that is concerned with a case."""
        halls = [hall for hall in sorted(case.halls()) if hall in self._checker.halls]
        return frozenset().union(*(self._papers_at(hall, digests) for hall in halls))

    def _papers_at(self, hall: Address, digests: Sequence[bytes]) -> set[bytes]:
        return self._checker.halls[hall].intake.inspect(lambda c: materials.here(c, digests))

    def _hears(self, hall: Address) -> bool:
        """Whether what becomes of a case reaches a hall itself."""
        return hall in self._checker.halls and hall not in self._checker.gone_on

    def _end_of_journal(self, hall: Hall) -> None:
        """Every entry is there, and every head that was signed continues the one before."""
        self._checker.checks["journals at the end"] += 1

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
                self._checker.broken(
                    Invariant.HISTORY_ONLY_GROWS, hall.address, "entries are missing"
                )
            for row in own[:: max(len(own) // 20, 1)]:
                root = base64.b64decode(root_in(row.note))
                if any(row.size < gap.stop for gap in gaps.places):
                    continue
                path = journal.consistency_path(row.size) if 0 < row.size < size else None
                if journal.root(row.size) != root or (
                    path is not None
                    and not merkle.is_consistent(
                        KEYS.digest, row.size, root, size, journal.root(), path
                    )
                ):
                    self._checker.broken(
                        Invariant.HISTORY_ONLY_GROWS, hall.address, f"head {row.size}"
                    )

        hall.exchange.inspect(look)

    def _nothing_open(self, hall: Hall) -> None:
        """What was sent has its verdict, and nothing waits anywhere."""
        self._checker.checks["queues at the end"] += 1

        def look(connection: Connection) -> None:
            table = tables.delivery
            still_open = table.c.state.in_(delivery.OPEN) & (table.c.reference != FORGED)
            for row in connection.execute(select(table).where(still_open)):
                if self._is_sound(Address.parse(row.recipient)) and self._is_sound(hall.address):
                    self._checker.broken(
                        Invariant.NOTHING_LOST,
                        hall.address,
                        f"{row.kind} {row.subject} to {row.recipient} has no verdict"
                        f" (state {row.state}, {row.attempts} attempts)",
                    )
            for neighbour, (count, _) in queues.backlog(connection).items():
                if self._is_sound(Address.parse(neighbour)) and self._is_sound(hall.address):
                    self._checker.broken(
                        Invariant.NOTHING_LOST,
                        hall.address,
                        f"{count} parcels wait for {neighbour}",
                    )

        hall.exchange.inspect(look)

    def _looks(self, hall: Hall, record: Record) -> None:
        self._checker.checks["looks at the end"] += 1
        ((count,),) = hall.intake.ask("SELECT count(*) FROM access_record")
        least, unsure = record.looks[hall.address], record.untold[hall.address]
        if not least <= count <= least + unsure:
            self._checker.broken(
                Invariant.EVERY_LOOK_IS_ON_RECORD,
                hall.address,
                f"{count} on record, {least} to {least + unsure} happened",
            )

    def _sums(self, hall: Hall) -> None:
        """The list of the hall says of each case what its events say."""
        self._checker.checks["sums at the end"] += 1

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
            self._checker.broken(Invariant.NUMBERS_RECONCILE, hall.address, f"{listed}")

    def _releases(self) -> None:
        """What the highest hall published is in force at every hall that it can reach by sound ones."""
        self._checker.checks["releases at the end"] += len(self._checker.halls)
        for address, missing in missing_releases(self._checker).items():
            self._checker.broken(
                Invariant.NOTHING_LOST, address, f"releases {sorted(missing)} never came"
            )

    def _is_sound(self, address: Address) -> bool:
        """Whether a hall kept to the rules and forgot nothing."""
        return address not in self._checker.untrusted


def _told(request: PaperRequest | None) -> str:
    if request is None:
        return "nothing"
    return f"{request.state.name} {request.edition} {request.answer_step}"


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
_DOUBTS = frozenset({NeighbourRewound.reason, NeighbourForked.reason})


def missing_releases(checker: Checker) -> dict[Address, set[tuple[int, int]]]:
    """Kinds and versions that are in force at the highest hall and not where sound halls lead from it."""
    top = next(iter(checker.halls.values()))
    newest = (
        "SELECT kind, max(version) FROM release WHERE author = ? AND standing = ? GROUP BY kind"
    )
    in_force = str(top.address), int(Standing.IN_FORCE)
    published = set(top.sync.ask(newest, *in_force))
    found = {}
    for hall in checker.halls.values():
        missing = published - set(hall.sync.ask(newest, *in_force))
        way = {item.address for item in hall.identity.chain[:-1]}
        if missing and not way & checker.untrusted:
            found[hall.address] = missing
    return found
