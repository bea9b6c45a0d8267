"""From the first link to the verdict: nothing is lost, nothing happens twice, and all of it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from tests.exchange.forging import Forger
from tests.exchange.parts import (
    answers,
    deliveries,
    dispatch,
    ended,
    everything,
    give,
    incidents,
    journal,
    messages,
    next_message,
    parcels,
    pass_on,
    queued,
    receptions,
    settle_exchanges,
    take,
    want,
)
from tests.simulation.halls import Station, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, PROVINCE, TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.exchange.link import links, sending
from hallnet.exchange.queue import parcels as queue
from hallnet.federation import limits
from hallnet.federation.backoff import LINK, RETRANSMISSION
from hallnet.federation.delivery import State
from hallnet.federation.link import Link
from hallnet.places import Address
from hallnet.trust.envelope import read_header
from hallnet.trust.journal import EntryKind
from hallnet.trust.receipt import ReceiptBody, Verdict
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import link_pb2 as wire_link

SUITE = algorithms(Suite.ED25519)


def sent(world: World) -> sending.Batch:
    """The township's message to the county is ready to go."""
    want(world, TOWNSHIP, dispatch(COUNTY))
    batch = world.next_batch(world.at(TOWNSHIP), world.at(COUNTY))
    assert batch is not None
    return batch


def state(world: World, at: str = TOWNSHIP) -> State:
    (delivery,) = deliveries(world.at(at))
    return State(delivery.state)


def link(world: World, at: str, neighbour: str) -> Link:
    return world.at(at).exchange.look(lambda c: links.load(c, Address(neighbour)))


# Verdicts


def test_the_verdict_comes_back_and_stands_in_both_journals(world: World) -> None:
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    settle_exchanges(world)
    (delivery,) = deliveries(world.at(TOWNSHIP))
    (reception,) = receptions(world.at(OTHER_COUNTY))
    assert delivery.state == State.ACCEPTED
    assert delivery.receipt == reception.receipt
    assert journal(world.at(OTHER_COUNTY), EntryKind.RECEIVED) == [reception.receipt]
    assert journal(world.at(TOWNSHIP), EntryKind.CONFIRMED) == [reception.receipt]
    (end,) = ended(world.at(TOWNSHIP))
    assert (Verdict(end.verdict), end.reason) == (Verdict.ACCEPTED, "")
    assert queued(world.at(TOWNSHIP)) == []


def test_a_receipt_that_comes_many_times_is_one_verdict(world: World) -> None:
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    pass_on(world, TOWNSHIP, COUNTY, CITY, OTHER_COUNTY)
    give(world, CITY, COUNTY)
    message = next_message(world, COUNTY, TOWNSHIP)
    message.parcels.append(message.parcels[0])
    assert answers(take(world, COUNTY, TOWNSHIP, message)) == ["KEPT", "KEPT"]
    take(world, COUNTY, TOWNSHIP, message)
    assert len(ended(world.at(TOWNSHIP))) == 1
    assert state(world) is State.ACCEPTED


def test_the_recipients_verdict_comes_with_the_answer_to_the_batch(world: World) -> None:
    batch = sent(world)
    reply = world.take(world.at(TOWNSHIP), world.at(COUNTY), batch.data).reply
    (reception,) = receptions(world.at(COUNTY))
    assert [body for run in reply.receipt_runs for body in run.bodies] == [reception.receipt]
    assert parcels(world.at(COUNTY)) == []
    for _ in range(2):
        world.answer(world.at(TOWNSHIP), world.at(COUNTY), batch, reply.SerializeToString())
    (delivery,) = deliveries(world.at(TOWNSHIP))
    assert (delivery.state, delivery.attempts) == (State.ACCEPTED, 1)
    assert len(ended(world.at(TOWNSHIP))) == 1
    assert queued(world.at(TOWNSHIP)) == []


def _without_proof(reply: wire_link.BatchReply) -> None:
    reply.receipt_runs[0].ClearField("proof")


def _of_another_leaf(reply: wire_link.BatchReply) -> None:
    reply.receipt_runs[0].proof.start += 1


def _with_another_verdict(reply: wire_link.BatchReply) -> None:
    body = wire.ReceiptBody.FromString(reply.receipt_runs[0].bodies[0])
    body.verdict = wire.VERDICT_REFUSED
    reply.receipt_runs[0].bodies[0] = body.SerializeToString(deterministic=True)


