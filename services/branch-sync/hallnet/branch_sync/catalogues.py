"""A catalogue before it is signed: overlays become items, and what may not be published is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import select

from hallnet.branch_sync import tables
from hallnet.branch_sync.releasing import Standing
from hallnet.case.catalogue_check import require_publishable
from hallnet.case.item import CATALOGUE, ItemVersion
from hallnet.case.overlay import expanded, require_narrower, require_unchanged
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.release import RELEASE, ReleaseKind
from hallnet.wire.release.v1 import release_pb2 as wire_release


def prepared(connection: Connection, here: Address, content: bytes) -> bytes:
    """The catalogue as it is to be signed, once it may be published.

    Raises MessageMalformed, CatalogueMalformed, CatalogueNotPublishable, ItemVersionChanged, and the
    problems of overlays.
    """
    published = list(_published(connection))
    above = [item for author, items in published if author != str(here) for item in items]
    catalogue = expanded(CATALOGUE.from_bytes(content), above)
    require_publishable(catalogue)
    require_narrower(catalogue.items, above)
    require_unchanged(catalogue.items, _all_of(items for _, items in published))
    return CATALOGUE.to_bytes(catalogue)


def _published(connection: Connection) -> Iterator[tuple[str, tuple[ItemVersion, ...]]]:
    """Authors and items of the catalogues that are or will be in force here."""
    table = tables.release
    rows = connection.execute(
        select(table.c.author, table.c.signed).where(
            table.c.kind == ReleaseKind.CATALOGUE,
            table.c.standing.in_((Standing.IN_FORCE, Standing.PENDING)),
        )
    )
    for row in rows:
        body = RELEASE.from_bytes(wire_release.SignedRelease.FromString(row.signed).body)
        yield row.author, CATALOGUE.from_bytes(body.content).items


def _all_of(lists: Iterable[tuple[ItemVersion, ...]]) -> Iterator[ItemVersion]:
    for items in lists:
        yield from items
