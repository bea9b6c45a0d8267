"""Halls of suite 1 and of suite 2 side by side, and a hall on its way from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.exchange.parts import (
    SECRET,
    allow,
    deliveries,
    dispatch,
    journal,
    messages,
    next_message,
    receptions,
    rows,
    settle_exchanges,
    take,
    want,
)
from tests.simulation.halls import Station, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP, worlds
from tests.store.lying import lying_in

from hallnet.exchange import tables
from hallnet.exchange.certificates import certifying, renewing
from hallnet.exchange.link import links
from hallnet.exchange.queue import outgoing
from hallnet.federation.delivery import State
from hallnet.node import tls
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.certificate import (
    Certificate,
    RequestBody,
    issue,
    make_request,
    read_certificate,
)
from hallnet.trust.envelope import read_header
from hallnet.trust.evidence import Checkpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import SuiteNotAllowed
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

LINK_KEY = tls.public_der(tls.new_private_key())


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Halls of suite 1."""
    yield from worlds(request, tmp_path, intakes=False)


@pytest.fixture(params=["sqlite, both suites", "postgresql, both suites"])
def mixed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Province and county have suite 2, root, city and township suite 1; all of it is allowed."""
    yield from worlds(request, tmp_path, intakes=False)


@pytest.fixture(params=["sqlite, suite 2"])
def modern(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Halls of suite 2 alone."""
    yield from worlds(request, tmp_path, intakes=False)


def suite_of(world: World, address: str) -> Suite:
    return world.at(address).context.identity.certificate.body.suite


def heads(station: Station) -> list[Checkpoint]:
    notes = [row.note for row in rows(station.exchange, tables.checkpoint)]
    found = [Checkpoint.from_note(note) for note in notes]
    return [head for head in found if head.address == station.address]


def test_halls_of_both_suites_exchange_up_down_and_across(mixed: World) -> None:
    assert {suite_of(mixed, address) for address in mixed.stations} == set(Suite)
    ways = [(TOWNSHIP, PROVINCE), (PROVINCE, TOWNSHIP), (TOWNSHIP, OTHER_COUNTY), (COUNTY, CITY)]
    for giver, taker in ways:
        want(mixed, giver, dispatch(taker, SECRET))
    settle_exchanges(mixed)
    for giver, _ in ways:
        assert all(row.state == State.ACCEPTED for row in deliveries(mixed.at(giver)))
    for _, taker in ways:
        assert {item.payload for item in messages(mixed.at(taker))} == {SECRET}


def test_an_envelope_is_sealed_in_the_suite_of_its_recipient_and_journaled_in_the_senders(
    mixed: World,
) -> None:
    want(mixed, TOWNSHIP, dispatch(COUNTY))
    (raw,) = journal(mixed.at(TOWNSHIP), EntryKind.SENT)
    assert (suite_of(mixed, TOWNSHIP), suite_of(mixed, COUNTY)) == (Suite.ED25519, Suite.SM2)
    assert read_header(raw).suite is Suite.SM2
    assert {head.suite for head in heads(mixed.at(TOWNSHIP))} == {Suite.ED25519}
    assert {head.suite for head in heads(mixed.at(COUNTY))} == {Suite.SM2}


def test_a_network_of_suite_2_has_nothing_of_suite_1(modern: World) -> None:
    want(modern, TOWNSHIP, dispatch(PROVINCE))
    want(modern, PROVINCE, dispatch(TOWNSHIP))
    settle_exchanges(modern)
    for address in (TOWNSHIP, PROVINCE):
        assert [row.state for row in deliveries(modern.at(address))] == [State.ACCEPTED]
    for station in modern.stations.values():
        assert station.context.trust.suites == {Suite.SM2}
        assert all(head.suite is Suite.SM2 for head in heads(station))
        assert all(item.body.suite is Suite.SM2 for item in station.context.identity.chain)
        for row in receptions(station):
            assert read_header(row.header).suite is Suite.SM2


# Nobody can have a weaker suite used


def test_a_hello_changes_no_suite_whatever_it_says(mixed: World) -> None:
    """A downgrade by whoever stands between two halls: the county is said to have suite 1 alone."""
    township, county = mixed.at(TOWNSHIP), mixed.at(COUNTY)
    hello = county.exchange.look(
        lambda c: links.hello(c, county.context, township.address, "0.1.0", mixed.time.now)
    )
    for claimed in ([], [1], [77]):
        del hello.suites[:]
        hello.suites.extend(claimed)  # type: ignore[arg-type]
        township.exchange.transact(
            lambda c: links.take_hello(c, township.context, county.address, hello, mixed.time.now)
        )
        assert township.context.trust.suites == set(Suite)
        want(mixed, TOWNSHIP, dispatch(COUNTY))
        assert read_header(journal(township, EntryKind.SENT)[-1]).suite is Suite.SM2


def test_what_comes_in_a_suite_that_is_not_allowed_any_more_is_dropped_and_recorded(
    mixed: World,
) -> None:
    want(mixed, TOWNSHIP, dispatch(COUNTY))
    message = next_message(mixed, TOWNSHIP, COUNTY)
    allow(mixed, 1, 2)
    reply = take(mixed, TOWNSHIP, COUNTY, message)
    assert reply.answers[0].reason == SuiteNotAllowed.reason
    assert receptions(mixed.at(COUNTY)) == []
    assert len(journal(mixed.at(COUNTY), EntryKind.INCIDENT)) == 1


