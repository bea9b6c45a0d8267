"""Grants of powers (授权): for what, from when to when, by whom; checked at every act at the act's time.

A head of the hall gives them, to others and not to himself, and revokes them. The power to do that
(负责人批准权) is given by the operator of the hall alone. Source: the 授权 of county halls, by which a
window holds a power for each kind of case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum

from hallnet.case.case import Case, day_of
from hallnet.case.item import ItemVersion
from hallnet.case.kind import POWER_OF_KIND, axes_of_item, names_of, powers_missing
from hallnet.case.policy import Policy
from hallnet.case.power import NAMES, Power
from hallnet.case.problems import GrantImpossible, GrantUnknown, PowerLapsed, PowerMissing

GRANTS_MAX = 500
"""Grants of one account, revoked ones among them."""
ITEMS_MAX = 200
"""Items that a grant may name."""
TEXT_MAX = 64
OPERATOR = "operator"
"""Who gave what an account holds without term."""


class GrantState(IntEnum):
    """Whether a grant holds on a day; the numbers are those of the wire."""

    HOLDS = 1
    NOT_YET = 2
    EXPIRED = 3
    REVOKED = 4


STATE_NAMES = {
    GrantState.HOLDS: "有效",
    GrantState.NOT_YET: "尚未生效",
    GrantState.EXPIRED: "已到期",
    GrantState.REVOKED: "已收回",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A power that somebody was given; the fields are those of the wire. Days are whole, ends included.

    `window_id` narrows it to the time in which the holder is on duty at that rota window, `kind` to
    cases of that name (即办件 ...), `item_ids` to those items, `department` to the items and legs of that
    department, by its name in the catalogue or its credit code. An act that is about no case, at the counter, is
    no department's.
    """

    number: int
    power: Power
    department: str = ""
    window_id: str = ""
    kind: str = ""
    item_ids: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    given_by: str = ""
    given_at: datetime | None = None
    revoked_by: str = ""
    revoked_at: datetime | None = None
    revocation_reason: str = ""

    @property
    def is_standing(self) -> bool:
        """Without term and for everything."""
        unlimited = self.valid_from is None and self.valid_until is None
        return unlimited and not (self.window_id or self.kind or self.item_ids or self.department)

    @property
    def over_since(self) -> date | None:
        """The first day on which it holds no more, as far as that is known."""
        ends = [self.valid_until + timedelta(days=1)] if self.valid_until else []
        if self.revoked_at is not None:
            ends.append(day_of(self.revoked_at))
        return min(ends, default=None)

    def state_on(self, day: date) -> GrantState:
        if self.revoked_at is not None:
            return GrantState.REVOKED
        if self.valid_until is not None and self.valid_until < day:
            return GrantState.EXPIRED
        if self.valid_from is not None and day < self.valid_from:
            return GrantState.NOT_YET
        return GrantState.HOLDS


@dataclass(frozen=True, slots=True)
class Subject:
    """What an act is about: the item, the kinds and the department of the case, if it is about one, and the rota
    windows at which the actor is on duty."""

    item_id: str = ""
    kinds: Collection[str] = ()
    windows: Collection[str] = ()
    departments: Collection[str] = ()
    """Names of the one department whose case it is."""

    def is_covered_by(self, grant: Grant) -> bool:
        return (
            (not grant.item_ids or self.item_id in grant.item_ids)
            and (not grant.kind or grant.kind in self.kinds)
            and (not grant.window_id or grant.window_id in self.windows)
            and (not grant.department or not self.item_id or grant.department in self.departments)
        )


def departments_of(item: ItemVersion, case: Case | None = None) -> frozenset[str]:
    """By what the department is called that answers for an item, or for the leg that a case is (主办, 协办部门)."""
    names = {item.authority, item.power_origin.authority_code if item.power_origin else ""}
    if case is not None and case.filed.lead is not None:
        body = case.filed.lead.body
        names = names | {body} if body == item.authority else {body}
    return frozenset(names - {""})


def departments(items: Iterable[ItemVersion]) -> frozenset[str]:
    """All departments that items name: for the item, or for a leg of it."""
    found: set[str] = set()
    for item in items:
        found |= departments_of(item)
        found |= {*item.joint_bodies, *(leg.actor for leg in item.legs)}
    return frozenset(found - {""})


NOTHING = Subject()
"""An act that is about no case: what is given for some cases only does not cover it."""


@dataclass(frozen=True, slots=True)
class Held:
    """The powers that somebody holds for an act, and what is over that would have covered it."""

    powers: frozenset[Power]
    lapsed: Mapping[Power, Grant]

    def require(self, *any_of: Power, where: str = "act.actor_id") -> None:
        """Raises PowerLapsed, or PowerMissing where there never was one."""
        require_power(self.powers, self.lapsed, any_of, where)


def require_power(
    powers: frozenset[Power], lapsed: Mapping[Power, Grant], any_of: Iterable[Power], where: str
) -> None:
    """Raises PowerLapsed, saying since when and who can renew it, or PowerMissing."""
    wanted = tuple(any_of)
    if not powers.isdisjoint(wanted):
        return
    for power in wanted:
        over = lapsed.get(power)
        if over is not None and over.over_since is not None:
            raise PowerLapsed(
                where, power=NAMES[power], since=over.over_since, given_by=over.given_by
            )
    raise PowerMissing(where, power="或".join(NAMES[power] for power in wanted))


