"""Only its own voice: what is forged, replayed or too late has no effect and leaves evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.exchange.forging import Forger, certified
from tests.exchange.parts import (
    answers,
    deliveries,
    dispatch,
    ended,
    follow,
    give,
    in_force,
    incidents,
    journal,
    messages,
    next_message,
    parcels,
    reasons,
    receptions,
    rows,
    settle_exchanges,
    take,
    want,
)
from tests.simulation.halls import World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.federation import limits
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.trust.certificate import Certificate, Permission
from hallnet.trust.journal import EntryKind
from hallnet.trust.receipt import RECEIPT, Verdict
from hallnet.trust.release import ReleaseBody, ReleaseKind, sign_release
from hallnet.trust.revocation import RevocationBody
from hallnet.trust.revocation import revoke as revoke_by
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

NEWCOMER = "330127102"


def forger(world: World, address: str) -> Forger:
    return Forger(world.at(address).context.identity)


def certificate(world: World, address: str) -> Certificate:
    return world.at(address).context.identity.certificate


def assert_dropped(
    world: World, at: str, neighbour: str, reply: wire_link.BatchReply, reason: str
) -> None:
    """Nothing of it is kept but the incident: in the table, in the journal, and in the feed."""
    assert answers(reply) == [f"DROPPED {reason}"]
    station = world.at(at)
    incident = incidents(station)[-1]
    assert (incident.reason, incident.neighbour) == (reason, neighbour)
    assert receptions(station) == []
    assert rows(station.exchange, tables.seen) == []
    assert parcels(station) == []
    assert messages(station) == []


# Who may speak for whom

FORGED = {
    "a township in the name of the hall above it": (TOWNSHIP, COUNTY, COUNTY, "WRONG_LINK"),
    "a county in the name of its sibling": (COUNTY, CITY, OTHER_COUNTY, "WRONG_LINK"),
    "a county in the name of the city itself": (COUNTY, CITY, CITY, "WRONG_LINK"),
    "a county in the name of its township": (COUNTY, CITY, TOWNSHIP, "SPEAKS_FOR_ANOTHER"),
    "a county in the name of its branch hall": (
        COUNTY,
        CITY,
        "330127-shebao",
        "SPEAKS_FOR_ANOTHER",
    ),
    "a city in the name of the province": (CITY, COUNTY, PROVINCE, "SPEAKS_FOR_ANOTHER"),
    "a city in the name of another county": (CITY, COUNTY, OTHER_COUNTY, "SPEAKS_FOR_ANOTHER"),
    "a city in the name of the recipient's township": (CITY, COUNTY, TOWNSHIP, "WRONG_LINK"),
    "a city in the name of the recipient": (CITY, COUNTY, COUNTY, "WRONG_LINK"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_no_hall_speaks_for_another(world: World, forged: str) -> None:
    giver, taker, claimed, reason = FORGED[forged]
    who = forger(world, giver)
    letter = who.letter(certificate(world, taker), world.time.now, sender=claimed)
    reply = take(world, giver, taker, who.batch(world.time.now, [letter]))
    assert_dropped(world, taker, giver, reply, reason)
    assert incidents(world.at(taker))[-1].claimed_from == claimed


WRONG_WAY = {
    "up, for a hall below the giver": (COUNTY, CITY, COUNTY, TOWNSHIP),
    "up, for the giver itself": (COUNTY, CITY, COUNTY, COUNTY),
    "down, for a hall elsewhere": (CITY, COUNTY, CITY, OTHER_COUNTY),
    "down, for the giver itself": (CITY, COUNTY, PROVINCE, CITY),
    "down, for a place that does not exist": (CITY, COUNTY, CITY, "339999"),
}


@pytest.mark.parametrize("way", WRONG_WAY)
def test_what_comes_over_a_link_where_it_has_no_business_is_dropped(world: World, way: str) -> None:
    giver, taker, sender, recipient = WRONG_WAY[way]
    who = forger(world, sender)
    letter = who.letter(certificate(world, taker), world.time.now, recipient=recipient)
    reply = take(world, giver, taker, who.batch(world.time.now, [letter]))
    assert_dropped(world, taker, giver, reply, "WRONG_LINK")


@pytest.mark.parametrize(
    ("thief", "victim"), [(OTHER_COUNTY, CITY), (CITY, COUNTY)], ids=["sibling", "parent"]
)
def test_a_genuine_envelope_replayed_over_another_link_is_dropped(
    world: World, thief: str, victim: str
) -> None:
    want(world, TOWNSHIP, dispatch(victim))
    stolen = next_message(world, TOWNSHIP, COUNTY)
    reply = take(world, thief, victim, stolen)
    assert_dropped(world, victim, thief, reply, "WRONG_LINK")


def test_the_head_of_anothers_journal_proves_nothing(world: World) -> None:
    """A checkpoint in the name of the sender, signed with the forger's own key."""
    who = forger(world, COUNTY)
    letter = who.letter(certificate(world, CITY), world.time.now, sender=TOWNSHIP)
    message = who.batch(world.time.now, [letter], head_of=TOWNSHIP)
    reply = take(world, COUNTY, CITY, message)
    assert_dropped(world, CITY, COUNTY, reply, "SPEAKS_FOR_ANOTHER")