def test_nothing_is_sent_in_a_suite_that_is_not_allowed_until_it_is(mixed: World) -> None:
    allow(mixed, 1, 1)
    want(mixed, TOWNSHIP, dispatch(COUNTY))
    assert [row.state for row in deliveries(mixed.at(TOWNSHIP))] == [State.UNSEALED]
    allow(mixed, 2, 1, 2)
    station = mixed.at(TOWNSHIP)
    station.exchange.transact(lambda c: outgoing.seal_waiting(c, station.context, mixed.time.now))
    settle_exchanges(mixed)
    assert [row.state for row in deliveries(station)] == [State.ACCEPTED]


def test_nothing_is_sent_to_a_hall_that_cannot_verify_the_suite_of_the_sender(
    mixed: World,
) -> None:
    """An older edition, or a machine without the library: its certificate declares suite 1 alone."""
    city, county = mixed.at(CITY).context, mixed.at(COUNTY).context
    like = city.identity.certificate.body
    issuer = mixed.at(PROVINCE).context.identity
    old = issue(
        replace(like, suites=(1,), not_before=like.not_before + timedelta(seconds=1)),
        issuer.signing_key,
        issuer.certificate.body.suite,
    )
    county.trust.learn([old])
    want(mixed, COUNTY, dispatch(CITY))
    assert [row.state for row in deliveries(mixed.at(COUNTY))] == [State.UNSEALED]


def test_a_parent_certifies_no_keys_of_a_suite_that_the_network_does_not_allow(
    world: World,
) -> None:
    county = world.at(COUNTY)
    keys = algorithms(Suite.SM2)
    signing = keys.new_signing_key()
    body = RequestBody(
        Suite.SM2,
        Address.parse("330127102"),
        "hall",
        keys.signing_public(signing),
        keys.sealing_public(keys.new_sealing_key()),
        LINK_KEY,
        world.time.now,
        suites=(1, 2),
    )
    message = make_request(body, signing)
    authority = tls.new_authority("links", world.time.now)

    def certify(connection: Connection) -> Certificate:
        welcome = certifying.certify(
            connection, county.context, message, (), 10, "tls://x", authority, world.time.now
        )
        return read_certificate(welcome.chain[0])

    with pytest.raises(SuiteNotAllowed):
        county.exchange.transact(certify)
    allow(world, 1, 1, 2)
    certificate = county.exchange.transact(certify)
    assert certificate.body.suite is Suite.SM2
    assert certificate.suites == {1, 2}


# On the way from suite 1 to suite 2


def move(world: World, address: str) -> None:
    """The settings of a hall say suite 2; its exchange looks at its certificate."""
    station = world.at(address)
    station.context.wanted_suite = Suite.SM2
    station.exchange.transact(
        lambda c: renewing.ask_if_due(c, station.context, LINK_KEY, world.time.now)
    )
    settle_exchanges(world)


def test_a_hall_moves_only_when_the_network_allows_it(world: World) -> None:
    move(world, TOWNSHIP)
    assert suite_of(world, TOWNSHIP) is Suite.ED25519
    assert deliveries(world.at(TOWNSHIP)) == []
    allow(world, 1, 1, 2)
    move(world, TOWNSHIP)
    assert suite_of(world, TOWNSHIP) is Suite.SM2


def test_a_hall_that_moved_keeps_its_journal_and_exchanges_as_before(world: World) -> None:
    want(world, COUNTY, dispatch(TOWNSHIP, b"before"))
    sealed_before = next_message(world, COUNTY, TOWNSHIP)
    want(world, TOWNSHIP, dispatch(COUNTY))
    settle_exchanges(world)
    allow(world, 1, 1, 2)
    move(world, TOWNSHIP)
    want(world, TOWNSHIP, dispatch(PROVINCE))
    want(world, PROVINCE, dispatch(TOWNSHIP, b"after"))
    settle_exchanges(world)
    township = world.at(TOWNSHIP)
    assert all(row.state == State.ACCEPTED for row in deliveries(township))
    assert {item.payload for item in messages(township)} == {b"before", b"after"}
    assert {head.suite for head in heads(township)} == {Suite.ED25519}
    assert take(world, COUNTY, TOWNSHIP, sealed_before).answers
    world.restart(TOWNSHIP)
    assert suite_of(world, TOWNSHIP) is Suite.SM2


def test_keys_of_a_hall_of_suite_2_stand_wrapped_in_its_tables(modern: World) -> None:
    modern.time.pass_by(days=700)
    station = modern.at(TOWNSHIP)
    station.exchange.transact(
        lambda c: renewing.ask_if_due(c, station.context, LINK_KEY, modern.time.now)
    )
    settle_exchanges(modern)
    identity = station.context.identity
    assert identity.certificate != station.context.home.certificate
    assert modern.restart(TOWNSHIP).context.identity == identity
    kept = lying_in(modern.at(TOWNSHIP).exchange, tables.metadata)
    for key in (identity.signing_key, identity.sealing_key):
        assert key[:32] not in kept
    assert identity.certificate.id in kept
