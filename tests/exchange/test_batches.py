"""Batches that are cut, swollen or mixed with rubbish: what is bad in them is dropped and recorded, and
what is good goes through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.exchange.parts import (
    answers,
    dispatch,
    everything,
    fill,
    give,
    incidents,
    messages,
    next_message,
    pass_on,
    reasons,
    receptions,
    settle_exchanges,
    take,
    want,
)
from tests.simulation.halls import SUITE, World
from tests.simulation.worlds import CITY, COUNTY, OTHER_COUNTY, TOWNSHIP

from hallnet.exchange.link import incoming
from hallnet.federation import limits
from hallnet.store import Connection
from hallnet.trust.evidence import CHECKPOINTS_MAX
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

HUGE = 2**64 - 1


def three_messages(world: World) -> wire_link.Batch:
    want(world, TOWNSHIP, *(dispatch(COUNTY, f"message {n}".encode()) for n in range(3)))
    return next_message(world, TOWNSHIP, COUNTY)


def receipts_wait(world: World) -> None:
    """Three genuine receipts of another county wait at the city for the county."""
    want(world, COUNTY, *(dispatch(OTHER_COUNTY) for _ in range(3)))
    pass_on(world, COUNTY, CITY, OTHER_COUNTY)


# One bad parcel among good ones


def _truncate_header(parcel: wire_link.Parcel) -> None:
    parcel.envelope.header = parcel.envelope.header[:-7]


def _empty_header(parcel: wire_link.Parcel) -> None:
    parcel.envelope.header = b""


def _rubbish_header(parcel: wire_link.Parcel) -> None:
    parcel.envelope.header = b"\xff" * 40


def _header_over_the_limit(parcel: wire_link.Parcel) -> None:
    parcel.envelope.header += bytes(limits.HEADER_BYTES_MAX)


def _truncate_body(parcel: wire_link.Parcel) -> None:
    parcel.envelope.sealed_body = parcel.envelope.sealed_body[:-1]


def _flip_a_bit_of_the_body(parcel: wire_link.Parcel) -> None:
    body = bytearray(parcel.envelope.sealed_body)
    body[len(body) // 2] ^= 1
    parcel.envelope.sealed_body = bytes(body)


def _body_over_the_limit(parcel: wire_link.Parcel) -> None:
    parcel.envelope.sealed_body += bytes(limits.SEALED_BODY_BYTES_MAX)


def _truncate_path(parcel: wire_link.Parcel) -> None:
    del parcel.envelope.proof.path[-1]


def _lengthen_path(parcel: wire_link.Parcel) -> None:
    parcel.envelope.proof.path.append(0)


def _endless_path(parcel: wire_link.Parcel) -> None:
    parcel.envelope.proof.path.extend([0] * 1000)


def _path_outside_the_evidence(parcel: wire_link.Parcel) -> None:
    parcel.envelope.proof.path[0] = 9999


def _checkpoint_outside_the_evidence(parcel: wire_link.Parcel) -> None:
    parcel.envelope.proof.checkpoint = 77


def _another_leaf(parcel: wire_link.Parcel) -> None:
    parcel.envelope.proof.leaf_index = 0


def _a_leaf_that_no_journal_has(parcel: wire_link.Parcel) -> None:
    parcel.envelope.proof.leaf_index = HUGE


def _no_proof(parcel: wire_link.Parcel) -> None:
    parcel.envelope.ClearField("proof")


def _nothing_in_it(parcel: wire_link.Parcel) -> None:
    parcel.ClearField("load")


def _an_unknown_kind(parcel: wire_link.Parcel) -> None:
    """Field 15, length-delimited: what a later edition may carry."""
    parcel.ClearField("load")
    parcel.MergeFromString(b"\x7a\x03new")


def _passed_by_what_is_no_hall(parcel: wire_link.Parcel) -> None:
    parcel.passed.append("3301\0")


def _passed_by_a_crowd(parcel: wire_link.Parcel) -> None:
    parcel.passed.extend([CITY] * 10_000)


BAD: dict[str, tuple[Callable[[wire_link.Parcel], None], str]] = {
    "truncated header": (_truncate_header, "PARCEL_MALFORMED"),
    "empty header": (_empty_header, "PARCEL_MALFORMED"),
    "rubbish for a header": (_rubbish_header, "PARCEL_MALFORMED"),
    "header over the limit": (_header_over_the_limit, "TOO_LARGE"),
    "truncated body": (_truncate_body, "BODY_DAMAGED"),
    "a bit of the body": (_flip_a_bit_of_the_body, "BODY_DAMAGED"),
    "body over the limit": (_body_over_the_limit, "TOO_LARGE"),
    "truncated path": (_truncate_path, "PROOF_INVALID"),
    "path with one hash more": (_lengthen_path, "PROOF_INVALID"),
    "endless path": (_endless_path, "PARCEL_MALFORMED"),
    "path outside the evidence": (_path_outside_the_evidence, "PARCEL_MALFORMED"),
    "checkpoint outside the evidence": (_checkpoint_outside_the_evidence, "PARCEL_MALFORMED"),
    "another leaf": (_another_leaf, "PROOF_INVALID"),
    "a leaf that no journal has": (_a_leaf_that_no_journal_has, "PROOF_INVALID"),
    "no proof": (_no_proof, "PROOF_INVALID"),
    "nothing in it": (_nothing_in_it, "PARCEL_MALFORMED"),
    "an unknown kind": (_an_unknown_kind, "PARCEL_MALFORMED"),
    "passed by what is no hall": (_passed_by_what_is_no_hall, "PARCEL_MALFORMED"),
    "passed by a crowd": (_passed_by_a_crowd, "PARCEL_MALFORMED"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_parcel_is_dropped_and_recorded_and_the_good_ones_go_through(
    world: World, bad: str
) -> None:
    spoil, reason = BAD[bad]
    message = three_messages(world)
    spoil(message.parcels[1])
    reply = take(world, TOWNSHIP, COUNTY, message)
    county = world.at(COUNTY)
    assert answers(reply) == ["KEPT", f"DROPPED {reason}", "KEPT"]
    assert [item.payload for item in messages(county)] == [b"message 0", b"message 2"]
    (incident,) = incidents(county)
    assert (incident.reason, incident.neighbour) == (reason, TOWNSHIP)
    assert len(receptions(county)) == 2


@pytest.mark.parametrize("bad", ["truncated header", "a bit of the body", "truncated path"])
def test_what_came_spoiled_is_taken_when_it_comes_whole(world: World, bad: str) -> None:
    spoil, _ = BAD[bad]
    message = three_messages(world)
    spoiled = wire_link.Batch()
    spoiled.CopyFrom(message)
    spoil(spoiled.parcels[1])
    take(world, TOWNSHIP, COUNTY, spoiled)
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == ["KEPT"] * 3
    assert [item.payload for item in messages(world.at(COUNTY))] == [
        b"message 0",
        b"message 2",
        b"message 1",
    ]


BAD_RECEIPTS: dict[str, tuple[Callable[[wire_link.Parcel], None], str]] = {
    "truncated": (
        lambda parcel: setattr(parcel.receipt, "body", parcel.receipt.body[:-3]),
        "PARCEL_MALFORMED",
    ),
    "empty": (lambda parcel: setattr(parcel.receipt, "body", b""), "PARCEL_MALFORMED"),
    "rubbish": (lambda parcel: setattr(parcel.receipt, "body", b"\xff" * 30), "PARCEL_MALFORMED"),
    "without proof": (lambda parcel: parcel.receipt.ClearField("proof"), "PROOF_INVALID"),
    "another leaf": (
        lambda parcel: setattr(parcel.receipt.proof, "leaf_index", 7),
        "PROOF_INVALID",
    ),
    "passed by what is no hall": (lambda parcel: parcel.passed.append("\0"), "PARCEL_MALFORMED"),
    "passed by a crowd": (lambda parcel: parcel.passed.extend([CITY] * 999), "PARCEL_MALFORMED"),
}


@pytest.mark.parametrize("bad", BAD_RECEIPTS)
def test_a_bad_receipt_is_dropped_and_recorded_and_the_good_parcels_go_through(
    world: World, bad: str
) -> None:
    spoil, reason = BAD_RECEIPTS[bad]
    receipts_wait(world)
    want(world, CITY, dispatch(COUNTY, b"good"))
    message = next_message(world, CITY, COUNTY)
    spoil(message.parcels[1])
    reply = take(world, CITY, COUNTY, message)
    assert answers(reply) == ["KEPT", f"DROPPED {reason}", "KEPT", "KEPT"]
    assert [item.payload for item in messages(world.at(COUNTY))] == [b"good"]
    assert reasons(world.at(COUNTY)) == [reason]


def test_a_relay_passes_nothing_on_that_would_hold_up_the_next_hall(world: World) -> None:
    """What stands beside the proof is checked as well: nobody vouches for it."""
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY))
    message = next_message(world, TOWNSHIP, COUNTY)
    message.parcels[0].passed.append("somewhere, else")
    take(world, TOWNSHIP, COUNTY, message)
    want(world, TOWNSHIP, dispatch(OTHER_COUNTY, b"good"))
    settle_exchanges(world)
    assert b"good" in [item.payload for item in messages(world.at(OTHER_COUNTY))]


# Whole batches


def test_a_batch_cut_anywhere_is_refused_or_dropped_and_comes_whole_later(world: World) -> None:
    data = three_messages(world).SerializeToString()
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    for length in range(0, len(data), 61):
        reply = world.take(township, county, data[:length]).reply
        # The proofs stand at the end, so nothing of a batch that is cut can be proved.
        assert reply.reason or all(answer.disposition == 2 for answer in reply.answers)
    assert receptions(county) == []
    assert messages(county) == []
    assert answers(world.take(township, county, data).reply) == ["KEPT"] * 3


def test_a_batch_cut_in_half_is_refused_whole_and_recorded(world: World) -> None:
    data = three_messages(world).SerializeToString()
    half = data[: len(data) // 2]
    reply = world.take(world.at(TOWNSHIP), world.at(COUNTY), half).reply
    assert reply.reason == "BATCH_MALFORMED"
    assert len(reply.answers) == 0
    (incident,) = incidents(world.at(COUNTY))
    assert (incident.reason, incident.neighbour) == ("BATCH_MALFORMED", TOWNSHIP)
    assert incident.digest == SUITE.digest(half)


def test_a_batch_is_not_taken_before_the_one_that_it_follows(world: World) -> None:
    county = world.at(COUNTY)
    first = three_messages(world)
    want(world, TOWNSHIP, dispatch(COUNTY, b"second"))
    second = wire_link.Batch(sequence=first.sequence + 1, follows=first.sequence)
    whole = next_message(world, TOWNSHIP, COUNTY)
    second.parcels.append(whole.parcels[-1])
    second.evidence.CopyFrom(whole.evidence)
    before = everything(county.exchange)
    reply = take(world, TOWNSHIP, COUNTY, second)
    assert (reply.reason, len(reply.answers)) == ("OUT_OF_ORDER", 0)
    assert everything(county.exchange) == before
    take(world, TOWNSHIP, COUNTY, first)
    assert answers(take(world, TOWNSHIP, COUNTY, second)) == ["KEPT"]
    assert [message.payload for message in messages(county)][-1] == b"second"


def test_a_batch_with_ten_thousand_parcels_is_refused_whole_and_recorded(world: World) -> None:
    message = three_messages(world)
    for _ in range(10_000):
        message.parcels.add(passed=[CITY])
    reply = take(world, TOWNSHIP, COUNTY, message)
    assert reply.reason == "PARCEL_MALFORMED"
    assert len(reply.answers) == 0
    assert messages(world.at(COUNTY)) == []
    assert reasons(world.at(COUNTY)) == ["PARCEL_MALFORMED"]


def _odd_hashes(evidence: wire_trust.Evidence) -> None:
    evidence.hashes += b"odd"


def _rubbish_for_a_certificate(evidence: wire_trust.Evidence) -> None:
    evidence.certificates.add(body=b"\xff\xff", signature=b"")


def _rubbish_for_a_head(evidence: wire_trust.Evidence) -> None:
    evidence.checkpoints.add(note=b"hallnet/330127101/1\nmany\n", signature=b"")


def _too_many_heads(evidence: wire_trust.Evidence) -> None:
    evidence.checkpoints.extend([evidence.checkpoints[0]] * CHECKPOINTS_MAX)


@pytest.mark.parametrize(
    "spoil", [_odd_hashes, _rubbish_for_a_certificate, _rubbish_for_a_head, _too_many_heads]
)
def test_evidence_that_cannot_be_read_is_refused_whole_and_recorded(
    world: World, spoil: Callable[[wire_trust.Evidence], None]
) -> None:
    message = three_messages(world)
    spoil(message.evidence)
    reply = take(world, TOWNSHIP, COUNTY, message)
    assert reply.reason == "MESSAGE_MALFORMED"
    assert reasons(world.at(COUNTY)) == ["MESSAGE_MALFORMED"]
    assert messages(world.at(COUNTY)) == []


def test_a_certificate_in_the_evidence_that_leads_nowhere_harms_nobody(world: World) -> None:
    message = three_messages(world)
    stranger = World("sqlite://", intakes=False).root
    message.evidence.certificates.append(stranger.to_message())
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == ["KEPT"] * 3
    assert not world.at(COUNTY).context.trust.knows(stranger.id)


def test_a_batch_whose_number_no_store_can_hold_is_refused(world: World) -> None:
    message = three_messages(world)
    message.sequence = HUGE
    assert take(world, TOWNSHIP, COUNTY, message).reason == "BATCH_MALFORMED"
    message.sequence = 1
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == ["KEPT"] * 3


def test_an_empty_batch_is_answered_and_changes_nothing_but_the_link(world: World) -> None:
    county = world.at(COUNTY)
    before = everything(county.exchange)
    reply = take(world, TOWNSHIP, COUNTY, wire_link.Batch(sequence=5))
    assert (reply.sequence, reply.reason, len(reply.answers)) == (5, "", 0)
    after = everything(county.exchange)
    assert {name for name in after if after[name] != before[name]} <= {"link"}


def test_the_answer_says_how_much_may_come_next(world: World) -> None:
    batch = three_messages(world)
    reply = take(world, TOWNSHIP, COUNTY, batch)
    assert (reply.sequence, reply.credit_bytes) == (batch.sequence, limits.BATCH_BYTES_MAX)


def test_a_batch_is_taken_whole_or_not_at_all(world: World) -> None:
    """If the transaction fails nothing of the batch remains, and it is taken when it comes again."""
    message = three_messages(world)
    county = world.at(COUNTY)
    before = everything(county.exchange)

    def fail(connection: Connection) -> None:
        data = message.SerializeToString()
        incoming.take_batch(
            connection, county.context, world.at(TOWNSHIP).address, data, world.time.now
        )
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        county.exchange.transact(fail)
    assert everything(county.exchange) == before
    assert answers(take(world, TOWNSHIP, COUNTY, message)) == ["KEPT"] * 3


def test_certificates_that_came_with_a_batch_outlive_a_failed_transaction_and_a_restart(
    world: World,
) -> None:
    """A hall that relays needs the certificates of what it relays for as long as it waits."""
    newcomer = "330127102"
    world.found(newcomer, introduced=False)
    want(world, COUNTY, dispatch(newcomer))
    world.at(CITY).cut = True
    world.at(newcomer).context.trust.learn([world.at(OTHER_COUNTY).context.identity.certificate])
    want(world, newcomer, dispatch(OTHER_COUNTY))
    give(world, newcomer, COUNTY)
    message = next_message(world, COUNTY, CITY)
    city = world.at(CITY)

    def fail(connection: Connection) -> None:
        data = message.SerializeToString()
        incoming.take_batch(
            connection, city.context, world.at(COUNTY).address, data, world.time.now
        )
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        city.exchange.transact(fail)
    give(world, COUNTY, CITY)
    world.restart(CITY)
    settle_exchanges(world)
    assert len(messages(world.at(OTHER_COUNTY))) == 1


def test_many_parcels_of_one_batch_take_their_order_along(world: World) -> None:
    fill(world, TOWNSHIP, COUNTY, 3)
    want(world, TOWNSHIP, *(dispatch(COUNTY, b"%d" % n) for n in range(50)))
    settle_exchanges(world)
    received = [item.payload for item in messages(world.at(COUNTY))]
    assert received == [b"x" * 10] * 3 + [b"%d" % n for n in range(50)]
