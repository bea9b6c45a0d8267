"""A hall whose records are exchanged for those of an old backup, and what is done about it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert
from tests.exchange.parts import everything, greet, settle_exchanges
from tests.simulation.halls import Station, World

from hallnet.exchange import tables
from hallnet.exchange.link import making_sure
from hallnet.exchange.recovery import returning
from hallnet.store import Connection
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

Backup = dict[str, list[Row[Any]]]


def backup_of(world: World, address: str) -> Backup:
    return everything(world.at(address).exchange)


def put_back(world: World, address: str, backup: Backup) -> None:
    """The records of a hall are exchanged for those of an old backup, and its processes start again."""
    station = world.at(address)

    def work(connection: Connection) -> None:
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(delete(table))
        for table in tables.metadata.sorted_tables:
            if backup[table.name]:
                rows = [dict(row._mapping) for row in backup[table.name]]
                connection.execute(insert(table), rows)

    station.exchange.transact(work)
    world.restart(address).context.is_sure = False


def recover(world: World, address: str, backup: Backup, *neighbours: str) -> None:
    """It is put back, hears from its neighbours, and asks for what it had said."""
    put_back(world, address, backup)
    for neighbour in neighbours:
        greet(world, address, neighbour)
    station = world.at(address)
    station.exchange.transact(lambda c: making_sure.go_on(c, station.context, world.time.now))
    station.context.is_sure = True


def give_back(world: World, station: Station) -> bool:
    """What the loop does that gives back."""
    return station.exchange.transact(lambda c: returning.go_on(c, station.context, world.time.now))


def settle_words(world: World) -> None:
    """Links carry and halls give back until nothing moves."""
    for _ in range(100):
        settle_exchanges(world)
        moved = [give_back(world, station) for station in world.stations.values()]
        if not any(moved):
            return
    raise AssertionError("the halls do not come to rest")


def returned(station: Station) -> list[wire_feed.FeedEntry]:
    """What the exchange told the other services of own words that came back."""
    found: list[wire_feed.FeedEntry] = []
    while True:
        position = found[-1].position if found else 0
        more = station.exchange.look(lambda c, p=position: tables.returned.after(c, p))  # type: ignore[misc]
        if not more:
            return found
        found += more


def words(station: Station) -> list[wire_feed.InboundMessage]:
    return [
        wire_feed.InboundMessage.FromString(entry.payload)
        for entry in returned(station)
        if entry.kind == "word.returned"
    ]


def is_recovered(station: Station) -> bool:
    return any(entry.kind == "journal.recovered" for entry in returned(station))