def _with_rubbish(reply: wire_link.BatchReply) -> None:
    reply.receipt_runs[0].bodies[0] = b"\xff" * 30


def _with_one_more(reply: wire_link.BatchReply) -> None:
    reply.receipt_runs[0].bodies.append(reply.receipt_runs[0].bodies[0])


def _with_none(reply: wire_link.BatchReply) -> None:
    del reply.receipt_runs[0].bodies[:]


def _beside_hashes_that_are_not_there(reply: wire_link.BatchReply) -> None:
    reply.receipt_runs[0].proof.beside.append(10_000)


def _with_evidence_that_cannot_be_read(reply: wire_link.BatchReply) -> None:
    reply.evidence.hashes += b"odd"


def _with_too_many(reply: wire_link.BatchReply) -> None:
    reply.receipt_runs[0].bodies.extend([b""] * limits.BATCH_PARCELS_MAX)


def _with_too_many_runs(reply: wire_link.BatchReply) -> None:
    reply.receipt_runs.extend([wire.ReceiptRun()] * limits.BATCH_PARCELS_MAX)


@pytest.mark.parametrize(
    "spoil",
    [
        _without_proof,
        _of_another_leaf,
        _with_another_verdict,
        _with_rubbish,
        _with_one_more,
        _with_none,
        _beside_hashes_that_are_not_there,
        _with_evidence_that_cannot_be_read,
        _with_too_many,
        _with_too_many_runs,
    ],
)
def test_a_verdict_in_an_answer_that_is_not_proved_is_none_and_asked_for_again(
    world: World, spoil: Callable[[wire_link.BatchReply], None]
) -> None:
    batch = sent(world)
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    reply = world.take(township, county, batch.data).reply
    spoil(reply)
    world.answer(township, county, batch, reply.SerializeToString())
    assert state(world) is State.UNDER_WAY
    assert ended(township) == []
    world.time.now += RETRANSMISSION.longest
    assert world.send_again(township) == 1
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED
    assert len(messages(county)) == 1


# Duplicates


def test_a_duplicate_is_answered_with_the_original_receipt_after_a_restart(world: World) -> None:
    batch = sent(world)
    world.take(world.at(TOWNSHIP), world.at(COUNTY), batch.data)
    (first,) = receptions(world.at(COUNTY))
    world.time.pass_by(days=400)
    county = world.restart(COUNTY)
    reply = world.take(world.at(TOWNSHIP), county, batch.data).reply
    assert answers(reply) == ["KEPT"]
    assert receptions(county) == [first]
    assert len(messages(county)) == 1
    assert [receipt.body for receipt in reply.receipts] == [first.receipt]
    world.answer(world.at(TOWNSHIP), county, batch, reply.SerializeToString())
    assert state(world) is State.ACCEPTED


def test_a_refusal_is_repeated_as_it_was(world: World) -> None:
    batch = sent(world)
    world.time.now += limits.LIFETIME
    world.take(world.at(TOWNSHIP), world.at(COUNTY), batch.data)
    (first,) = receptions(world.at(COUNTY))
    world.time.pass_by(days=1)
    reply = world.take(world.at(TOWNSHIP), world.at(COUNTY), batch.data).reply
    assert receptions(world.at(COUNTY)) == [first]
    assert [receipt.body for receipt in reply.receipts] == [first.receipt]


def test_two_halls_may_be_told_of_the_same_envelope_by_different_receipts(world: World) -> None:
    """A hall on the way that refused and a recipient that accepted: each receipt is its own."""
    batch = sent(world)
    give(world, TOWNSHIP, COUNTY)
    refusal = receipt(world, CITY, batch, verdict=Verdict.REFUSED, reason="RECIPIENT_UNKNOWN")
    forged = Forger(world.at(CITY).context.identity).batch(world.time.now, receipts=[refusal])
    assert answers(take(world, CITY, COUNTY, forged)) == ["KEPT"]
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED
    assert len(ended(world.at(TOWNSHIP))) == 1


# Answers of a link


