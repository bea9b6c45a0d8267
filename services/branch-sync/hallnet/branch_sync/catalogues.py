"""A catalogue before it is signed: overlays become items, and what may not be published is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import select

from hallnet.branch_sync import tables
from hallnet.branch_sync.standing import Standing
from hallnet.case.catalogue_check import require_publishable
from hallnet.case.item import CATALOGUE, Catalogue, ItemVersion
from hallnet.case.overlay import expanded, require_narrower, require_own, require_unchanged
from hallnet.case.published import catalogue_of
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
    # Cases may run under a version that was withdrawn, or that is listed no more.
    require_unchanged(catalogue.items, _all_of(_once_published(connection, here)))
    require_own(catalogue.items, above)
    return CATALOGUE.to_bytes(catalogue)


def require_bounded(connection: Connection, author: Address, catalogue: Catalogue) -> None:
    """Of items of halls above its author a catalogue says no more than an overlay may.

    An item that narrows a version which is not in force here is never in force here either, so it is let
    pass. Raises OverlayWidens.
    """
    published = _published(connection)
    above = [
        item for by, items in published if Address.parse(by).may_certify(author) for item in items
    ]
    known = {(item.item_id, item.version) for item in above}
    require_own(catalogue.items, above)
    require_narrower(
        [item for item in catalogue.items if (item.item_id, item.base_version) in known], above
    )


def _once_published(connection: Connection, here: Address) -> Iterator[tuple[ItemVersion, ...]]:
    """Items of all catalogues that this hall ever published."""
    rows = connection.scalars(
        select(tables.release.c.signed).where(
            tables.release.c.kind == ReleaseKind.CATALOGUE,
            tables.release.c.author == str(here),
            tables.release.c.standing != Standing.REFUSED,
        )
    )
    for signed in rows:
        body = RELEASE.from_bytes(wire_release.SignedRelease.FromString(signed).body)
        yield catalogue_of(body.content).items


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
        yield row.author, catalogue_of(body.content).items


def _all_of(lists: Iterable[tuple[ItemVersion, ...]]) -> Iterator[ItemVersion]:
    for items in lists:
        yield from items