def held(grants: Iterable[Grant], subject: Subject, day: date) -> Held:
    """What the grants of somebody come to for an act on a day."""
    powers: set[Power] = set()
    lapsed: dict[Power, Grant] = {}
    for grant in grants:
        if not subject.is_covered_by(grant):
            continue
        state = grant.state_on(day)
        if state is GrantState.HOLDS:
            powers.add(grant.power)
        elif state is not GrantState.NOT_YET:
            lapsed[grant.power] = grant
    return Held(frozenset(powers), lapsed)


def anywhere(grants: Iterable[Grant], day: date) -> frozenset[Power]:
    """The powers that somebody holds on a day, for something at least."""
    return frozenset(g.power for g in grants if g.state_on(day) is GrantState.HOLDS)


@dataclass(frozen=True, slots=True)
class PowerGap:
    """A kind of case of an item for which nobody holds the power."""

    item: ItemVersion
    kind: str
    power: Power


def gaps(
    items: Iterable[ItemVersion],
    policy: Policy,
    everybody: Sequence[Iterable[Grant]],
    windows: Collection[str],
    day: date,
) -> list[PowerGap]:
    """The items and kinds for which none of the accounts holds the power on a day; a grant for a rota
    window counts, since that nobody is on duty there is a gap of the rota."""
    found = []
    for item in items:
        axes = axes_of_item(item)
        subject = Subject(item.item_id, names_of(axes, policy), windows, departments_of(item))
        powers: frozenset[Power] = frozenset()
        for grants in everybody:
            powers |= held(grants, subject, day).powers
        found += [
            PowerGap(item, kind, POWER_OF_KIND[kind])
            for kind in powers_missing(axes, policy, powers)
        ]
    return found


def given(
    grants: Sequence[Grant], wanted: Grant, to: str, by: str, now: datetime
) -> tuple[Grant, ...]:
    """The grants of an account with one more; raises GrantImpossible."""
    if to == by:
        raise GrantImpossible("actor_id", why="不能给自己授权")
    if wanted.power is Power.HEAD:
        raise GrantImpossible("grant.power", why="负责人批准权由大厅管理员在账户中设定")
    if wanted.kind and POWER_OF_KIND.get(wanted.kind) is not wanted.power:
        raise GrantImpossible("grant.kind", why=f"“{wanted.kind}”不由该项权力办理")
    if wanted.valid_until is not None and wanted.valid_until < (wanted.valid_from or day_of(now)):
        raise GrantImpossible("grant.valid_until", why="终止日期早于起始日期或今天")
    if len(grants) >= GRANTS_MAX or len(wanted.item_ids) > ITEMS_MAX:
        raise GrantImpossible(
            "grant", why=f"一个账户最多{GRANTS_MAX}项授权，每项最多{ITEMS_MAX}个事项"
        )
    if max(len(wanted.department), len(wanted.window_id)) > TEXT_MAX:
        raise GrantImpossible("grant.department", why=f"名称超过{TEXT_MAX}字")
    return (*grants, _numbered(grants, wanted, by, now))


def revoked(
    grants: Sequence[Grant], number: int, by: str, reason: str, now: datetime
) -> tuple[Grant, ...]:
    """The grants of an account, one of them taken back; raises GrantUnknown, GrantImpossible."""
    if not reason.strip():
        raise GrantImpossible("reason", why="收回授权须说明理由")
    found = next((g for g in grants if g.number == number and g.revoked_at is None), None)
    if found is None:
        raise GrantUnknown("number", number=number)
    if found.power is Power.HEAD:
        raise GrantImpossible("number", why="负责人批准权由大厅管理员在账户中设定")
    return _taken_back(grants, {number}, by, reason, now)


def restated(
    grants: Sequence[Grant], powers: Collection[Power], now: datetime
) -> tuple[Grant, ...]:
    """The grants of an account of which the operator says what it holds without term. What was given for a
    time or for something stays as it is."""
    standing = {g.power: g.number for g in grants if g.is_standing and g.revoked_at is None}
    gone = {number for power, number in standing.items() if power not in powers}
    after = _taken_back(grants, gone, OPERATOR, "账户变更", now)
    for power in sorted(set(powers) - standing.keys()):
        after = (*after, _numbered(after, Grant(0, power), OPERATOR, now))
    return after


def _numbered(grants: Sequence[Grant], wanted: Grant, by: str, now: datetime) -> Grant:
    return replace(
        wanted,
        number=max((grant.number for grant in grants), default=0) + 1,
        given_by=by,
        given_at=now,
        revoked_by="",
        revoked_at=None,
        revocation_reason="",
    )


def _taken_back(
    grants: Sequence[Grant], numbers: Collection[int], by: str, reason: str, now: datetime
) -> tuple[Grant, ...]:
    return tuple(
        replace(grant, revoked_by=by, revoked_at=now, revocation_reason=reason)
        if grant.number in numbers and grant.revoked_at is None
        else grant
        for grant in grants
    )
