"""Renewing the own certificate over the link, with fresh keys, long before the old one ends.

The hall asks its parent by an envelope, and the parent answers by one: nothing of it can be lost, and
both stand in the journals. Until the answer is in, and for as long as it is valid, the old certificate
goes on to be used; what was sealed to its key can be opened for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from sqlalchemy import select

from hallnet.codec import MessageMalformed
from hallnet.exchange import believing, keyring, tables
from hallnet.exchange.certificates import certifying
from hallnet.exchange.context import Context
from hallnet.exchange.queue import outgoing
from hallnet.exchange.queue.sealing import Wish
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.certificate import (
    CHAIN_LENGTH_MAX,
    Certificate,
    RequestBody,
    make_request,
    read_certificate,
    read_request,
)
from hallnet.trust.envelope import Urgency
from hallnet.trust.problems import SpeaksForAnother
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms, supported
from hallnet.wire.trust.v1 import certificate_pb2 as wire

REQUEST_KIND = "certificate.request"
ISSUED_KIND = "certificate.issued"
KINDS = frozenset({REQUEST_KIND, ISSUED_KIND})
SUBJECT = "certificate"
ASK_AGAIN_AFTER = timedelta(days=1)
ASKED_MAX = 100
"""How often a hall asks without an answer before it leaves it to its operator."""

Said = TypeVar("Said", bound=Message)
_log = logging.getLogger("hallnet.exchange")


def is_due(certificate: Certificate, now: datetime) -> bool:
    """Whether less than a third of the validity is left."""
    body = certificate.body
    return now >= body.not_after - (body.not_after - body.not_before) / 3


def ask_if_due(
    connection: Connection, context: Context, link_key: bytes, now: datetime
) -> list[Entry]:
    """Ask the parent for a new certificate if it is time; returns the entries for the feed.

    `link_key` is the public key with which the node opens its link.
    """
    certificate = context.identity.certificate
    suite = algorithms(_suite_to_have(context))
    moves = suite.suite is not certificate.body.suite
    if context.parent is None or not (moves or is_due(certificate, now)):
        return []
    last, count = keyring.asked(connection)
    if count >= ASKED_MAX or (last is not None and now - last < ASK_AGAIN_AFTER):
        return []
    signing_key, sealing_key = keyring.make(connection, context, suite, now)
    body = RequestBody(
        suite=suite.suite,
        subject=context.here,
        name=certificate.body.name,
        signing_key=suite.signing_public(signing_key),
        sealing_key=suite.sealing_public(sealing_key),
        link_key=link_key,
        requested_at=now,
        suites=tuple(sorted(supported())),
    )
    _log.info(
        "The certificate of suite %d ends at %s: one of suite %d is asked for",
        certificate.body.suite,
        certificate.body.not_after,
        suite.suite,
    )
    return _send(
        connection, context, context.parent, REQUEST_KIND, make_request(body, signing_key), now
    )


def _suite_to_have(context: Context) -> Suite:
    """The one that the settings want, once the network allows it; till then the present one."""
    wanted = context.wanted_suite
    if wanted is None or wanted not in context.trust.suites:
        return context.identity.certificate.body.suite
    return wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """A child that asks for a certificate; `current` is the one that it has."""

    body: RequestBody
    current: Certificate


@dataclass(frozen=True, slots=True)
class Issued:
    """The parent's answer: the own certificate first, then those above."""

    chain: Sequence[Certificate]


def read(
    connection: Connection, context: Context, sender: Address, kind: str, payload: bytes
) -> Asked | Issued:
    """What a neighbour says of certificates, if it may say so.

    Raises MessageMalformed, SignatureInvalid, SpeaksForAnother or NotAChild.
    """
    if kind == REQUEST_KIND:
        body = read_request(_parsed(wire.CertificateRequest(), payload))
        if body.subject != sender:
            raise SpeaksForAnother("request.subject", signer=sender, claimed=body.subject)
        return Asked(body, _current(connection, context, sender))
    welcome = _parsed(wire.Welcome(), payload)
    chain = [read_certificate(item) for item in welcome.chain[:CHAIN_LENGTH_MAX]]
    if sender != context.parent or not chain or chain[0].address != context.here:
        raise SpeaksForAnother("certificate", signer=sender, claimed=context.here)
    return Issued(chain)


def act(
    connection: Connection, context: Context, said: Asked | Issued, now: datetime
) -> list[Entry]:
    """Answer a child, or act under the own new certificate; returns the entries for the feed."""
    if isinstance(said, Asked):
        return _answer(connection, context, said, now)
    believing.learn(connection, context, said.chain, now)
    new = said.chain[0]
    if context.trust.knows(new.id) and keyring.take(connection, context, new):
        _log.info("The new certificate is valid until %s", new.body.not_after)
    return []


def _answer(connection: Connection, context: Context, asked: Asked, now: datetime) -> list[Entry]:
    """Certify a child anew, for as long and for the same acts as before.

    Asked twice with the same keys, it gives the same certificate again.
    """
    certificate = asked.current
    entries: list[Entry] = []
    if certificate.body.signing_key != asked.body.signing_key:
        days = (certificate.body.not_after - certificate.body.not_before).days
        permissions = certificate.body.permissions
        certificate, entries = certifying.certify_child(
            connection, context, asked.body, permissions, days, now
        )
    chain = [certificate, *context.identity.chain]
    issued = wire.Welcome(chain=[item.to_message() for item in chain])
    return entries + _send(connection, context, asked.body.subject, ISSUED_KIND, issued, now)


def _current(connection: Connection, context: Context, child: Address) -> Certificate:
    table = tables.child
    query = select(table.c.certificate_id).where(table.c.address == str(child))
    certificate_id: bytes | None = connection.execute(query).scalar_one_or_none()
    if certificate_id is None:
        raise certifying.NotAChild("request.subject", subject=child, here=context.here)
    return context.trust.chain_of(certificate_id)[0]


def _send(
    connection: Connection,
    context: Context,
    recipient: Address,
    kind: str,
    message: wire.CertificateRequest | wire.Welcome,
    now: datetime,
) -> list[Entry]:
    wish = Wish(recipient, kind, SUBJECT, Urgency.URGENT, message.SerializeToString())
    return outgoing.send(connection, context, [wish], now)


def _parsed(message: Said, payload: bytes) -> Said:
    try:
        message.ParseFromString(payload)
    except DecodeError as error:
        name = message.DESCRIPTOR.name
        raise MessageMalformed("content", message=name, detail="bytes") from error
    return message
