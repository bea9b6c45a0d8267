"""A certificate is renewed over the link, with fresh keys and without interruption."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete
from tests.exchange.forging import Forger
from tests.exchange.parts import (
    deliveries,
    dispatch,
    give,
    journal,
    messages,
    rows,
    settle_exchanges,
    take,
    told,
    want,
)
from tests.exchange.test_bundles import checked, export
from tests.simulation.halls import SUITE, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP
from tests.store.lying import lying_in

from hallnet.exchange import keyring, tables
from hallnet.exchange.certificates import renewing
from hallnet.exchange.certificates.renewing import (
    ASK_AGAIN_AFTER,
    ASKED_MAX,
    ISSUED_KIND,
    REQUEST_KIND,
)
from hallnet.exchange.keyring import KeysNotOpened
from hallnet.federation.delivery import State
from hallnet.node import tls
from hallnet.node.home import Identity
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.columns import opened_by
from hallnet.store.vault import Vault
from hallnet.trust.certificate import (
    Certificate,
    RequestBody,
    issue,
    make_request,
)
from hallnet.trust.journal import EntryKind
from hallnet.wire.trust.v1 import certificate_pb2 as wire

VALID_DAYS = 1000
LINK_KEY = tls.public_der(tls.new_private_key())


def look_at_certificate(world: World, address: str) -> None:
    """What the exchange of a hall does every minute."""
    station = world.at(address)
    station.exchange.transact(
        lambda c: renewing.ask_if_due(c, station.context, LINK_KEY, world.time.now)
    )


def renew(world: World, address: str) -> None:
    look_at_certificate(world, address)
    settle_exchanges(world)


def certificate(world: World, address: str) -> Certificate:
    return world.at(address).context.identity.certificate


def believed(world: World, at: str, whose: str) -> Certificate:
    return world.at(at).context.trust.hall(Address.parse(whose), world.time.now)


def two_thirds_over(world: World) -> None:
    world.time.pass_by(days=VALID_DAYS * 2 // 3 + 1)


# The usual way


def test_a_fresh_certificate_is_left_alone(world: World) -> None:
    world.time.pass_by(days=VALID_DAYS * 2 // 3 - 1)
    renew(world, TOWNSHIP)
    assert deliveries(world.at(TOWNSHIP)) == []


def test_two_thirds_over_it_is_renewed_with_fresh_keys_for_as_long_again(world: World) -> None:
    old = certificate(world, TOWNSHIP)
    two_thirds_over(world)
    renew(world, TOWNSHIP)
    new = certificate(world, TOWNSHIP)
    assert new.id != old.id
    assert new.body.signing_key != old.body.signing_key
    assert new.body.sealing_key != old.body.sealing_key
    assert (new.body.subject, new.body.name) == (old.body.subject, old.body.name)
    assert new.body.permissions == old.body.permissions
    assert new.body.not_after == min(
        world.time.now + timedelta(days=VALID_DAYS), certificate(world, COUNTY).body.not_after
    )
    assert new.id in journal(world.at(COUNTY), EntryKind.SIGNED)


def test_the_parent_tells_its_other_services_of_the_new_certificate(world: World) -> None:
    two_thirds_over(world)
    renew(world, TOWNSHIP)
    (entry,) = told(world.at(COUNTY), "child.enrolled")[-1:]
    new = certificate(world, TOWNSHIP).to_message().SerializeToString()
    assert new in entry.payload


def test_it_is_renewed_once_however_often_it_is_looked_at(world: World) -> None:
    two_thirds_over(world)
    for _ in range(3):
        look_at_certificate(world, TOWNSHIP)
    settle_exchanges(world)
    new = certificate(world, TOWNSHIP)
    renew(world, TOWNSHIP)
    assert certificate(world, TOWNSHIP) == new
    assert len(rows(world.at(TOWNSHIP).exchange, tables.own_key)) == 1


def test_the_new_keys_are_used_after_a_restart_and_stand_nowhere_unwrapped(world: World) -> None:
    two_thirds_over(world)
    renew(world, TOWNSHIP)
    identity = world.at(TOWNSHIP).context.identity
    assert world.restart(TOWNSHIP).context.identity == identity
    kept = lying_in(world.at(TOWNSHIP).exchange, tables.metadata)
    for key in (identity.signing_key, identity.sealing_key):
        assert key not in kept
    assert identity.certificate.id in kept


def test_keys_of_another_home_are_not_opened(world: World) -> None:
    two_thirds_over(world)
    renew(world, TOWNSHIP)
    township = world.at(TOWNSHIP)
    with (
        opened_by(Vault(SUITE, b"the secret of another home", b"test")),
        township.exchange.engine.begin() as connection,
        pytest.raises(KeysNotOpened),
    ):
        keyring.load(connection, township.context)


# Without interruption


def test_what_was_sealed_to_the_old_key_is_opened_after_the_renewal(world: World) -> None:
    two_thirds_over(world)
    want(world, OTHER_COUNTY, dispatch(TOWNSHIP, b"sealed before"))
    renew_alone(world)
    settle_exchanges(world)
    assert b"sealed before" in [message.payload for message in messages(world.at(TOWNSHIP))]


def renew_alone(world: World) -> None:
    """The township and the county settle it; the others stand still."""
    look_at_certificate(world, TOWNSHIP)
    give(world, TOWNSHIP, COUNTY)
    give(world, COUNTY, TOWNSHIP)
    assert certificate(world, TOWNSHIP) != world.at(TOWNSHIP).context.home.certificate


def test_what_is_sealed_to_the_new_key_is_opened_before_the_answer_has_come(world: World) -> None:
    """The parent knows the new certificate first; its answer may be late or lost."""
    two_thirds_over(world)
    look_at_certificate(world, TOWNSHIP)
    give(world, TOWNSHIP, COUNTY)
    county = world.at(COUNTY)
    table = tables.delivery
    county.exchange.transact(lambda c: c.execute(delete(table).where(table.c.kind == ISSUED_KIND)))
    want(world, COUNTY, dispatch(TOWNSHIP, b"sealed early"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(TOWNSHIP))] == [b"sealed early"]
    assert certificate(world, TOWNSHIP) == world.at(TOWNSHIP).context.home.certificate


def test_after_the_old_certificate_has_ended_the_hall_speaks_and_hears_as_before(
    world: World,
) -> None:
    for address in (CITY, COUNTY, OTHER_COUNTY, TOWNSHIP):
        assert certificate(world, address).body.not_after <= world.root.body.not_after
    two_thirds_over(world)
    for address in (CITY, COUNTY, OTHER_COUNTY, TOWNSHIP):
        renew(world, address)
    world.introduce()
    ends = world.at(TOWNSHIP).context.home.certificate.body.not_after
    world.time.now = ends + timedelta(minutes=1)
    assert certificate(world, TOWNSHIP).body.not_after > world.time.now
    want(world, TOWNSHIP, dispatch(COUNTY, b"up"))
    want(world, COUNTY, dispatch(TOWNSHIP, b"down"))
    settle_exchanges(world)
    assert b"up" in [message.payload for message in messages(world.at(COUNTY))]
    assert b"down" in [message.payload for message in messages(world.at(TOWNSHIP))]


def test_a_parent_that_renews_does_not_end_its_children(world: World) -> None:
    two_thirds_over(world)
    renew(world, COUNTY)
    assert certificate(world, COUNTY) != world.at(COUNTY).context.home.certificate
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY, b"old chain"))
    settle_exchanges(world)
    assert [message.payload for message in messages(world.at(OTHER_COUNTY))] == [b"old chain"]
    renew(world, TOWNSHIP)
    chain = world.at(TOWNSHIP).context.identity.chain
    assert chain[1] == certificate(world, COUNTY)


def test_the_highest_hall_is_renewed_by_hand(world: World) -> None:
    """Its parent is the root, which is offline."""
    two_thirds_over(world)
    renew(world, PROVINCE)
    assert deliveries(world.at(PROVINCE)) == []


# Lost, late and repeated


def test_the_highest_hall_that_joined_anew_still_proves_what_it_said_before(world: World) -> None:
    """Its old certificate is in no home any more, and may have been in no bundle."""
    province = world.at(PROVINCE)
    old = province.context.identity.certificate
    province.exchange.transact(
        lambda c: c.execute(delete(tables.certificate).where(tables.certificate.c.id == old.id))
    )
    world.restart(PROVINCE)
    want(world, PROVINCE, dispatch(COUNTY))
    world.time.pass_by(days=1)
    again = world.recertify_top(PROVINCE)
    assert again.context.identity.certificate != old
    settle_exchanges(world)
    assert [message.sender for message in messages(world.at(COUNTY))] == [PROVINCE]
    assert checked(world, export(world, PROVINCE)).holds


def test_an_unanswered_request_is_made_again_a_day_later_and_not_for_ever(world: World) -> None:
    two_thirds_over(world)
    table = tables.own_key
    for count in range(1, 4):
        look_at_certificate(world, TOWNSHIP)
        assert len(rows(world.at(TOWNSHIP).exchange, table)) == count
        world.time.now += ASK_AGAIN_AFTER
    values = [
        {"signing_public": bytes([n] * 32), "private_keys": b"", "asked_at": world.time.now}
        for n in range(ASKED_MAX)
    ]
    world.at(TOWNSHIP).exchange.transact(lambda c: c.execute(table.insert(), values))
    world.time.now += ASK_AGAIN_AFTER
    look_at_certificate(world, TOWNSHIP)
    assert len(rows(world.at(TOWNSHIP).exchange, table)) == ASKED_MAX + 3


def test_the_same_request_again_gives_the_same_certificate(world: World) -> None:
    two_thirds_over(world)
    renew(world, TOWNSHIP)
    signed = journal(world.at(COUNTY), EntryKind.SIGNED)
    new = certificate(world, TOWNSHIP)
    identity = world.at(TOWNSHIP).context.identity
    ask(world, TOWNSHIP, request_body(world, TOWNSHIP, identity), identity.signing_key)
    settle_exchanges(world)
    assert journal(world.at(COUNTY), EntryKind.SIGNED) == signed
    assert certificate(world, TOWNSHIP) == new


def request_body(world: World, subject: str, identity: Identity) -> RequestBody:
    return RequestBody(
        SUITE.suite,
        Address.parse(subject),
        "冒名者",
        identity.certificate.body.signing_key,
        identity.certificate.body.sealing_key,
        LINK_KEY,
        world.time.now,
    )


def ask(world: World, at: str, body: RequestBody, key: bytes, to: str = COUNTY) -> None:
    """A hall sends a request as it likes."""
    payload = make_request(body, key).SerializeToString()
    want(world, at, dispatch(to, payload, kind=REQUEST_KIND))


def refused(world: World, at: str) -> list[str]:
    return [row.reason for row in deliveries(world.at(at)) if row.state == State.REFUSED]


# Who may not


def test_a_hall_asks_only_for_itself(world: World) -> None:
    identity = world.at(TOWNSHIP).context.identity
    ask(world, TOWNSHIP, request_body(world, "330127102", identity), identity.signing_key)
    settle_exchanges(world)
    assert refused(world, TOWNSHIP) == ["SPEAKS_FOR_ANOTHER"]


def test_who_does_not_hold_the_new_key_gets_no_certificate_for_it(world: World) -> None:
    other = world.at(OTHER_COUNTY).context.identity
    body = request_body(world, TOWNSHIP, other)
    ask(world, TOWNSHIP, body, world.at(TOWNSHIP).context.identity.signing_key)
    settle_exchanges(world)
    assert refused(world, TOWNSHIP) == ["SIGNATURE_INVALID"]


def test_only_the_parent_renews(world: World) -> None:
    identity = world.at(TOWNSHIP).context.identity
    ask(world, TOWNSHIP, request_body(world, TOWNSHIP, identity), identity.signing_key, CITY)
    settle_exchanges(world)
    assert refused(world, TOWNSHIP) == ["NOT_A_CHILD"]


@pytest.mark.parametrize("payload", [b"", b"\xff\xff", b"\x0a\x02\xff\xff"])
@pytest.mark.parametrize("kind", [REQUEST_KIND, ISSUED_KIND])
def test_rubbish_about_certificates_is_refused(world: World, kind: str, payload: bytes) -> None:
    sender, recipient = (TOWNSHIP, COUNTY) if kind == REQUEST_KIND else (COUNTY, TOWNSHIP)
    want(world, sender, dispatch(recipient, payload, kind=kind))
    settle_exchanges(world)
    assert len(refused(world, sender)) == 1


@pytest.mark.parametrize("sender", [CITY, OTHER_COUNTY])
def test_a_certificate_from_another_hall_than_the_parent_is_refused(
    world: World, sender: str
) -> None:
    welcome = wire.Welcome(
        chain=[item.to_message() for item in world.at(TOWNSHIP).context.identity.chain]
    )
    want(world, sender, dispatch(TOWNSHIP, welcome.SerializeToString(), kind=ISSUED_KIND))
    settle_exchanges(world)
    assert refused(world, sender) == ["SPEAKS_FOR_ANOTHER"]


def test_a_certificate_for_keys_that_the_hall_does_not_hold_changes_nothing(world: World) -> None:
    """The parent cannot push keys of its own choice on a child."""
    before = world.at(TOWNSHIP).context.identity
    county = world.at(COUNTY).context.identity
    forger = Forger(county)
    body = replace(
        before.certificate.body, serial=b"s" * 16, signing_key=county.certificate.body.signing_key
    )
    issued = issue(body, county.signing_key)
    welcome = wire.Welcome(chain=[item.to_message() for item in (issued, *county.chain)])
    letter = forger.letter(
        before.certificate, world.time.now, kind=ISSUED_KIND, payload=welcome.SerializeToString()
    )
    take(world, COUNTY, TOWNSHIP, forger.batch(world.time.now, [letter]))
    assert world.at(TOWNSHIP).context.identity == before


def test_what_was_undone_with_its_transaction_is_done_again(world: World) -> None:
    """The process ends between the request and its commit: the next look asks again."""
    two_thirds_over(world)
    station = world.at(TOWNSHIP)

    class PowerCut(Exception):
        pass

    def work(connection: Connection) -> None:
        renewing.ask_if_due(connection, station.context, LINK_KEY, world.time.now)
        raise PowerCut

    with pytest.raises(PowerCut):
        station.exchange.transact(work)
    world.restart(TOWNSHIP)
    renew(world, TOWNSHIP)
    assert certificate(world, TOWNSHIP) != station.context.home.certificate
