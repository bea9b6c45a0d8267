"""Halls without processes: the very rules, stores and protocol code of a network, driven step by step.

Time stands still unless a test moves it; a link carries only when a test says so. What a real process
does in loops is done here by `settle`, until nothing moves any more.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from tests.trust.keepers import succeed

from hallnet.case.calendar import CALENDAR
from hallnet.case.case import Case
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.command import Command
from hallnet.case.event import Channel
from hallnet.case.item import CATALOGUE
from hallnet.case.person import Actor, ActorKind, Material, Person
from hallnet.case.power import Power
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.exchange import (
    attachment_losses,
    attachment_sending,
    attachment_wishes,
    attachments,
    believing,
    following,
    keyring,
)
from hallnet.exchange import tables as exchange_tables
from hallnet.exchange.certificates import certifying
from hallnet.exchange.context import Context
from hallnet.exchange.link import incoming, sending
from hallnet.exchange.link.incoming import Taken
from hallnet.exchange.queue import outgoing
from hallnet.exchange.recovery import asking_back, returning
from hallnet.federation import limits
from hallnet.intake import accounts, cases, handling, own_words
from hallnet.intake import following as intake_following
from hallnet.intake import tables as intake_tables
from hallnet.intake.accounts import Account
from hallnet.intake.context import Hall
from hallnet.intake.identifiers import new_id
from hallnet.intake.papers import materials
from hallnet.node import tls
from hallnet.node.feeds import Concerns, all_of_them
from hallnet.node.home import Identity
from hallnet.places import Address, Village, divisions
from hallnet.store import Connection, Database
from hallnet.store.feed import Cursors, Feed
from hallnet.store.migrating import migrate
from hallnet.store.vault import Vault
from hallnet.trust.believed import Standing, Trust, suites_of
from hallnet.trust.certificate import (
    Certificate,
    CertificateBody,
    Permission,
    RequestBody,
    Role,
    issue,
    make_request,
    read_certificate,
)
from hallnet.trust.release import ReleaseBody, ReleaseKind
from hallnet.trust.revocation import Revocation, RevocationBody, revoke
from hallnet.trust.suite import Algorithms, Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

SUITE = algorithms(Suite.ED25519)
BEGINNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""A Monday, nine in the morning in China."""
ROUNDS_MAX = 200

CLERK = Account(Actor(ActorKind.STAFF, "clerk", "李窗口"), frozenset(Power) - {Power.DECIDE}, ())
CHIEF = Account(Actor(ActorKind.STAFF, "chief", "王首席"), frozenset(Power), ())


@dataclass(slots=True)
class Time:
    """The one clock of all halls."""

    now: datetime = BEGINNING

    def pass_by(self, **length: float) -> None:
        self.now += timedelta(**length)


@dataclass(slots=True)
class Station:
    """A hall: its exchange and its intake, each with a database of its own."""

    address: Address
    exchange: Database
    context: Context
    intake: Database
    hall: Hall
    cut: bool = False
    """Whether the link to the parent is cut."""

    def close(self) -> None:
        self.exchange.close()
        self.intake.close()


def new_root(suites: tuple[Suite, ...] = (Suite.ED25519,)) -> tuple[Certificate, bytes]:
    """A root of the province, in the first of the suites that it allows, and its key."""
    keys = algorithms(suites[0])
    key = keys.new_signing_key()
    body = CertificateBody(
        suite=keys.suite,
        serial=b"r" * 16,
        role=Role.ROOT,
        subject="33",
        name="root",
        issuer="33",
        issuer_id=b"",
        signing_key=keys.signing_public(key),
        sealing_key=b"",
        not_before=BEGINNING - timedelta(days=1),
        not_after=BEGINNING + timedelta(days=4000),
        permissions=(Permission.CERTIFY,),
        suites=tuple(int(suite) for suite in suites),
    )
    return issue(body, key), key