def test_a_lost_answer_is_made_good_by_the_next_one(world: World) -> None:
    batch = sent(world)
    for _ in range(3):
        world.take(world.at(TOWNSHIP), world.at(COUNTY), batch.data)
    assert state(world) is State.WAITING
    give(world, TOWNSHIP, COUNTY)
    assert state(world) is State.ACCEPTED
    assert len(messages(world.at(COUNTY))) == 1


def kept(sequence: int, count: int = 1, disposition: int = 1) -> bytes:
    answer = wire_link.ParcelAnswer(disposition=disposition)  # type: ignore[arg-type]
    reply = wire_link.BatchReply(sequence=sequence, answers=[answer] * count)
    return reply.SerializeToString()


def refused_whole(sequence: int) -> bytes:
    reply = wire_link.BatchReply(sequence=sequence, reason="BATCH_MALFORMED")
    return reply.SerializeToString()


NO_ANSWERS: dict[str, Callable[[int], bytes]] = {
    "nothing": lambda _: b"",
    "rubbish": lambda _: b"\xff\xff\xff",
    "no answer for a parcel": partial(kept, count=0),
    "one answer too many": partial(kept, count=2),
    "answers that say nothing": partial(kept, disposition=0),
    "answers that nobody knows": partial(kept, disposition=9),
    "the answer to another batch": lambda sequence: kept(sequence - 1),
    "not now": partial(kept, disposition=3),
    "a refusal of the whole": refused_whole,
}


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_an_answer_that_says_nothing_counts_as_none(world: World, answer: str) -> None:
    batch = sent(world)
    world.answer(world.at(TOWNSHIP), world.at(COUNTY), batch, NO_ANSWERS[answer](batch.sequence))
    assert state(world) is State.WAITING
    found = link(world, TOWNSHIP, COUNTY)
    assert (found.up, found.failures, found.sent_sequence) == (False, 1, 0)
    assert not found.may_send(world.time.now)
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED


def test_a_neighbour_that_asks_to_wait_is_waited_for(world: World) -> None:
    batch = sent(world)
    later = world.time.now + timedelta(minutes=10)
    reply = wire_link.BatchReply(reason="BUSY", retry_at=to_timestamp(later))
    world.answer(world.at(TOWNSHIP), world.at(COUNTY), batch, reply.SerializeToString())
    assert link(world, TOWNSHIP, COUNTY).next_try_at == later


def test_pauses_grow_with_silence_are_kept_in_the_store_and_end_with_a_word(
    world: World,
) -> None:
    sent(world)
    pauses = []
    for _ in range(12):
        township = world.restart(TOWNSHIP)
        again = township.exchange.transact(
            lambda c: sending.no_reply(c, Address(COUNTY), world.time.now, 1.0)
        )
        pauses.append(again - world.time.now)
    assert pauses[:3] == [LINK.first, LINK.first * 2, LINK.first * 4]
    assert pauses[-1] == LINK.longest
    assert link(world, TOWNSHIP, COUNTY).failures == 12
    take(world, COUNTY, TOWNSHIP, wire_link.Batch(sequence=1))
    assert link(world, TOWNSHIP, COUNTY).may_send(world.time.now)
    assert link(world, TOWNSHIP, COUNTY).failures == 0


def test_what_the_neighbour_drops_ends_and_holds_up_nobody(world: World) -> None:
    want(world, TOWNSHIP, dispatch(COUNTY, b"bad"), dispatch(COUNTY, b"good"))
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    batch = world.next_batch(township, county)
    assert batch is not None
    message = wire_link.Batch.FromString(batch.data)
    message.parcels[0].envelope.sealed_body = b"damaged"
    reply = world.take(township, county, message.SerializeToString()).reply
    world.answer(township, county, batch, reply.SerializeToString())
    settle_exchanges(world)
    assert {(end.verdict, end.reason) for end in ended(township)} == {(0, "BODY_DAMAGED"), (1, "")}
    assert [row.state for row in deliveries(township)] == [State.DROPPED, State.ACCEPTED]
    assert [item.payload for item in messages(county)] == [b"good"]


# Sending again


def under_way(world: World) -> Station:
    """The county has the township's message and its receipt does not come back."""
    batch = sent(world)
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    world.answer(township, county, batch, kept(batch.sequence))
    return township