def test_a_head_that_names_anothers_certificate_proves_nothing(world: World) -> None:
    """A checkpoint in the name of the sender under the sender's certificate, signed by the forger."""
    who = forger(world, COUNTY)
    letter = who.letter(certificate(world, CITY), world.time.now, sender=TOWNSHIP)
    message = who.batch(
        world.time.now, [letter], head_of=TOWNSHIP, signed_with=certificate(world, TOWNSHIP)
    )
    message.evidence.certificates.append(certificate(world, TOWNSHIP).to_message())
    reply = take(world, COUNTY, CITY, message)
    assert_dropped(world, CITY, COUNTY, reply, "SIGNATURE_INVALID")


def test_a_certificate_that_its_issuer_may_not_give_proves_nothing(world: World) -> None:
    """A county certifies its sibling with a key of its own."""
    identity = world.at(COUNTY).context.identity
    false = certified(
        identity,
        certificate(world, OTHER_COUNTY),
        signing_key=identity.certificate.body.signing_key,
    )
    who = forger(world, COUNTY)
    letter = who.letter(certificate(world, CITY), world.time.now)
    message = who.batch(world.time.now, [letter], signed_with=false)
    message.evidence.certificates.append(false.to_message())
    reply = take(world, COUNTY, CITY, message)
    assert_dropped(world, CITY, COUNTY, reply, "CERTIFICATE_UNKNOWN")


def test_a_certificate_without_the_right_to_exchange_sends_nothing(world: World) -> None:
    identity = world.at(COUNTY).context.identity
    mute = certified(
        identity,
        certificate(world, TOWNSHIP),
        permissions=(Permission.CERTIFY,),
        not_before=world.time.now + timedelta(seconds=1),
    )
    who = forger(world, TOWNSHIP)
    world.time.pass_by(minutes=1)
    letter = who.letter(certificate(world, COUNTY), world.time.now)
    message = who.batch(world.time.now, [letter], signed_with=mute)
    message.evidence.certificates.append(mute.to_message())
    reply = take(world, TOWNSHIP, COUNTY, message)
    assert_dropped(world, COUNTY, TOWNSHIP, reply, "PERMISSION_MISSING")


# The same identifier


def test_the_same_identifier_with_other_bytes_is_dropped_and_the_first_remains(
    world: World,
) -> None:
    who = forger(world, TOWNSHIP)
    one, other = (
        who.letter(certificate(world, COUNTY), world.time.now, envelope_id=b"i" * 16, payload=text)
        for text in (b"first", b"second")
    )
    assert answers(take(world, TOWNSHIP, COUNTY, who.batch(world.time.now, [one]))) == ["KEPT"]
    world.restart(COUNTY)
    reply = take(world, TOWNSHIP, COUNTY, who.batch(world.time.now, [other], sequence=2))
    assert answers(reply) == ["DROPPED ENVELOPE_ID_REUSED"]
    assert reasons(world.at(COUNTY)) == ["ENVELOPE_ID_REUSED"]
    assert [message.payload for message in messages(world.at(COUNTY))] == [b"first"]


def test_the_same_identifier_twice_in_one_batch_counts_once(world: World) -> None:
    who = forger(world, TOWNSHIP)
    letters = [
        who.letter(certificate(world, COUNTY), world.time.now, envelope_id=b"i" * 16, payload=text)
        for text in (b"first", b"second")
    ]
    message = who.batch(world.time.now, [letters[0], letters[1], letters[0]])
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == [
        "KEPT",
        "DROPPED ENVELOPE_ID_REUSED",
        "KEPT",
    ]
    assert [message.payload for message in messages(world.at(COUNTY))] == [b"first"]
    assert len(receptions(world.at(COUNTY))) == 1


# Authentic, but not allowed: refused with a receipt