@dataclass(slots=True)
class World:
    """A tree of halls."""

    database_url: str
    intakes: bool = True
    """Whether the halls have an intake beside their exchange."""
    suites: tuple[Suite, ...] = (Suite.ED25519,)
    """Suites of root and halls, in turn from level to level; the network allows all of them."""
    time: Time = field(default_factory=Time)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    stations: dict[str, Station] = field(default_factory=dict)
    also: list[Callable[[Station], bool]] = field(default_factory=list)
    """What else goes on at each hall: further services that a test puts beside the two."""
    root: Certificate = field(init=False)
    _root_key: bytes = field(init=False)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.root, self._root_key = new_root(self.suites)

    def succession_of_root(
        self, kept: Collection[bytes] | None = None
    ) -> tuple[Certificate, wire_trust.RootSuccession]:
        """A new root, and what it states together with the one that is believed, which ends unless `kept` is
        None."""
        new, key = new_root(self.suites)
        return new, succeed(self.root, self._root_key, new, key, self.time.now, kept)

    def revocation_by_root(self, address: str, reason: str) -> Revocation:
        """The offline root ends the certificate of a hall from now on."""
        certificate = self.at(address).context.identity.certificate
        body = RevocationBody(
            self.root.body.suite,
            certificate.id,
            certificate.address,
            self.time.now,
            self.time.now,
            reason,
        )
        return revoke(body, self.root, self._root_key)

    # Founding

    def found(
        self,
        *addresses: str,
        introduced: bool = True,
        furnished: bool = True,
        validity_days: int = 1000,
    ) -> None:
        """Found halls, parents first; afterwards every hall knows every other, if they are introduced.

        A hall that is not furnished has no catalogue, no calendar and no staff.
        """
        for text in addresses:
            self._found(Address.parse(text), furnished, validity_days)
        if introduced:
            self.introduce()

    def introduce(self) -> None:
        """Every hall learns the certificates of all others."""
        everybody = [station.context.identity.certificate for station in self.stations.values()]
        for station in self.stations.values():

            def learn(connection: Connection, station: Station = station) -> None:
                believing.learn(connection, station.context, everybody, self.time.now)
                outgoing.seal_waiting(connection, station.context, self.time.now)

            station.exchange.transact(learn)

    def _found(self, address: Address, furnished: bool, validity_days: int) -> None:
        keys = self.algorithms_at(address)
        signing, sealing = keys.new_signing_key(), keys.new_sealing_key()
        parent = self._parent(address)
        chain = self._certified(address, parent, signing, sealing, validity_days)
        self._make_tables(address)
        station = self._open(Identity(tuple(chain), signing, sealing))
        self.stations[str(address)] = station
        if furnished and self.intakes:
            station.intake.transact(lambda c: self._furnish(c, station))

    def algorithms_at(self, address: Address) -> Algorithms:
        """Of the keys with which a hall of this address is founded."""
        level = len(address.division) // 2 + bool(address.branch)
        return algorithms(self.suites[level % len(self.suites)])

    def copied(self, database_url: str) -> World:
        """The same halls on a copy of their records."""
        twin = World(database_url, self.intakes, self.suites, chance=random.Random(2))
        twin.root, twin._root_key = self.root, self._root_key
        for address, station in self.stations.items():
            twin.stations[address] = twin._open(station.context.home)
        return twin

    def recertify_top(self, address: str) -> Station:
        """The root certifies the highest hall anew, by hand, and its processes start again."""
        station = self.at(address)
        home = station.context.home
        chain = self._certified(station.address, None, home.signing_key, home.sealing_key, 1000)
        station.context.home = Identity(tuple(chain), home.signing_key, home.sealing_key)
        return self.restart(address)

    def restart(self, address: str) -> Station:
        """The processes of a hall end and start again on the same records."""
        station = self.at(address)
        station.close()
        again = self._open(station.context.home)
        station.exchange, station.context = again.exchange, again.context
        station.intake, station.hall = again.intake, again.hall
        return station

    def _open(self, identity: Identity) -> Station:
        """A hall as its processes start: what it believes stands in its tables."""
        address, register = identity.address, divisions()
        exchange = self._database("exchange", address)
        intake = self._database("intake", address)
        trust = Trust([self.root], suites_of(identity.chain))
        trust.learn(identity.chain[:-1])
        children = exchange.look(lambda c: believing.load(c, trust))
        if trust.standing is None:
            # In these worlds trust data do not grow old, unless a test says so.
            trust.standing = Standing(0, *[BEGINNING + timedelta(days=4000)] * 2)
        context = Context(
            identity,
            trust,
            register,
            self.chance.randbytes,
            incarnation=self.chance.randbytes(8),
            children=children,
        )
        exchange.transact(lambda c: believing.learn(c, context, identity.chain[:-1], self.time.now))
        exchange.look(lambda c: keyring.load(c, context))
        above = tuple(item.address for item in identity.chain[1:-1])
        hall = Hall(
            address, "社保" if address.branch else "", register, self.chance.randbytes, above=above
        )
        return Station(address, exchange, context, intake, hall)

    def _certified(
        self,
        address: Address,
        parent: Station | None,
        signing: bytes,
        sealing: bytes,
        validity_days: int,
    ) -> list[Certificate]:
        keys = self.algorithms_at(address)
        request = RequestBody(
            suite=keys.suite,
            subject=address,
            name=f"{address} hall",
            signing_key=keys.signing_public(signing),
            sealing_key=keys.sealing_public(sealing),
            link_key=tls.public_der(tls.new_private_key()),
            requested_at=self.time.now,
            suites=(1, 2),
        )
        if parent is None:
            body = CertificateBody(
                suite=keys.suite,
                serial=b"t" * 16,
                role=Role.HALL,
                subject=str(address),
                name=request.name,
                issuer="33",
                issuer_id=self.root.id,
                signing_key=request.signing_key,
                sealing_key=request.sealing_key,
                not_before=self.time.now - timedelta(minutes=5),
                not_after=self.time.now + timedelta(days=3000),
                permissions=tuple(Permission),
                suites=request.suites,
            )
            return [issue(body, self._root_key, self.root.body.suite), self.root]
        authority = tls.new_authority("links", self.time.now)
        welcome = parent.exchange.transact(
            lambda c: certifying.certify(
                c,
                parent.context,
                make_request(request, signing),
                (),
                validity_days,
                "tls://parent",
                authority,
                self.time.now,
            )
        )
        return [read_certificate(item) for item in welcome.chain]

    def _furnish(self, connection: Connection, station: Station) -> None:
        for kind, content in supplied_releases():
            release = ReleaseBody(
                SUITE.suite, kind, Address("33"), 1, BEGINNING, BEGINNING, content, ""
            )
            station.hall.releases.take(connection, release)
        for account in (CLERK, CHIEF):
            accounts.put(connection, account, self.time.now)

    def _database(self, service: str, address: Address) -> Database:
        schema = f"{service}_{str(address).replace('-', '_')}"
        url = self.database_url
        if url.startswith("sqlite"):
            folder = Path(url.removeprefix("sqlite:///")).parent
            url = f"sqlite:///{folder / schema}.db"
        return Database(url, schema, Vault(SUITE, str(address).encode(), service.encode()))

    def _make_tables(self, address: Address) -> None:
        for service in ("exchange", "intake") if self.intakes else ("exchange",):
            database = self._database(service, address)
            migrate(database, f"hallnet.{service}")
            database.close()

    def _parent(self, address: Address) -> Station | None:
        above = divisions().parent(address)
        return self.stations.get(str(above)) if above is not None else None

    def at(self, address: str) -> Station:
        return self.stations[address]

    def close(self) -> None:
        for station in self.stations.values():
            station.close()

    # What people do

    def upload(self, at: str, name: str, data: bytes = b"scan") -> Material:
        """A material that is stored at a hall."""
        station = self.at(at)
        content = name.encode() + b":" + data
        digest = station.intake.transact(
            lambda c: materials.store(c, content, "image/png", self.time.now)
        )
        return Material(name, digest, len(content), "image/png", self.time.now)

    def file(
        self,
        at: str,
        item_id: str,
        *,
        for_division: str = "",
        without: Iterable[str] = (),
        village: str = "",
        person: Person | None = None,
    ) -> Case:
        """A clerk receives an application with all that the item asks for, but for some."""
        station = self.at(at)
        item = station.intake.look(
            lambda c: station.hall.releases.item_to_file(c, item_id, self.time.now.date())
        )
        handed_in = [
            self.upload(at, needed.name)
            for needed in item.materials
            if needed.asked_of_applicant and needed.name not in without
        ]
        case_id = new_id(self.time.now, station.hall.random_bytes)
        return station.intake.transact(
            lambda c: handling.file(
                c,
                station.hall,
                case_id,
                CLERK.actor.actor_id,
                item_id,
                item.options[0].name if item.options else "",
                person or self.person(),
                Channel.COUNTER,
                Village.parse(village) if village else None,
                for_division,
                handed_in,
                "",
                self.time.now,
            )
        )

    def act(self, at: str, case: Case, command: Command, account: Account = CHIEF) -> Case:
        """Somebody of a hall carries out a command; raises as the rules do."""
        station = self.at(at)
        return station.intake.transact(
            lambda c: handling.act(
                c, station.hall, account.actor.actor_id, case.case_id, command, self.time.now
            )
        )

    def case(self, at: str, case: Case) -> Case | None:
        """The case as a hall knows it."""
        return self.at(at).intake.look(lambda c: cases.find(c, case.case_id))

    def person(self) -> Person:
        """Somebody with a right identity number."""
        body = f"330127{self.chance.randint(1940, 1999)}0101{next(self._numbers):03}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        total = sum(int(d) * w for d, w in zip(body, weights, strict=True))
        return Person("方小明", "111", body + "10X98765432"[total % 11], "13900000000", "")

    # What processes do

    def settle(self) -> None:
        """Let services follow each other and links carry, until nothing moves."""
        for _ in range(ROUNDS_MAX):
            moved = [self.follow(station) for station in self.stations.values()]
            moved += [more(station) for more in self.also for station in self.stations.values()]
            moved += [self.carry_link(station) for station in self.stations.values()]
            if not any(moved):
                return
        raise AssertionError("the halls do not come to rest")

    def follow(self, station: Station) -> bool:
        """The services of a hall deal with what is new in each other's feeds."""
        now = self.time.now
        moved = pump(
            intake_tables.feed,
            station.intake,
            exchange_tables.cursors,
            station.exchange,
            lambda c, entries: following.take(c, station.context, entries, now),
            following.concerns,
        )
        moved |= self.send_attachments(station)
        moved |= self.look_after_attachments(station)
        moved |= pump(
            exchange_tables.returned,
            station.exchange,
            intake_tables.cursors,
            station.intake,
            lambda c, entries: own_words.take(c, station.hall, entries, now),
        )
        if station.exchange.look(lambda c: returning.is_under_way(c, now)):
            moved |= station.exchange.transact(lambda c: returning.go_on(c, station.context, now))
        if station.exchange.look(asking_back.is_under_way):
            return moved
        station.hall.records.may_act.set()
        moved |= pump(
            exchange_tables.feed,
            station.exchange,
            intake_tables.cursors,
            station.intake,
            lambda c, entries: intake_following.take_messages(c, station.hall, entries, now),
            intake_following.concerns,
        )
        return moved | self.fetch_materials(station)

    def send_attachments(self, station: Station) -> bool:
        """What the exchange does with its wishes, portion after portion."""
        portions = station.exchange.look(attachment_wishes.next_portions)
        for portion in portions:
            data = b""
            while len(data) < portion.length:
                at, left = portion.offset + len(data), portion.length - len(data)
                data += station.intake.look(
                    lambda c, p=portion, at=at, left=left: materials.read(
                        c, p.wish.digest, at, left
                    )  # type: ignore[misc]
                )
            send_portion(self, station, portion, data)
        return bool(portions)

    def look_after_attachments(self, station: Station) -> bool:
        """What the exchange does with what came: take digests, drop what is not needed."""
        moved = False
        while check := station.exchange.look(attachments.next_check):
            inspect(self, station, check)
            moved = True
        while station.exchange.look(attachments.has_to_drop):
            station.exchange.transact(attachments.drop_some)
            moved = True
        return moved

    def fetch_materials(self, station: Station) -> bool:
        """What the intake does with what arrived at the exchange."""
        arrived = station.intake.look(materials.arrivals)
        for arrival in arrived:
            fetch(self, station, arrival)
        return bool(arrived)

    def carry_link(self, child: Station) -> bool:
        """Both directions of a child's link, one batch each; False if nothing waited or it is cut."""
        parent = self._parent(child.address)
        if parent is None or child.cut:
            return False
        return self.carry(child, parent) | self.carry(parent, child)

    def carry(self, giver: Station, taker: Station) -> bool:
        """One batch from a hall to its neighbour, and the answer back."""
        batch = self.next_batch(giver, taker)
        if batch is None:
            return False
        reply = self.take(giver, taker, batch.data).reply
        self.answer(giver, taker, batch, reply.SerializeToString())
        return True

    def next_batch(self, giver: Station, taker: Station) -> sending.Batch | None:
        return giver.exchange.look(
            lambda c: sending.next_batch(
                c, giver.context, taker.address, limits.BATCH_BYTES_MAX, self.time.now
            )
        )

    def take(self, giver: Station, taker: Station, data: bytes) -> Taken:
        return taker.exchange.transact(
            lambda c: incoming.take_batch(c, taker.context, giver.address, data, self.time.now)
        )

    def send_again(self, station: Station) -> int:
        """What a hall does every few seconds: send again what got no verdict, end what is too old."""

        def work(connection: Connection) -> int:
            count, entries = outgoing.send_due_again(connection, self.time.now)
            if entries:
                exchange_tables.feed.append(connection, entries)
            return count

        return station.exchange.transact(work)

    def answer(
        self, giver: Station, taker: Station, batch: sending.Batch, reply: bytes
    ) -> sending.Applied:
        def apply(connection: Connection) -> sending.Applied:
            applied = sending.apply_reply(
                connection,
                giver.context,
                taker.address,
                batch,
                sending.read_reply(reply),
                self.time.now,
                0.5,
            )
            if applied.entries:
                exchange_tables.feed.append(connection, applied.entries)
            return applied

        return giver.exchange.transact(apply)


