"""Founding halls cheaply: a parent certifies its child with the product's own code, and every disk starts
as a copy of one that was migrated and furnished once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from hallnet.case.calendar import CALENDAR
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import CATALOGUE
from hallnet.case.person import Actor, ActorKind
from hallnet.case.power import Power
from hallnet.case.supplied_calendar import supplied_calendar
from hallnet.exchange import tables
from hallnet.exchange.certificates import certifying
from hallnet.exchange.context import Context
from hallnet.intake import accounts
from hallnet.intake.accounts import Account
from hallnet.intake.releases import Releases
from hallnet.node.home import Identity
from hallnet.places import Address, divisions
from hallnet.simulate.disk import Disk, borrowed, new_connection, seal
from hallnet.store import Connection
from hallnet.store.migrating import migrate
from hallnet.trust.certificate import (
    Certificate,
    CertificateBody,
    Permission,
    RequestBody,
    Role,
    issue,
)
from hallnet.trust.release import ReleaseBody, ReleaseKind
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

KEYS = algorithms(Suite.ED25519)
BEGINNING = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
"""A Monday, eight in the morning in China."""
FOUNDED = BEGINNING - timedelta(hours=6)
"""When the halls of a world are certified."""
VALID_DAYS = 1000
SERVICES = ("exchange", "intake", "branch_sync")

CLERK = Account(Actor(ActorKind.STAFF, "clerk", "李窗口"), frozenset(Power) - {Power.DECIDE}, ())
CHIEF = Account(Actor(ActorKind.STAFF, "chief", "王首席"), frozenset(Power), ())


def chance(*of: object) -> random.Random:
    """A source of chance for one purpose: what one thing draws changes nothing for another."""
    return random.Random("/".join(map(str, of)))


def root_of(top: Address, seed: int) -> tuple[Certificate, bytes]:
    """The offline root over the highest hall, and its key."""
    key = chance(seed, "root").randbytes(32)
    body = CertificateBody(
        suite=KEYS.suite,
        serial=b"r" * 16,
        role=Role.ROOT,
        subject=str(top),
        name="root",
        issuer=str(top),
        issuer_id=b"",
        signing_key=KEYS.signing_public(key),
        sealing_key=b"",
        not_before=BEGINNING - timedelta(days=1),
        not_after=BEGINNING + timedelta(days=4 * VALID_DAYS),
        permissions=(Permission.CERTIFY,),
        suites=(int(Suite.ED25519),),
    )
    return issue(body, key), key


def top_identity(top: Address, root: Certificate, root_key: bytes, seed: int) -> Identity:
    """The highest hall, which the root certified by hand."""
    asked, signing, sealing = _request(top, seed)
    body = CertificateBody(
        suite=KEYS.suite,
        serial=b"t" * 16,
        role=Role.HALL,
        subject=str(top),
        name=asked.name,
        issuer=str(top),
        issuer_id=root.id,
        signing_key=asked.signing_key,
        sealing_key=asked.sealing_key,
        not_before=FOUNDED - timedelta(minutes=5),
        not_after=BEGINNING + timedelta(days=3 * VALID_DAYS),
        permissions=tuple(Permission),
        suites=asked.suites,
    )
    return Identity((issue(body, root_key), root), signing, sealing)


def child_identity(
    parent: Disk, context: Context, child: Address, seed: int, at: datetime = FOUNDED
) -> Identity:
    """A hall whose parent certifies it, in the parent's own records, and says so to its other services."""
    asked, signing, sealing = _request(child, seed)
    usual: Sequence[Permission] = (Permission.EXCHANGE,)
    if not child.is_branch_hall:
        usual = (Permission.EXCHANGE, Permission.CERTIFY, Permission.RELEASE)

    def certify(connection: Connection) -> Certificate:
        certificate, entries = certifying.certify_child(
            connection, context, asked, usual, VALID_DAYS, at
        )
        tables.feed.append(connection, entries)
        return certificate

    chain = (parent.transact(certify), *context.identity.chain)
    return Identity(chain, signing, sealing)


def _request(subject: Address, seed: int) -> tuple[RequestBody, bytes, bytes]:
    keys = chance(seed, "keys", subject)
    signing, sealing = keys.randbytes(32), keys.randbytes(32)
    asked = RequestBody(
        suite=KEYS.suite,
        subject=subject,
        name=f"{subject} hall",
        signing_key=KEYS.signing_public(signing),
        sealing_key=KEYS.sealing_public(sealing),
        link_key=b"",
        requested_at=FOUNDED,
        suites=(int(Suite.ED25519),),
    )
    return asked, signing, sealing


@cache
def blank(service: str) -> bytes:
    """A migrated database of a service; that of an intake has catalogue, calendar and staff."""
    connection = new_connection()
    disk = Disk(service, connection.serialize(), seal(b"", service))
    with borrowed(disk):
        migrate(disk, f"hallnet.{service}")
    if service == "intake":
        disk.transact(lambda c: _furnish(c))
    image = disk.image()
    disk.close()
    return image


def _furnish(connection: Connection) -> None:
    # As before the first release: what the highest hall publishes takes its place.
    releases = Releases()
    for kind, content in supplied():
        releases.take(
            connection,
            ReleaseBody(KEYS.suite, kind, Address("33"), 0, BEGINNING, BEGINNING, content, ""),
        )
    for account in (CLERK, CHIEF):
        accounts.put(connection, account, BEGINNING)


@cache
def supplied() -> tuple[tuple[ReleaseKind, bytes], ...]:
    """The catalogue and the calendar that come with hallnet."""
    return (
        (ReleaseKind.CATALOGUE, CATALOGUE.to_bytes(supplied_catalogue())),
        (ReleaseKind.CALENDAR, CALENDAR.to_bytes(supplied_calendar())),
    )


def halls_under(top: str, most: int = 0) -> list[Address]:
    """All halls of a division with their parents, the highest first; at most so many if a number is given.

    A smaller number keeps whole branches: with each hall go all halls above it.
    """
    register = divisions()
    everyone = sorted(
        (hall for hall in register.halls(top)), key=lambda hall: (len(hall.division), hall)
    )
    if not most or most >= len(everyone):
        return everyone
    step = max(len(everyone) // most, 1)
    kept: set[Address] = {everyone[0]}
    lowest = [hall for hall in everyone if len(hall.division) == len(everyone[-1].division)]
    for hall in lowest[::step] + lowest:
        path = [above for above in register.path(hall) if len(above.division) >= len(top)]
        if len(kept | set(path)) > most:
            continue
        kept |= set(path)
        if len(kept) == most:
            break
    return [hall for hall in everyone if hall in kept]