def refused(world: World, reason: str) -> None:
    """The township's one envelope got a receipt with a refusal, and no effect."""
    county = world.at(COUNTY)
    (reception,) = receptions(county)
    body = RECEIPT.from_bytes(reception.receipt)
    assert (body.verdict, body.reason) == (Verdict.REFUSED, reason)
    assert reception.sealed_body is None
    assert journal(county, EntryKind.RECEIVED) == [reception.receipt]
    assert parcels(county) == []
    assert messages(county) == []
    assert incidents(county) == []


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        (limits.CLOCK_SKEW_MAX, Verdict.ACCEPTED),
        (limits.CLOCK_SKEW_MAX + timedelta(seconds=1), Verdict.REFUSED),
    ],
    ids=["as far as may be", "a second more"],
)
def test_a_sender_whose_clock_runs_too_far_ahead_is_refused(
    world: World, ahead: timedelta, verdict: Verdict
) -> None:
    who = forger(world, TOWNSHIP)
    letter = who.letter(certificate(world, COUNTY), world.time.now, sent_at=world.time.now + ahead)
    message = who.batch(world.time.now + ahead, [letter])
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == ["KEPT"]
    assert [row.verdict for row in receptions(world.at(COUNTY))] == [verdict]
    if verdict is Verdict.REFUSED:
        refused(world, "CLOCK_AHEAD")


def test_what_comes_after_its_end_is_refused(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY))
    message = next_message(world, TOWNSHIP, COUNTY)
    world.time.now += limits.LIFETIME
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == ["KEPT"]
    refused(world, "ENVELOPE_EXPIRED")


@pytest.mark.parametrize(
    ("hop_limit", "passed"), [(limits.HOPS_MAX, limits.HOPS_MAX + 1), (2, 3), (9999, 17)]
)
def test_what_passed_too_many_halls_is_refused(world: World, hop_limit: int, passed: int) -> None:
    who = forger(world, TOWNSHIP)
    letter = who.letter(certificate(world, COUNTY), world.time.now, hop_limit=hop_limit)
    message = who.batch(world.time.now, [letter], passed=[TOWNSHIP] * passed)
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == ["KEPT"]
    refused(world, "TOO_MANY_HOPS")


def test_a_body_sealed_to_another_hall_is_refused(world: World) -> None:
    who = forger(world, TOWNSHIP)
    letter = who.letter(certificate(world, CITY), world.time.now, recipient=COUNTY)
    assert answers(take(world, TOWNSHIP, COUNTY, who.batch(world.time.now, [letter]))) == ["KEPT"]
    refused(world, "SEALED_TO_UNKNOWN_KEY")


UNKEEPABLE = {
    "kind": {"kind": "k" * 65},
    "subject": {"subject": "s" * 65},
    "trace": {"traceparent": "t" * 65},
    "kind with a NUL": {"kind": "case\0events"},
    "subject with a NUL": {"subject": "\0"},
}


@pytest.mark.parametrize("what", UNKEEPABLE)
def test_an_authentic_header_that_no_hall_can_store_holds_up_nobody(
    world: World, what: str
) -> None:
    """A certified hall may send anything: on PostgreSQL a text has a length and no NUL."""
    who = forger(world, TOWNSHIP)
    bad = who.letter(certificate(world, COUNTY), world.time.now, **UNKEEPABLE[what])
    good = who.letter(certificate(world, COUNTY), world.time.now)
    reply = take(world, TOWNSHIP, COUNTY, who.batch(world.time.now, [bad, good]))
    assert answers(reply) == ["DROPPED PARCEL_MALFORMED", "KEPT"]
    assert len(messages(world.at(COUNTY))) == 1


# Valid once: held


def short_lived(world: World) -> None:
    """A township whose certificate is valid for thirty days."""
    world.found(NEWCOMER, validity_days=30)


def assert_held(world: World, reason: str) -> None:
    (reception,) = [row for row in receptions(world.at(COUNTY)) if row.sender == NEWCOMER]
    body = RECEIPT.from_bytes(reception.receipt)
    assert (body.verdict, body.reason) == (Verdict.HELD, reason)
    assert messages(world.at(COUNTY)) == []
    assert incidents(world.at(COUNTY)) == []