def send_portion(
    world: World,
    station: Station,
    portion: attachment_wishes.Portion,
    data: bytes,
    run_length: int = 1,
) -> None:
    """Seal a portion of a material whose bytes are at hand."""

    def send(connection: Connection) -> None:
        entries = attachment_sending.send_portion(
            connection, station.context, portion, data, world.time.now, run_length
        )
        exchange_tables.feed.append(connection, entries)

    station.exchange.transact(send)


def inspect(world: World, station: Station, check: attachments.Check) -> None:
    """Take the digest of a copy and say what was found."""
    while not station.exchange.look(check.step):
        pass

    def end(connection: Connection) -> None:
        entries = attachment_losses.end_check(connection, station.context, check, world.time.now)
        exchange_tables.feed.append(connection, entries)

    station.exchange.transact(end)


def read_slice(station: Station, digest: bytes, offset: int) -> bytes:
    """The next bytes of a material that the exchange has; empty at the end."""
    pieces = station.exchange.look(lambda c: attachments.read(c, digest, offset))
    assert pieces is not None
    return b"".join(pieces)


def fetch(world: World, station: Station, arrival: materials.Arrival) -> None:
    """Copy a material from the exchange to the intake, and have the exchange drop it."""
    now = world.time.now
    if not station.intake.look(lambda c: materials.is_here(c, arrival.digest)):
        fetching = materials.Fetching(arrival)
        if not station.intake.look(lambda c: materials.is_begun(c, arrival.digest)):
            station.intake.transact(
                lambda c: materials.begin(c, arrival.digest, arrival.size, "", now)
            )
        while not station.intake.look(fetching.resume):
            pass
        while data := read_slice(station, arrival.digest, fetching.offset):
            station.intake.transact(lambda c, data=data: fetching.add(c, data))  # type: ignore[misc]
            fetching.added(data)
        assert station.intake.transact(fetching.end)
    station.exchange.transact(lambda c: attachments.release(c, arrival.digest, now))
    station.intake.transact(lambda c: materials.released(c, arrival.digest))