def test_what_got_no_verdict_goes_again_when_its_pause_is_over(world: World) -> None:
    township = under_way(world)
    (delivery,) = deliveries(township)
    due = RETRANSMISSION.next_try(1, world.time.now, 0.5)
    assert (delivery.attempts, delivery.retransmit_at) == (1, due)
    world.time.now = due - timedelta(microseconds=1)
    assert world.send_again(township) == 0
    world.time.now = due
    assert world.send_again(township) == 1
    assert state(world) is State.WAITING
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED
    assert len(messages(world.at(COUNTY))) == 1


def test_the_pauses_between_tries_grow_up_to_a_bound(world: World) -> None:
    township = under_way(world)
    pauses = []
    for _ in range(14):
        (delivery,) = deliveries(township)
        pauses.append(delivery.retransmit_at - world.time.now)
        world.time.now = delivery.retransmit_at
        assert world.send_again(township) == 1
        batch = world.next_batch(township, world.at(COUNTY))
        assert batch is not None
        reply = kept(batch.sequence)
        world.answer(township, world.at(COUNTY), batch, reply)
    assert pauses == sorted(pauses)
    assert pauses[0] < RETRANSMISSION.first <= pauses[1] * 2
    assert RETRANSMISSION.longest / 2 <= pauses[-1] <= RETRANSMISSION.longest


def test_an_envelope_without_a_verdict_ends_when_it_expires(world: World) -> None:
    township = under_way(world)
    world.time.now += limits.LIFETIME
    world.send_again(township)
    (end,) = ended(township)
    assert (end.verdict, end.reason) == (0, "ENVELOPE_EXPIRED")
    assert state(world) is State.EXPIRED
    world.send_again(township)
    assert len(ended(township)) == 1


def test_of_an_envelope_that_expired_the_recipient_says_what_became_of_it(world: World) -> None:
    """It never came there: the recipient refuses it now, and that is proved."""
    township = under_way(world)
    world.time.now += limits.LIFETIME
    world.send_again(township)
    settle_exchanges(world)
    assert state(world) is State.REFUSED
    assert queued(township) == []
    assert messages(world.at(COUNTY)) == []


def test_a_wish_that_never_was_sealed_ends_as_one_for_nobody(world: World) -> None:
    """It never left this hall, and whoever wished it may rely on that."""
    want(world, OTHER_COUNTY, dispatch("330127102"))
    world.time.now += limits.LIFETIME
    world.send_again(world.at(OTHER_COUNTY))
    (end,) = ended(world.at(OTHER_COUNTY))
    assert (end.verdict, end.reason) == (0, "RECIPIENT_UNKNOWN")


def test_a_late_verdict_is_still_a_verdict(world: World) -> None:
    batch = sent(world)
    world.take(world.at(TOWNSHIP), world.at(COUNTY), batch.data)
    world.time.now += limits.LIFETIME
    world.send_again(world.at(TOWNSHIP))
    assert state(world) is State.EXPIRED
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED
    assert [(end.verdict, end.reason) for end in ended(world.at(TOWNSHIP))] == [
        (0, "ENVELOPE_EXPIRED"),
        (1, ""),
    ]


# Receipts that have no say


def receipt(world: World, issuer: str, batch: sending.Batch, **changes: object) -> ReceiptBody:
    """What a hall would say of the township's envelope."""
    head = batch.parcels[0].head
    header = read_header(head)
    values: dict[str, object] = {
        "suite": Suite.ED25519,
        "envelope_id": header.envelope_id,
        "header_digest": SUITE.digest(head),
        "issuer": Address(issuer),
        "sender": header.sender,
        "verdict": Verdict.ACCEPTED,
        "reason": "",
        "at": world.time.now,
    }
    return ReceiptBody(**(values | changes))  # type: ignore[arg-type]


NO_SAY: dict[str, tuple[str, dict[str, object]]] = {
    "a stranger accepts": (OTHER_COUNTY, {}),
    "a stranger refuses": (OTHER_COUNTY, {"verdict": Verdict.REFUSED, "reason": "NO"}),
    "a hall above accepts": (CITY, {}),
    "a hall above holds": (PROVINCE, {"verdict": Verdict.HELD, "reason": "NO"}),
    "the recipient speaks of other bytes": (COUNTY, {"header_digest": b"d" * 32}),
    "the recipient speaks of another envelope": (COUNTY, {"envelope_id": b"e" * 16}),
}


