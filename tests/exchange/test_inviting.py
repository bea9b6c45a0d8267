"""An invitation lets one hall join, once, within its time; everything else is refused and recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.exchange.parts import incidents, reasons, rows, told
from tests.exchange.test_certifying import KEY, NEWCOMER, asked
from tests.simulation.halls import SUITE, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange import tables
from hallnet.exchange.certificates import inviting
from hallnet.exchange.certificates.certifying import VALIDITY_DAYS_MAX, NotAChild, ValidityTooLong
from hallnet.exchange.certificates.inviting import (
    HOURS_MAX,
    HOURS_USUAL,
    REFUSALS_MAX,
    Door,
    InvitationUnusable,
    NobodyCanDialIn,
    NotInvited,
    State,
    TooManyInvitations,
)
from hallnet.node import tls
from hallnet.places import Address
from hallnet.places.problems import DivisionUnknown
from hallnet.trust.certificate import make_request, read_certificate
from hallnet.wire.trust.v1 import certificate_pb2 as wire

URL = "tls://330127.example:4222"
LINK_KEY = tls.new_private_key()
OTHER_KEY = SUITE.new_signing_key()


@pytest.fixture
def door(world: World) -> Door:
    return Door(URL, tls.new_authority("links", world.time.now))


def invite(
    world: World, door: Door, address: str = NEWCOMER, hours: int = 0, days: int = 365
) -> wire.Invitation:
    station = world.at(COUNTY)
    return station.exchange.transact(
        lambda c: inviting.invite(
            c,
            station.context,
            Address.parse(address),
            tls.public_der(LINK_KEY),
            hours,
            days,
            door,
            world.time.now,
        )
    )


def ask(
    world: World, door: Door, invitation: wire.Invitation, request: wire.CertificateRequest | bytes
) -> tuple[wire.InvitationReply, bool]:
    """A request comes on the subject of an invitation."""
    station = world.at(COUNTY)
    data = request if isinstance(request, bytes) else request.SerializeToString()
    return station.exchange.transact(
        lambda c: inviting.answer(
            c, station.context, invitation.invitation_id, data, door, world.time.now
        )
    )


def own_request(world: World) -> wire.CertificateRequest:
    return make_request(asked(world), KEY)


def request_of_another(world: World, address: str = NEWCOMER) -> wire.CertificateRequest:
    body = replace(asked(world, address), signing_key=SUITE.signing_public(OTHER_KEY))
    return make_request(body, OTHER_KEY)


def states(world: World) -> list[State]:
    found = rows(world.at(COUNTY).exchange, tables.invitation)
    return [inviting.state(row, world.time.now) for row in found]


def admitted(world: World) -> set[str]:
    return world.at(COUNTY).exchange.look(lambda c: inviting.admitted(c, world.time.now))


# Making


def test_an_invitation_names_the_hall_the_server_the_root_and_its_end(
    world: World, door: Door
) -> None:
    made = invite(world, door)
    assert (made.address, made.broker_url) == (NEWCOMER, URL)
    assert made.root_id == world.root.id
    assert made.expires_at.ToDatetime(world.time.now.tzinfo) == world.time.now + timedelta(
        hours=HOURS_USUAL
    )
    assert admitted(world) == {made.invitation_id}


def test_nothing_with_which_anybody_could_join_stands_in_the_tables(
    world: World, door: Door
) -> None:
    made = invite(world, door)
    assert made.link_key == b""
    secret = tls.private_der(LINK_KEY)
    for row in rows(world.at(COUNTY).exchange, tables.invitation):
        assert secret not in repr(tuple(row)).encode()
        assert row.welcome is None


@pytest.mark.parametrize("address", [COUNTY, CITY, OTHER_COUNTY, "330110012", "330110-shebao"])
def test_only_a_hall_directly_below_is_invited(world: World, door: Door, address: str) -> None:
    with pytest.raises(NotAChild):
        invite(world, door, address)


def test_what_cannot_be_kept_is_refused(world: World, door: Door) -> None:
    with pytest.raises(DivisionUnknown):
        invite(world, door, "330127999")
    with pytest.raises(InvitationUnusable):
        invite(world, door, hours=HOURS_MAX + 1)
    with pytest.raises(ValidityTooLong):
        invite(world, door, days=VALIDITY_DAYS_MAX + 1)
    with pytest.raises(NobodyCanDialIn):
        invite(world, Door("", door.authority))
    assert states(world) == []


def test_a_second_invitation_of_a_hall_ends_the_first(world: World, door: Door) -> None:
    first = invite(world, door)
    second = invite(world, door)
    assert states(world) == [State.WITHDRAWN, State.OPEN]
    assert admitted(world) == {second.invitation_id}
    assert ask(world, door, first, own_request(world))[0].reason == "INVITATION_WITHDRAWN"


def test_no_more_are_open_than_the_bound(
    world: World, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inviting, "OPEN_MAX", 2)
    invite(world, door, "330127102")
    invite(world, door, "330127103")
    invite(world, door, "330127103")
    with pytest.raises(TooManyInvitations):
        invite(world, door, "330127104")


def test_an_invitation_is_withdrawn(world: World, door: Door) -> None:
    made = invite(world, door)
    county = world.at(COUNTY)

    def withdraw(connection: Any) -> Any:
        return inviting.withdraw(connection, Address(NEWCOMER), world.time.now)

    assert county.exchange.transact(withdraw).state == State.WITHDRAWN
    assert admitted(world) == set()
    assert ask(world, door, made, own_request(world))[0].reason == "INVITATION_WITHDRAWN"
    with pytest.raises(NotInvited):
        county.exchange.transact(withdraw)


# Joining


def test_a_hall_that_was_invited_is_certified_at_once(world: World, door: Door) -> None:
    reply, joined = ask(world, door, invite(world, door), own_request(world))
    assert joined
    chain = [read_certificate(item) for item in reply.welcome.chain]
    assert [item.body.subject for item in chain] == [NEWCOMER, COUNTY, CITY, "33", "33"]
    assert chain[-1] == world.root
    assert reply.welcome.broker_url == URL
    assert reply.welcome.link_authority == door.authority.certificate
    assert Address(NEWCOMER) in world.at(COUNTY).context.children
    assert [entry.subject for entry in told(world.at(COUNTY), "child.enrolled")][-1] == NEWCOMER
    assert states(world) == [State.USED]


def test_the_same_hall_again_gets_the_same_welcome(world: World, door: Door) -> None:
    """Its first answer may have been lost on the way."""
    made = invite(world, door)
    first, _ = ask(world, door, made, own_request(world))
    world.time.pass_by(hours=5)
    again, joined = ask(world, door, made, own_request(world))
    assert again == first
    assert not joined
    assert reasons(world.at(COUNTY)) == []
    assert len(told(world.at(COUNTY), "child.enrolled")) == 2  # the founding one and this


def test_another_hall_cannot_use_it_a_second_time(world: World, door: Door) -> None:
    made = invite(world, door)
    ask(world, door, made, own_request(world))
    reply, joined = ask(world, door, made, request_of_another(world))
    assert (reply.reason, joined) == ("INVITATION_USED", False)
    assert not reply.HasField("welcome")
    (incident,) = incidents(world.at(COUNTY))
    assert (incident.reason, incident.neighbour) == ("INVITATION_USED", NEWCOMER)


@pytest.mark.parametrize("address", ["330127103", TOWNSHIP, COUNTY, "330110012"])
def test_it_is_good_for_its_own_address_alone(world: World, door: Door, address: str) -> None:
    made = invite(world, door)
    reply, joined = ask(world, door, made, request_of_another(world, address))
    assert (reply.reason, joined) == ("INVITATION_OF_ANOTHER", False)
    (incident,) = incidents(world.at(COUNTY))
    assert incident.claimed_from == address
    assert states(world) == [State.OPEN]


def test_it_ends_at_the_very_moment_it_names(world: World, door: Door) -> None:
    made = invite(world, door, hours=1)
    world.time.pass_by(hours=1)
    assert ask(world, door, made, own_request(world))[0].reason == "INVITATION_EXPIRED"
    assert states(world) == [State.EXPIRED]
    assert admitted(world) == set()
    assert reasons(world.at(COUNTY)) == ["INVITATION_EXPIRED"]


def test_who_does_not_hold_the_key_gets_no_certificate_for_it(world: World, door: Door) -> None:
    request = own_request(world)
    request.signature = bytes(64)
    made = invite(world, door)
    assert ask(world, door, made, request)[0].reason == "SIGNATURE_INVALID"
    assert ask(world, door, made, b"\xff\xff")[0].reason == "MESSAGE_MALFORMED"
    assert states(world) == [State.OPEN]


def test_an_invitation_that_nobody_made_opens_nothing(world: World, door: Door) -> None:
    unknown = wire.Invitation(invitation_id="f" * 32)
    assert ask(world, door, unknown, own_request(world))[0].reason == "INVITATION_UNKNOWN"
    large = ask(world, door, invite(world, door), bytes(inviting.REQUEST_BYTES_MAX + 1))[0]
    assert large.reason == "INVITATION_UNKNOWN"
    assert reasons(world.at(COUNTY)) == []


def test_guessing_is_bounded_and_so_is_what_it_puts_on_record(world: World, door: Door) -> None:
    made = invite(world, door)
    for number in range(REFUSALS_MAX + 5):
        ask(world, door, made, b"\xff" + bytes([number]))
    assert states(world) == [State.CLOSED]
    assert admitted(world) == set()
    assert len(incidents(world.at(COUNTY))) == REFUSALS_MAX
    assert ask(world, door, made, own_request(world))[0].reason == "INVITATION_CLOSED"


def test_a_key_that_was_revoked_does_not_come_back_with_an_invitation(
    world: World, door: Door
) -> None:
    from hallnet.exchange.certificates import certifying

    ask(world, door, invite(world, door), own_request(world))
    county, now = world.at(COUNTY), world.time.now
    county.exchange.transact(
        lambda c: certifying.revoke_child(
            c, county.context, Address(NEWCOMER), "密钥丢失", now, now
        )
    )
    made = invite(world, door)
    assert ask(world, door, made, own_request(world))[0].reason == "KEY_REVOKED"
    assert ask(world, door, made, request_of_another(world))[1]