@cache
def supplied_releases() -> tuple[tuple[ReleaseKind, bytes], ...]:
    """The catalogue and the calendar that come with hallnet."""
    return (
        (ReleaseKind.CATALOGUE, CATALOGUE.to_bytes(supplied_catalogue())),
        (ReleaseKind.CALENDAR, CALENDAR.to_bytes(supplied_calendar())),
    )


def pump(
    feed: Feed,
    source: Database,
    cursors: Cursors,
    target: Database,
    handle: Callable[[Connection, list[wire_feed.FeedEntry]], object],
    concerns: Concerns = all_of_them,
) -> bool:
    """One batch of a feed to a follower, as `hallnet.node.feeds.follow` does it; what does not concern the follower
    must change nothing there."""
    position = target.look(lambda c: cursors.position(c, feed.name))
    entries = source.look(lambda c: feed.after(c, position))
    if not entries:
        return False

    def deal(connection: Connection) -> None:
        before = changes_made(connection)
        handle(connection, [entry for entry in entries if not concerns(entry)])
        assert changes_made(connection) == before
        handle(connection, [entry for entry in entries if concerns(entry)])
        cursors.advance(connection, feed.name, entries[-1].position)

    target.transact(deal)
    return True


def changes_made(connection: Connection) -> int:
    """How many rows a connection has changed; always the same on PostgreSQL, which does not count them."""
    if connection.dialect.name != "sqlite":
        return 0
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.total_changes


def dispositions(reply: wire_link.BatchReply) -> list[str]:
    """What became of each parcel of a batch: KEPT, DROPPED and the like, with the reason."""
    return [
        wire_link.Disposition.Name(answer.disposition).removeprefix("DISPOSITION_")
        + (f" {answer.reason}" if answer.reason else "")
        for answer in reply.answers
    ]
