"""What came down the tree and is in force here: items, working days, local rules, and how fresh the
trust data are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, func, select, update

from hallnet.case.calendar import Calendar
from hallnet.case.catalogue import newest_in_force, republished, version_in_force
from hallnet.case.event import Filed
from hallnet.case.item import ITEM, ItemOverlay, ItemVersion
from hallnet.case.overlay import merged, overlay_of
from hallnet.case.policy import POLICY, Policy
from hallnet.case.problems import ItemNotInForce, ItemUnknown
from hallnet.case.published import calendar_of, catalogue_of
from hallnet.codec.codec import MessageMalformed
from hallnet.codec.moments import from_timestamp
from hallnet.intake import tables
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.gathering import forget_read, read_once
from hallnet.store.upsert import upsert
from hallnet.trust.freshness import without_bundle
from hallnet.trust.release import ReleaseBody, ReleaseKind
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

NARROWED_MAX = 1_000
"""Items as other halls narrow them that are remembered."""
PUBLISHED_MAX = 1_000
"""Items as they were published that are remembered."""

_USED = frozenset(
    {ReleaseKind.CATALOGUE, ReleaseKind.CALENDAR, ReleaseKind.TRUST, ReleaseKind.POLICY}
)


def _is_readable(release: ReleaseBody) -> bool:
    """A policy that nobody can read would stop every act of the hall: it is left aside."""
    try:
        if release.kind is ReleaseKind.POLICY:
            POLICY.from_bytes(release.content)
    except MessageMalformed:
        return False
    return True


_NEAREST = (
    select(tables.release.c.content)
    .where(tables.release.c.kind == bindparam("of_kind"), tables.release.c.content.is_not(None))
    .order_by(func.length(tables.release.c.author).desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class LocalRules:
    """Working days, and how it is done here."""

    calendar: Calendar
    policy: Policy


_LOCAL_RULES = "local rules"


class Releases:
    """Reads the releases in force; what was read is kept until its version changes."""

    def __init__(self) -> None:
        self._calendar: tuple[bytes, Calendar] | None = None
        self._policy: tuple[bytes, Policy] | None = None
        self._items: dict[tuple[str, int], ItemVersion] = {}
        self._narrowed: dict[tuple[str, ItemOverlay], ItemVersion] = {}
        self._published: dict[bytes, ItemVersion] = {}
        self._trust_ends: tuple[bytes, datetime] | None = None

    def take(self, connection: Connection, release: ReleaseBody) -> bool:
        """Put a release in force; False if it is none of ours or not newer."""
        if release.kind not in _USED or not _is_readable(release):
            return False
        table, author = tables.release, str(release.author)
        known = connection.execute(
            select(table.c.version).where(table.c.kind == release.kind, table.c.author == author)
        ).scalar_one_or_none()
        if known is not None and known >= release.version:
            return False
        content = None if release.is_void else release.content
        statement = upsert(connection, table).values(
            kind=release.kind, author=author, version=release.version, content=content
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "author"],
                set_={
                    "version": statement.excluded.version,
                    "content": statement.excluded.content,
                },
            )
        )
        forget_read()
        if release.kind is ReleaseKind.CATALOGUE:
            self._take_catalogue(connection, author, release.content)
        return True

    def _take_catalogue(self, connection: Connection, author: str, content: bytes) -> None:
        """The author's list is replaced; versions that cases run under are kept as they first came."""
        table = tables.item_version
        known = {
            (row.item_id, row.version): ITEM.from_bytes(row.item)
            for row in connection.execute(select(table).where(table.c.author == author))
        }
        connection.execute(update(table).where(table.c.author == author).values(sequence=-1))
        rows = [
            {
                "item_id": item.item_id,
                "version": item.version,
                "author": author,
                "sequence": sequence,
                "item": ITEM.to_bytes(
                    republished(known.get((item.item_id, item.version), item), item)
                ),
            }
            for sequence, item in enumerate(catalogue_of(content).items)
        ]
        statement = upsert(connection, table)
        if rows:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["item_id", "version"],
                    set_={
                        name: statement.excluded[name] for name in ("author", "sequence", "item")
                    },
                ),
                rows,
            )
        self._items.clear()
        self._narrowed.clear()

    def local_rules(self, connection: Connection) -> LocalRules:
        """What almost every act needs, looked up once in a transaction."""
        return read_once(
            _LOCAL_RULES, lambda: LocalRules(self.calendar(connection), self.policy(connection))
        )

    def calendar(self, connection: Connection) -> Calendar:
        """The calendar in force, of the nearest hall that published one.

        Before the first calendar release no year is published, and every due date says so.
        """
        raw = self.calendar_release(connection)
        if self._calendar is None or self._calendar[0] != raw:
            self._calendar = (raw, Calendar(calendar_of(raw)))
        return self._calendar[1]

    def calendar_release(self, connection: Connection) -> bytes:
        """The content of the calendar in force; empty before the first one."""
        return self._nearest(connection, ReleaseKind.CALENDAR) or b""

    def policy(self, connection: Connection) -> Policy:
        """How it is done here, as the nearest hall says that published a policy."""
        raw = self._nearest(connection, ReleaseKind.POLICY) or b""
        if self._policy is None or self._policy[0] != raw:
            self._policy = (raw, POLICY.from_bytes(raw))
        return self._policy[1]

    def item_of(self, connection: Connection, filed: Filed) -> ItemVersion | None:
        """The version under which a case runs; None if it never reached this hall.

        What the hall of intake narrows is made of the item above and of what the case brings along, so that
        every hall that knows the item comes to the same clocks. What would widen it is not taken.
        """
        overlay = filed.overlay
        if overlay is None:
            return self.item(connection, filed.item_id, filed.item_version)
        base = self.item(connection, overlay.item_id, overlay.base_version)
        if base is None or overlay.item_id != filed.item_id:
            return None
        known = self._narrowed.get((base.item_id, overlay))
        if known is not None:
            return known
        try:
            narrowed = merged(base, overlay)
        except Problem:
            return None
        if narrowed.version != filed.item_version:
            return None
        if len(self._narrowed) >= NARROWED_MAX:
            self._narrowed.clear()
        self._narrowed[base.item_id, overlay] = narrowed
        return narrowed

    def overlay_of(self, connection: Connection, item: ItemVersion) -> ItemOverlay | None:
        """What a version says of an item of a hall above, for a case to take along; None if it stands for
        itself."""
        if not item.base_version:
            return None
        base = self.item(connection, item.item_id, item.base_version)
        return None if base is None else overlay_of(base, item)

    def item(self, connection: Connection, item_id: str, version: int) -> ItemVersion | None:
        """A version under which a case runs; None if it never reached this hall."""
        known = self._items.get((item_id, version))
        if known is not None:
            return known
        table = tables.item_version
        raw = connection.execute(
            select(table.c.item).where(table.c.item_id == item_id, table.c.version == version)
        ).scalar_one_or_none()
        if raw is None:
            return None
        item = self._items[(item_id, version)] = ITEM.from_bytes(raw)
        return item

    def item_to_file(self, connection: Connection, item_id: str, day: date) -> ItemVersion:
        """The version that can be applied for on a day; raises ItemUnknown or ItemNotInForce."""
        versions = read_once(("versions", item_id), lambda: self._listed(connection, item_id))
        if not versions:
            raise ItemUnknown("item_id", item=item_id[:64])
        found = version_in_force(versions, day)
        if found is None:
            raise ItemNotInForce("item_id", item=versions[-1].name)
        return found

    def items_in_force(self, connection: Connection, day: date) -> list[ItemVersion]:
        """All items that can be applied for on a day, in the order of the catalogue."""
        return newest_in_force(self._listed(connection), day)

    def results_suspended_since(
        self, connection: Connection, founded_at: datetime | None, now: datetime
    ) -> datetime | None:
        """Since when trust data are past their hard expiry; None while they are not.

        Without a bundle they are as old as the node, if it is known when it was founded.
        """
        raw = self._nearest(connection, ReleaseKind.TRUST)
        if raw is not None:
            known = self._trust_ends
            if known is None or known[0] != raw:
                bundle = wire_trust.TrustBundle.FromString(raw)
                known = self._trust_ends = (raw, from_timestamp(bundle.hard_expires_at))
            ends = known[1]
        elif founded_at is not None:
            _, ends = without_bundle(founded_at)
        else:
            return None
        return ends if now >= ends else None

    def _nearest(self, connection: Connection, kind: ReleaseKind) -> bytes | None:
        return read_once(
            ("release", kind),
            lambda: connection.execute(_NEAREST, {"of_kind": int(kind)}).scalar_one_or_none(),
        )

    def _listed(self, connection: Connection, item_id: str = "") -> list[ItemVersion]:
        table = tables.item_version
        query = select(table.c.item).where(table.c.sequence >= 0).order_by(table.c.sequence)
        if item_id:
            query = query.where(table.c.item_id == item_id)
        return [self._parsed(raw) for raw in connection.scalars(query)]

    def _parsed(self, raw: bytes) -> ItemVersion:
        """An item as it was published; what was read once is not read again while it stays as it is."""
        known = self._published.get(raw)
        if known is None:
            if len(self._published) >= PUBLISHED_MAX:
                self._published.clear()
            known = self._published[raw] = ITEM.from_bytes(raw)
        return known