def test_what_was_signed_before_the_certificate_expired_and_comes_after_is_held(
    world: World,
) -> None:
    short_lived(world)
    world.time.pass_by(days=29)
    want(world, NEWCOMER, dispatch(COUNTY))
    world.time.pass_by(days=2)
    assert answers(give(world, NEWCOMER, COUNTY)) == ["KEPT"]
    assert_held(world, "CERTIFICATE_EXPIRED")
    settle_exchanges(world)
    (delivery,) = deliveries(world.at(NEWCOMER))
    assert (delivery.state, delivery.reason) == (State.HELD, "CERTIFICATE_EXPIRED")
    (end,) = ended(world.at(NEWCOMER))
    assert (Verdict(end.verdict), end.reason) == (Verdict.HELD, "CERTIFICATE_EXPIRED")


def test_what_is_signed_after_the_certificate_expired_is_dropped(world: World) -> None:
    short_lived(world)
    world.time.pass_by(days=31)
    want(world, NEWCOMER, dispatch(COUNTY))
    reply = give(world, NEWCOMER, COUNTY)
    assert_dropped(world, COUNTY, NEWCOMER, reply, "CERTIFICATE_EXPIRED")


def test_what_is_held_once_stays_held(world: World) -> None:
    """A new certificate does not give effect to what came under the old one."""
    short_lived(world)
    world.time.pass_by(days=29)
    want(world, NEWCOMER, dispatch(COUNTY))
    message = next_message(world, NEWCOMER, COUNTY)
    world.time.pass_by(days=2)
    take(world, NEWCOMER, COUNTY, message)
    renewed = certified(
        world.at(COUNTY).context.identity,
        certificate(world, NEWCOMER),
        not_before=world.time.now,
        not_after=world.time.now + timedelta(days=30),
    )
    world.at(COUNTY).context.trust.learn([renewed])
    assert answers(take(world, NEWCOMER, COUNTY, message)) == ["KEPT"]
    assert_held(world, "CERTIFICATE_EXPIRED")


def revoke(world: World, address: str) -> None:
    """The province tells the county that a certificate has ended now."""
    province = world.at(PROVINCE).context.identity
    ends = to_timestamp(world.time.now + timedelta(days=90))
    bundle = wire_trust.TrustBundle(
        certificates=[certificate(world, address).to_message()],
        revocations=[
            revoke_by(
                RevocationBody(
                    Suite.ED25519,
                    certificate(world, address).id,
                    Address.parse(address),
                    world.time.now,
                    world.time.now,
                    "密钥泄露",
                ),
                province.certificate,
                province.signing_key,
            ).to_message()
        ],
        suites=[Suite.ED25519],  # type: ignore[list-item]
        soft_expires_at=ends,
        hard_expires_at=ends,
    )
    body = ReleaseBody(
        Suite.ED25519,
        ReleaseKind.TRUST,
        Address(PROVINCE),
        1,
        world.time.now,
        world.time.now,
        bundle.SerializeToString(),
        "",
    )
    release = sign_release(body, province.signing_key, list(province.chain[:-1]))
    for at in (COUNTY, CITY):
        follow(world, at, in_force(release))


def test_what_was_signed_before_the_key_was_revoked_and_comes_after_is_held(world: World) -> None:
    world.found(NEWCOMER)
    want(world, NEWCOMER, dispatch(COUNTY))
    world.time.pass_by(minutes=5)
    revoke(world, NEWCOMER)
    assert answers(give(world, NEWCOMER, COUNTY)) == ["KEPT"]
    assert_held(world, "CERTIFICATE_REVOKED")


def test_what_a_revoked_key_signs_is_dropped_also_after_a_restart(world: World) -> None:
    world.found(NEWCOMER)
    revoke(world, NEWCOMER)
    world.restart(COUNTY)
    want(world, NEWCOMER, dispatch(COUNTY))
    reply = give(world, NEWCOMER, COUNTY)
    assert_dropped(world, COUNTY, NEWCOMER, reply, "CERTIFICATE_REVOKED")


def test_a_revoked_hall_above_silences_those_below_it(world: World) -> None:
    """A certificate is worth as much as its chain."""
    revoke(world, COUNTY)
    who = forger(world, TOWNSHIP)
    letter = who.letter(certificate(world, CITY), world.time.now)
    reply = take(world, COUNTY, CITY, who.batch(world.time.now, [letter]))
    assert_dropped(world, CITY, COUNTY, reply, "CERTIFICATE_REVOKED")


def test_nothing_is_sealed_to_a_hall_whose_certificate_is_revoked(world: World) -> None:
    revoke(world, TOWNSHIP)
    want(world, COUNTY, dispatch(TOWNSHIP))
    assert [row.state for row in deliveries(world.at(COUNTY))] == [State.UNSEALED]
