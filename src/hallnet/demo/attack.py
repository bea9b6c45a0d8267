"""What a dishonest hall could try with its own keys and its own link."""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import UTC, datetime

from hallnet.exchange.queue import parcels
from hallnet.federation import limits
from hallnet.node.broker import subjects_up
from hallnet.node.home import Home
from hallnet.node.messaging import LinkClient
from hallnet.places import Address
from hallnet.sandbox.network import Node
from hallnet.store import Connection, Database
from hallnet.trust import envelope as envelopes
from hallnet.trust.certificate import Certificate
from hallnet.trust.envelope import Letter, Urgency
from hallnet.trust.evidence import Checkpoint, EvidenceWriter, Proof, sign_checkpoint
from hallnet.trust.journal import EntryKind, Journal, entry_leaf
from hallnet.trust.suite import NONCE_BYTES, SALT_BYTES
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import link_pb2 as wire_link

REPLY_SECONDS = 5.0
SEQUENCE = 1_000_000


def forged_batch(forger: Home, claimed: Address, recipient: Certificate) -> bytes:
    """An envelope in the name of another hall, journaled and signed with the forger's own key."""
    identity = forger.identity()
    suite = algorithms(identity.certificate.body.suite)
    now = datetime.now(UTC)
    letter = Letter(
        envelope_id=secrets.token_bytes(16),
        sender=claimed,
        recipient=recipient.address,
        kind="case.events",
        subject="forged",
        urgency=Urgency.ORDINARY,
        sent_at=now,
        expires_at=now + limits.LIFETIME,
        hop_limit=limits.HOPS_MAX,
        traceparent="",
        payload=b"forged",
    )
    key = envelopes.content_key(
        os.urandom(algorithms(recipient.body.suite).content_key_bytes), recipient
    )
    sealed = envelopes.seal(letter, key, os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES))
    journal = Journal(suite.digest, 0, lambda level, index: b"")
    journal.append([entry_leaf(suite.digest, EntryKind.SENT, sealed.header)])
    checkpoint = Checkpoint(claimed, 1, 1, journal.root(), now, suite.suite)
    signed = sign_checkpoint(checkpoint, identity.certificate, identity.signing_key)
    evidence = EvidenceWriter()
    proof = evidence.add(Proof(0, (), signed), identity.chain[:-1])
    envelope = wire.Envelope(header=sealed.header, sealed_body=sealed.body, proof=proof)
    return _batch(wire_link.Parcel(envelope=envelope), evidence)


def replayed_batch(relay: Node, sender: str, chain: list[Certificate]) -> bytes:
    """A genuine envelope of another hall, copied from the queue of a hall on its way."""
    database = Database(relay.home.database_url("exchange"), "exchange")

    def look(connection: Connection) -> parcels.Parcel:
        return parcels.newest_passed_on(connection, Address.parse(sender))

    try:
        parcel = database.look(look)
    finally:
        database.close()
    evidence = EvidenceWriter()
    proof = evidence.add(parcel.proof, chain)
    envelope = wire.Envelope(header=parcel.head, sealed_body=parcel.sealed_body, proof=proof)
    return _batch(wire_link.Parcel(envelope=envelope), evidence)


async def send_as(attacker: Home, batch: bytes) -> wire_link.BatchReply:
    """Send a batch over the attacker's own link to its parent."""
    here = Address.parse(attacker.settings().hall.address)
    client = LinkClient(
        attacker.welcome().broker_url,
        str(here),
        attacker.path("trust/parent-link.pem"),
        attacker.path("keys/link.key"),
        attacker.path("trust/parent-authority.pem"),
    )
    up = asyncio.Event()

    async def came_up() -> None:
        up.set()

    client.on_up(came_up)
    running = asyncio.create_task(client.run())
    try:
        await asyncio.wait_for(up.wait(), REPLY_SECONDS)
        reply = await client.request(f"{subjects_up(here)}.batch", batch, REPLY_SECONDS)
        return wire_link.BatchReply.FromString(reply)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _batch(parcel: wire_link.Parcel, evidence: EvidenceWriter) -> bytes:
    batch = wire_link.Batch(sequence=SEQUENCE, parcels=[parcel], evidence=evidence.to_message())
    return batch.SerializeToString()