@pytest.mark.parametrize("who", NO_SAY)
def test_a_receipt_by_somebody_who_has_no_say_is_ignored(world: World, who: str) -> None:
    issuer, changes = NO_SAY[who]
    batch = sent(world)
    forged = Forger(world.at(issuer).context.identity).batch(
        world.time.now, receipts=[receipt(world, issuer, batch, **changes)]
    )
    assert answers(take(world, COUNTY, TOWNSHIP, forged)) == ["KEPT"]
    assert state(world) is State.WAITING
    assert ended(world.at(TOWNSHIP)) == []
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED


def test_a_hall_above_may_refuse(world: World) -> None:
    batch = sent(world)
    body = receipt(world, CITY, batch, verdict=Verdict.REFUSED, reason="RECIPIENT_UNKNOWN")
    forged = Forger(world.at(CITY).context.identity).batch(world.time.now, receipts=[body])
    take(world, COUNTY, TOWNSHIP, forged)
    assert state(world) is State.REFUSED


def test_a_receipt_in_anothers_name_is_dropped(world: World) -> None:
    """The city, over its own link, in the name of the recipient."""
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    batch = world.next_batch(world.at(TOWNSHIP), world.at(COUNTY))
    assert batch is not None
    forged = Forger(world.at(CITY).context.identity).batch(
        world.time.now, receipts=[receipt(world, OTHER_COUNTY, batch)]
    )
    assert answers(take(world, COUNTY, TOWNSHIP, forged)) == ["DROPPED SPEAKS_FOR_ANOTHER"]
    assert [item.reason for item in incidents(world.at(TOWNSHIP))] == ["SPEAKS_FOR_ANOTHER"]
    assert state(world) is State.WAITING


def test_a_receipt_for_a_wish_that_was_never_sealed_is_ignored(world: World) -> None:
    want(world, TOWNSHIP, dispatch("330127102"))
    (delivery,) = deliveries(world.at(TOWNSHIP))
    body = ReceiptBody(
        Suite.ED25519,
        delivery.envelope_id,
        b"d" * 32,
        Address(COUNTY),
        Address(TOWNSHIP),
        Verdict.REFUSED,
        "NO",
        world.time.now,
    )
    forged = Forger(world.at(COUNTY).context.identity).batch(world.time.now, receipts=[body])
    assert answers(take(world, COUNTY, TOWNSHIP, forged)) == ["KEPT"]
    assert state(world) is State.UNSEALED


@pytest.mark.parametrize("reason", ["r" * 65, "NO\0"])
def test_a_receipt_with_a_reason_that_no_hall_can_store_holds_up_nobody(
    world: World, reason: str
) -> None:
    batch = sent(world)
    body = receipt(world, COUNTY, batch, verdict=Verdict.REFUSED, reason=reason)
    forged = Forger(world.at(COUNTY).context.identity).batch(world.time.now, receipts=[body])
    assert answers(take(world, COUNTY, TOWNSHIP, forged)) == ["DROPPED PARCEL_MALFORMED"]
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED


# Relays, and what is kept


def relayed(world: World) -> wire_link.Batch:
    """The county has passed on what the township sends to another county."""
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    message = next_message(world, TOWNSHIP, COUNTY)
    give(world, TOWNSHIP, COUNTY)
    batch = world.next_batch(world.at(COUNTY), world.at(CITY))
    assert batch is not None
    world.answer(world.at(COUNTY), world.at(CITY), batch, kept(batch.sequence))
    return message


def waiting(world: World, at: str) -> int:
    return sum(row.state == queue.State.WAITING for row in parcels(world.at(at)))


def test_a_relay_passes_on_again_what_comes_again_but_not_at_once(world: World) -> None:
    """The neighbour lost it: the sender's next try goes all the way."""
    message = relayed(world)
    world.time.now += queue.REQUEUE_AFTER - timedelta(microseconds=1)
    take(world, TOWNSHIP, COUNTY, message)
    assert waiting(world, COUNTY) == 0
    world.time.now += timedelta(microseconds=1)
    take(world, TOWNSHIP, COUNTY, message)
    take(world, TOWNSHIP, COUNTY, message)
    assert waiting(world, COUNTY) == 1
    settle_exchanges(world)
    assert len(messages(world.at(OTHER_COUNTY))) == 1
    assert len(journal(world.at(COUNTY), EntryKind.RELAYED)) == 1


