"""What a service wants carried: sealed, journaled and queued in one transaction, or waiting, or ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event
from tests.exchange.forging import certified
from tests.exchange.parts import (
    SECRET,
    deliveries,
    dispatch,
    ended,
    everything,
    fill,
    follow,
    give,
    in_force,
    journal,
    messages,
    pass_on,
    queued,
    rows,
    settle_exchanges,
    want,
)
from tests.simulation.halls import BEGINNING, Station, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import following, tables
from hallnet.exchange.link import sending
from hallnet.exchange.queue import outgoing, queues
from hallnet.federation import limits
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.certificate import Certificate
from hallnet.trust.envelope import Urgency, read_header
from hallnet.trust.freshness import HARD_EXPIRY, SOFT_EXPIRY
from hallnet.trust.journal import EntryKind
from hallnet.trust.receipt import RECEIPT, Verdict
from hallnet.trust.release import ReleaseBody, ReleaseKind, sign_release
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.release.v1 import release_pb2 as wire_release
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

NEWCOMER = "330127102"
"""A second township of the county."""
NO_PLACE = "339999"
"""A code that is not in the register."""


# One transaction


def test_a_wish_is_sealed_journaled_and_queued(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))
    township = world.at(TOWNSHIP)
    (delivery,) = deliveries(township)
    (sent,) = rows(township.exchange, tables.sent)
    header = read_header(sent.header)
    assert delivery.state == State.WAITING
    assert journal(township, EntryKind.SENT) == [sent.header]
    assert (delivery.queued, delivery.neighbour) == (True, COUNTY)
    assert (header.sender, header.recipient) == (Address(TOWNSHIP), Address(COUNTY))
    assert header.expires_at == world.time.now + limits.LIFETIME
    assert SECRET not in sent.sealed_body
    assert SECRET not in sent.header


def test_nothing_of_a_wish_remains_if_its_transaction_fails(world: World) -> None:
    township = world.at(TOWNSHIP)
    before = everything(township.exchange)
    entry = wire_feed.FeedEntry(
        kind="test.event", dispatches=[dispatch(COUNTY), dispatch(NO_PLACE), dispatch(TOWNSHIP)]
    )

    def fail(connection: Connection) -> None:
        following.take(connection, township.context, [entry], world.time.now)
        tables.cursors.advance(connection, "intake", 1)
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        township.exchange.transact(fail)
    assert everything(township.exchange) == before
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(COUNTY))] == [SECRET]


def test_wishes_of_one_transaction_share_one_signed_head(world: World) -> None:
    want(world, TOWNSHIP, *(dispatch(COUNTY, subject=f"matter-{n}") for n in range(5)))
    batch = world.next_batch(world.at(TOWNSHIP), world.at(COUNTY))
    assert batch is not None
    assert len({parcel.proof.checkpoint for parcel in batch.parcels}) == 1
    pass_on(world, TOWNSHIP, COUNTY)
    assert [message.subject for message in messages(world.at(COUNTY))] == [
        f"matter-{n}" for n in range(5)
    ]


def test_a_wish_to_oneself_goes_into_the_journal_only(world: World) -> None:
    township = world.at(TOWNSHIP)
    want(world, TOWNSHIP, dispatch(TOWNSHIP))
    (delivery,) = deliveries(township)
    assert delivery.state == State.ACCEPTED
    assert len(journal(township, EntryKind.SENT)) == 1
    assert queued(township) == []
    assert messages(township) == []
    assert ended(township) == []


# Waiting for a certificate


def unknown_newcomer(world: World) -> None:
    """A township joins of which only the county knows that certified it."""
    world.found(NEWCOMER, introduced=False)


def test_a_wish_for_a_hall_whose_certificate_is_not_known_waits(world: World) -> None:
    unknown_newcomer(world)
    want(world, OTHER_COUNTY, dispatch(NEWCOMER))
    (delivery,) = deliveries(world.at(OTHER_COUNTY))
    assert delivery.state == State.UNSEALED
    assert delivery.leaf_index is None
    assert journal(world.at(OTHER_COUNTY), EntryKind.SENT) == []
    assert queued(world.at(OTHER_COUNTY)) == []


def test_it_goes_when_the_trust_bundle_brings_the_certificate(world: World) -> None:
    unknown_newcomer(world)
    want(world, OTHER_COUNTY, dispatch(NEWCOMER))
    follow(world, OTHER_COUNTY, in_force(trust_release(world)))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(NEWCOMER))] == [SECRET]
    assert [row.state for row in deliveries(world.at(OTHER_COUNTY))] == [State.ACCEPTED]


def test_it_goes_when_the_certificate_comes_along_with_a_message(world: World) -> None:
    unknown_newcomer(world)
    want(world, OTHER_COUNTY, dispatch(NEWCOMER))
    follow(world, NEWCOMER, in_force(trust_release(world)))
    want(world, NEWCOMER, dispatch(OTHER_COUNTY, b"here I am"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(NEWCOMER))] == [SECRET]


def test_it_goes_when_the_hall_itself_certifies_the_recipient(world: World) -> None:
    """A hall works alone: its own new child needs no trust bundle from above."""
    world.at(COUNTY).cut = True
    want(world, COUNTY, dispatch(NEWCOMER))
    assert [row.state for row in deliveries(world.at(COUNTY))] == [State.UNSEALED]
    unknown_newcomer(world)
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(NEWCOMER))] == [SECRET]


def test_all_that_waited_goes_however_much_it_is(world: World) -> None:
    """What waits for a hall that never joins keeps nobody else waiting."""
    unknown_newcomer(world)
    other = "330127103"
    fill(world, OTHER_COUNTY, other, outgoing.DUE_ROWS_MAX + 1)
    fill(world, OTHER_COUNTY, NEWCOMER, outgoing.DUE_ROWS_MAX + 1)
    follow(world, OTHER_COUNTY, in_force(trust_release(world)))
    states = {(row.recipient, row.state) for row in deliveries(world.at(OTHER_COUNTY))}
    assert states == {(other, State.UNSEALED), (NEWCOMER, State.WAITING)}


def test_a_restart_forgets_nothing_that_waits(world: World) -> None:
    unknown_newcomer(world)
    want(world, OTHER_COUNTY, dispatch(NEWCOMER))
    world.restart(OTHER_COUNTY)
    world.introduce()
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(NEWCOMER))] == [SECRET]


def test_a_certificate_with_an_unusable_sealing_key_holds_up_nobody_else(world: World) -> None:
    world.found(NEWCOMER, introduced=False)
    station = world.at(OTHER_COUNTY)
    genuine = world.at(NEWCOMER).context.identity.certificate
    bad = certified(world.at(COUNTY).context.identity, genuine, sealing_key=bytes(32))
    station.context.trust.learn([bad])
    want(world, OTHER_COUNTY, dispatch(NEWCOMER), dispatch(COUNTY, b"good"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(COUNTY))] == [b"good"]
    assert {row.recipient: row.state for row in deliveries(station)} == {
        NEWCOMER: State.UNSEALED,
        COUNTY: State.ACCEPTED,
    }


def trust_release(
    world: World,
    version: int = 1,
    others: Sequence[Certificate] = (),
    revocations: Sequence[wire_trust.Revocation] = (),
) -> wire_release.SignedRelease:
    """The province publishes the certificates of all halls that exist, and of others."""
    province = world.at(PROVINCE).context.identity
    here = [station.context.identity.certificate for station in world.stations.values()]
    bundle = wire_trust.TrustBundle(
        certificates=[item.to_message() for item in (*here, *others)],
        revocations=revocations,
        suites=[Suite.ED25519],  # type: ignore[list-item]
        soft_expires_at=to_timestamp(BEGINNING + SOFT_EXPIRY),
        hard_expires_at=to_timestamp(BEGINNING + HARD_EXPIRY),
    )
    body = ReleaseBody(
        Suite.ED25519,
        ReleaseKind.TRUST,
        Address(PROVINCE),
        version,
        world.time.now,
        world.time.now,
        bundle.SerializeToString(),
        "",
    )
    return sign_release(body, province.signing_key, list(province.chain[:-1]))


# What can never be carried

IMPOSSIBLE = {
    "too large": (dispatch(COUNTY, bytes(limits.PAYLOAD_BYTES_MAX + 1)), "TOO_LARGE"),
    "no address": (dispatch("杭州"), "ADDRESS_MALFORMED"),
    "no such place": (dispatch(NO_PLACE), "RECIPIENT_UNKNOWN"),
    "no urgency": (dispatch(COUNTY, urgency=0), "MESSAGE_MALFORMED"),
    "unknown urgency": (dispatch(COUNTY, urgency=9), "MESSAGE_MALFORMED"),
    "a kind that is too long": (dispatch(COUNTY, kind="k" * 65), "MESSAGE_MALFORMED"),
    "a subject that is too long": (dispatch(COUNTY, subject="s" * 65), "MESSAGE_MALFORMED"),
    "a kind that no database keeps": (dispatch(COUNTY, kind="k\0"), "MESSAGE_MALFORMED"),
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_what_can_never_be_carried_is_told_and_holds_up_nobody(
    world: World, impossible: str
) -> None:
    bad, reason = IMPOSSIBLE[impossible]
    want(world, TOWNSHIP, dispatch(COUNTY, b"before"), bad, dispatch(COUNTY, b"after"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(COUNTY))] == [b"before", b"after"]
    (bad_end,) = [end for end in ended(world.at(TOWNSHIP)) if end.reason]
    assert bad_end.reason == reason
    assert bad_end.verdict == 0
    assert bad_end.recipient == bad.recipient


def test_the_largest_payload_is_carried(world: World) -> None:
    largest = bytes(limits.PAYLOAD_BYTES_MAX)
    want(world, OTHER_COUNTY, dispatch(TOWNSHIP, largest))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(TOWNSHIP))] == [largest]


def test_a_recipient_below_that_was_never_enrolled_is_refused_at_once(world: World) -> None:
    world.found(NEWCOMER)
    county = world.at(COUNTY)
    county.context.children.discard(Address(NEWCOMER))
    want(world, COUNTY, dispatch(NEWCOMER), dispatch(TOWNSHIP))
    assert [(end.recipient, end.reason) for end in ended(county)] == [
        (NEWCOMER, "RECIPIENT_UNKNOWN")
    ]
    assert [row.state for row in deliveries(county)] == [State.REFUSED, State.WAITING]
    assert [row.recipient for row in queued(county)] == [TOWNSHIP]


def test_a_hall_on_the_way_refuses_with_a_receipt_what_it_cannot_pass_on(world: World) -> None:
    world.found(NEWCOMER)
    world.at(COUNTY).context.children.discard(Address(NEWCOMER))
    want(world, OTHER_COUNTY, dispatch(NEWCOMER))
    settle_exchanges(world)
    (end,) = ended(world.at(OTHER_COUNTY))
    assert (Verdict(end.verdict), end.reason) == (Verdict.REFUSED, "RECIPIENT_UNKNOWN")
    (delivery,) = deliveries(world.at(OTHER_COUNTY))
    assert delivery.state == State.REFUSED
    assert RECEIPT.from_bytes(delivery.receipt).issuer == Address(COUNTY)
    assert queued(world.at(OTHER_COUNTY)) == []


# What goes first, and how much


def next_batch(world: World, credit: int = limits.BATCH_BYTES_MAX) -> sending.Batch | None:
    station = world.at(TOWNSHIP)
    return station.exchange.look(
        lambda c: sending.next_batch(c, station.context, Address(COUNTY), credit, world.time.now)
    )


def test_a_link_for_which_nothing_waits_costs_one_statement(world: World) -> None:
    """It is asked at every hall, every two seconds and after every commit."""
    station, to = world.at(TOWNSHIP), Address(COUNTY)
    read: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        read.append(statement)

    event.listen(station.exchange.engine, "before_cursor_execute", listen)
    found = station.exchange.transact(
        lambda c: sending.next_batch(c, station.context, to, 10_000, world.time.now)
    )
    event.remove(station.exchange.engine, "before_cursor_execute", listen)
    assert found is None
    assert len([text for text in read if text.startswith("SELECT")]) == 1


def test_the_urgent_go_before_the_ordinary_before_the_bulk_and_each_in_order(
    world: World,
) -> None:
    order = [Urgency.BULK, Urgency.ORDINARY, Urgency.URGENT] * 2
    want(
        world,
        TOWNSHIP,
        *(
            dispatch(COUNTY, subject=f"{urgency.name}-{n}", urgency=urgency)
            for n, urgency in enumerate(order)
        ),
    )
    batch = next_batch(world)
    assert batch is not None
    assert [parcel.subject for parcel in batch.parcels] == [
        "URGENT-2",
        "URGENT-5",
        "ORDINARY-1",
        "ORDINARY-4",
        "BULK-0",
        "BULK-3",
    ]


def test_an_urgent_message_overtakes_a_backlog(world: World) -> None:
    fill(world, TOWNSHIP, COUNTY, limits.BATCH_PARCELS_MAX + 10)
    want(world, TOWNSHIP, dispatch(COUNTY, subject="urgent", urgency=Urgency.URGENT))
    give(world, TOWNSHIP, COUNTY)
    assert messages(world.at(COUNTY))[0].subject == "urgent"


def test_a_township_that_floods_its_county_delays_no_other(world: World) -> None:
    """The county has hundreds of the one to pass on before the other sends its first."""
    world.found(NEWCOMER, introduced=False)
    world.introduce()
    flood = 2 * limits.BATCH_PARCELS_MAX
    want(world, TOWNSHIP, *(dispatch(OTHER_COUNTY, b"flood %d" % n) for n in range(flood)))
    for _ in range(2):
        give(world, TOWNSHIP, COUNTY)
    want(world, NEWCOMER, dispatch(OTHER_COUNTY, b"first"), dispatch(OTHER_COUNTY, b"second"))
    want(world, COUNTY, dispatch(OTHER_COUNTY, b"own"))
    give(world, NEWCOMER, COUNTY)
    pass_on(world, COUNTY, CITY)
    pass_on(world, CITY, OTHER_COUNTY)
    received = [item.payload for item in messages(world.at(OTHER_COUNTY))]
    assert set(received[:5]) == {b"flood 0", b"flood 1", b"first", b"second", b"own"}
    assert received.index(b"first") < received.index(b"second")
    settle_exchanges(world)
    floods = [item.payload for item in messages(world.at(OTHER_COUNTY)) if item.sender == TOWNSHIP]
    assert floods == [b"flood %d" % n for n in range(flood)]


def test_a_lane_that_was_quiet_saves_up_no_turns(world: World) -> None:
    """Its turn is now, not before those who waited all the while."""
    world.found(NEWCOMER, introduced=False)
    world.introduce()
    for number in range(4):
        want(world, TOWNSHIP, dispatch(OTHER_COUNTY, b"steady %d" % number))
        give(world, TOWNSHIP, COUNTY)
    want(world, NEWCOMER, *(dispatch(OTHER_COUNTY, b"late %d" % n) for n in range(4)))
    give(world, NEWCOMER, COUNTY)
    settle_exchanges(world)
    received = [item.payload for item in messages(world.at(OTHER_COUNTY))]
    assert received[0] == b"steady 0"
    assert [text for text in received if text.startswith(b"late")] == [
        b"late %d" % n for n in range(4)
    ]
    late, steady = (received.index(b"late 3"), received.index(b"steady 3"))
    assert abs(late - steady) == 1


def test_a_batch_beside_others_follows_the_last_and_holds_none_of_them(world: World) -> None:
    station = world.at(TOWNSHIP)
    fill(world, TOWNSHIP, COUNTY, 3 * limits.BATCH_PARCELS_MAX, 10)
    made: list[sending.Batch] = []
    for _ in range(3):
        batch = station.exchange.look(
            lambda c: sending.next_batch(
                c, station.context, Address(COUNTY), limits.BATCH_BYTES_MAX, world.time.now, made
            )
        )
        assert batch is not None
        made.append(batch)
    first = made[0].sequence
    assert [batch.sequence for batch in made] == [first, first + 1, first + 2]
    follows = [wire_link.Batch.FromString(batch.data).follows for batch in made]
    assert follows == [0, first, first + 1]
    carried = [parcel.envelope_id for batch in made for parcel in batch.parcels]
    assert carried == [row.envelope_id for row in deliveries(station)]


def test_the_ids_of_envelopes_rise_with_time(world: World) -> None:
    """So that indexes on them grow at their end."""
    for _ in range(3):
        want(world, TOWNSHIP, dispatch(COUNTY))
        world.time.pass_by(seconds=1)
    ids = [row.envelope_id for row in deliveries(world.at(TOWNSHIP))]
    assert ids == sorted(ids)


def test_a_batch_is_bounded_in_parcels(world: World) -> None:
    fill(world, TOWNSHIP, COUNTY, limits.BATCH_PARCELS_MAX + 10)
    sizes = []
    for _ in range(2):
        batch = next_batch(world)
        assert batch is not None
        sizes.append(len(batch.parcels))
        give(world, TOWNSHIP, COUNTY)
    assert sizes == [limits.BATCH_PARCELS_MAX, 10]
    assert next_batch(world) is None
    assert len(messages(world.at(COUNTY))) == limits.BATCH_PARCELS_MAX + 10


def test_a_batch_is_bounded_in_bytes(world: World) -> None:
    fill(world, TOWNSHIP, COUNTY, 11, 900_000)
    batch = next_batch(world)
    assert batch is not None
    assert len(batch.parcels) == 9
    assert sum(parcel.size for parcel in batch.parcels) <= limits.BATCH_BYTES_MAX


@pytest.mark.parametrize(("credit", "parcels_in_batch"), [(0, 1), (30_000, 2), (45_000, 3)])
def test_a_batch_keeps_to_what_the_neighbour_will_take_but_is_never_empty(
    world: World, credit: int, parcels_in_batch: int
) -> None:
    fill(world, TOWNSHIP, COUNTY, 4, 12_000)
    batch = next_batch(world, credit)
    assert batch is not None
    assert len(batch.parcels) == parcels_in_batch


@pytest.mark.parametrize("clock_goes", [1.0, -60.0])
def test_the_numbers_of_a_links_batches_rise(world: World, clock_goes: float) -> None:
    """Also where the clock is put back."""
    sequences = []
    for _ in range(3):
        want(world, TOWNSHIP, dispatch(COUNTY))
        batch = next_batch(world)
        assert batch is not None
        sequences.append(batch.sequence)
        give(world, TOWNSHIP, COUNTY)
        world.time.pass_by(seconds=clock_goes)
    assert sequences == sorted(set(sequences))


def test_a_batch_that_followed_a_lost_one_is_not_taken_behind_another_in_its_place(
    world: World,
) -> None:
    """Two processes of the taker: one was killed with the first batch, the other has the second in hand."""
    fill(world, TOWNSHIP, COUNTY, 6, 12_000)
    station, county = world.at(TOWNSHIP), world.at(COUNTY)

    def made(credit: int, *under_way: sending.Batch) -> sending.Batch:
        batch = station.exchange.look(
            lambda c: sending.next_batch(
                c, station.context, Address(COUNTY), credit, world.time.now, under_way
            )
        )
        assert batch is not None
        return batch

    lost = made(60_000)
    waiting = made(60_000, lost)
    world.time.pass_by(seconds=1)
    shorter = made(30_000)
    assert len(shorter.parcels) < len(lost.parcels)
    assert world.take(station, county, shorter.data).reply.reason == ""
    assert world.take(station, county, waiting.data).reply.reason == sending.OUT_OF_ORDER


def test_messages_to_a_hall_far_away_are_read_by_no_hall_between(world: World) -> None:
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(OTHER_COUNTY))] == [SECRET]
    for between in (COUNTY, CITY):
        assert secret_rows(world.at(between)) == []
        assert messages(world.at(between)) == []
        assert len(journal(world.at(between), EntryKind.RELAYED)) == 1


def secret_rows(station: Station) -> list[str]:
    return [
        name
        for name, found in everything(station.exchange).items()
        for row in found
        if any(SECRET in value for value in row if isinstance(value, bytes))
    ]


def test_an_entry_of_another_kind_without_dispatches_is_passed_over(world: World) -> None:
    before = everything(world.at(TOWNSHIP).exchange)
    follow(world, TOWNSHIP, wire_feed.FeedEntry(kind="case.replica", payload=b"\xff"))
    assert everything(world.at(TOWNSHIP).exchange) == before


def test_deliveries_that_ended_bear_the_trace_of_what_wished_them(world: World) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    entry = wire_feed.FeedEntry(kind="test.event", dispatches=[dispatch(COUNTY)], traceparent=trace)
    follow(world, TOWNSHIP, entry)
    settle_exchanges(world)
    feed = world.at(TOWNSHIP).exchange.look(lambda c: tables.feed.after(c, 0))
    assert [item.traceparent for item in feed if item.kind == "delivery.ended"] == [trace]
    received = world.at(COUNTY).exchange.look(lambda c: tables.feed.after(c, 0))
    assert [item.traceparent for item in received if item.kind == "message.received"] == [trace]


def test_how_much_waits_and_since_when_is_told_by_the_index_alone(world: World) -> None:
    """So the status of a hall costs the same however much it ever sent."""
    began = world.time.now
    want(world, TOWNSHIP, dispatch(COUNTY), dispatch(COUNTY))
    world.time.pass_by(minutes=5)
    want(world, TOWNSHIP, dispatch(COUNTY, urgency=Urgency.URGENT))
    database = world.at(TOWNSHIP).exchange
    assert database.look(queues.backlog) == {COUNTY: (3, began)}
    if not database.is_sqlite:
        return

    def plan(connection: Connection) -> list[str]:
        query = queues.BACKLOGS[0].compile(connection, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")
        return [row.detail for row in rows]

    assert database.look(plan) == ["SCAN delivery USING COVERING INDEX delivery_queue"]