def test_a_relay_that_has_swept_it_away_passes_it_on_again_all_the_same(world: World) -> None:
    message = relayed(world)
    world.time.now += queue.RELAYED_KEPT_FOR + timedelta(seconds=1)
    assert sweep(world, COUNTY) == 1
    take(world, TOWNSHIP, COUNTY, message)
    settle_exchanges(world)
    assert len(messages(world.at(OTHER_COUNTY))) == 1


def sweep(world: World, at: str) -> int:
    return world.at(at).exchange.transact(lambda c: queue.sweep(c, world.time.now))


def test_only_what_left_long_ago_is_swept_away(world: World) -> None:
    want(world, TOWNSHIP, *(dispatch(OTHER_COUNTY, subject=name) for name in ("old", "young")))
    give(world, TOWNSHIP, COUNTY)
    batch = world.next_batch(world.at(COUNTY), world.at(CITY))
    assert batch is not None
    old, young = (parcel.position for parcel in batch.parcels)
    county = world.at(COUNTY)
    leave = queue.mark_left
    county.exchange.transact(lambda c: leave(c, [old], world.time.now))
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY, subject="waiting"))
    give(world, TOWNSHIP, COUNTY)
    world.time.pass_by(seconds=1)
    county.exchange.transact(lambda c: leave(c, [young], world.time.now))
    world.time.now += queue.RELAYED_KEPT_FOR
    assert sweep(world, COUNTY) == 1
    assert [row.subject for row in parcels(county)] == ["young", "waiting"]
    world.time.pass_by(days=1000)
    assert sweep(world, COUNTY) == 1
    assert [row.subject for row in parcels(county)] == ["waiting"]


def test_an_own_envelope_is_kept_until_its_verdict_however_long_the_hall_slept(
    world: World,
) -> None:
    """A hall that was switched off for weeks sweeps first, then sends again what has no verdict."""
    under_way(world)
    world.time.pass_by(days=30)
    township = world.restart(TOWNSHIP)
    sweep(world, TOWNSHIP)
    assert world.send_again(township) == 1
    settle_exchanges(world)
    assert [item.payload for item in messages(world.at(COUNTY))] != []
    assert state(world) is State.ACCEPTED


def test_a_relayed_receipt_that_was_lost_and_swept_away_is_given_anew(world: World) -> None:
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    pass_on(world, TOWNSHIP, COUNTY, CITY, OTHER_COUNTY)
    lost = world.next_batch(world.at(CITY), world.at(COUNTY))
    assert lost is not None
    world.answer(world.at(CITY), world.at(COUNTY), lost, kept(lost.sequence))
    world.time.pass_by(days=30)
    assert sweep(world, CITY) == 2
    assert world.send_again(world.at(TOWNSHIP)) == 1
    settle_exchanges(world)
    assert state(world) is State.ACCEPTED
    assert len(messages(world.at(OTHER_COUNTY))) == 1


@pytest.mark.parametrize("times", [1, 3])
def test_housekeeping_with_nothing_to_do_changes_nothing(world: World, times: int) -> None:
    before = everything(world.at(TOWNSHIP).exchange)
    for _ in range(times):
        assert world.send_again(world.at(TOWNSHIP)) == 0
        assert sweep(world, TOWNSHIP) == 0
    assert everything(world.at(TOWNSHIP).exchange) == before


def test_an_end_comes_back_under_the_name_that_the_service_gave(world: World) -> None:
    """A good end, a bad one, and one of what was never carried."""
    good, bad, never = dispatch(COUNTY), dispatch("330127102"), dispatch("999999")
    for number, wished in enumerate((good, bad, never)):
        wished.reference = f"event {number}"
    want(world, TOWNSHIP, good, bad, never)
    settle_exchanges(world)
    world.time.pass_by(days=61)
    world.send_again(world.at(TOWNSHIP))
    assert {item.reference: item.reason for item in ended(world.at(TOWNSHIP))} == {
        "event 0": "",
        "event 1": "RECIPIENT_UNKNOWN",
        "event 2": "RECIPIENT_UNKNOWN",
    }
