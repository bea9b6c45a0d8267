"""Which version of an item is in force, what a place accepts, and who is competent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from hallnet.case.item import (
    Catalogue,
    CrossAreaMode,
    IntakePlace,
    ItemVersion,
    Scope,
)
from hallnet.case.problems import CatalogueMalformed, OutOfScope
from hallnet.places import Address, Divisions, Level

ITEM_ID_LENGTH_MAX = 64
VERSION_MAX = 2**31 - 1

_SCOPE_LEVEL = {
    Scope.PROVINCE: Level.PROVINCE,
    Scope.CITY: Level.CITY,
    Scope.COUNTY: Level.COUNTY,
    Scope.TOWNSHIP: Level.TOWNSHIP,
}
_PLACE_OF_LEVEL = {
    Level.PROVINCE: IntakePlace.PROVINCE,
    Level.CITY: IntakePlace.CITY,
    Level.COUNTY: IntakePlace.COUNTY,
    Level.TOWNSHIP: IntakePlace.TOWNSHIP,
}


def require_catalogue(catalogue: Catalogue) -> None:
    """A catalogue as halls use it: what `require_distinct` asks, and no overlays left.

    Raises CatalogueMalformed.
    """
    if catalogue.overlays:
        raise CatalogueMalformed("catalogue.overlays", detail="overlays")
    require_distinct(catalogue)


def require_distinct(catalogue: Catalogue) -> None:
    """Every version of an item can be named, and stands there once; raises CatalogueMalformed."""
    seen = set()
    for item in catalogue.items:
        named = item.item_id.isprintable() and 0 < len(item.item_id) <= ITEM_ID_LENGTH_MAX
        shown = item.name.isprintable() and item.name.strip()
        key = (item.item_id, item.version)
        if not (named and shown and 0 < item.version <= VERSION_MAX) or key in seen:
            detail = f"{item.item_id[:ITEM_ID_LENGTH_MAX]} {item.version}"
            raise CatalogueMalformed("catalogue.items", detail=detail)
        seen.add(key)


_SHELF = (
    "status",
    "status_remark",
    "shelf_basis",
    "effective_from",
    "effective_until",
    "results_stay_valid",
)
"""When a version can be applied for: the one thing about it that may be said anew."""


def republished(known: ItemVersion, anew: ItemVersion) -> ItemVersion:
    """A version as it is known, on the shelf as it is said anew.

    Cases run under it: what it asks for and promises stays what it was when it first came.
    """
    return replace(known, **{name: getattr(anew, name) for name in _SHELF})


def version_in_force(versions: Iterable[ItemVersion], day: date) -> ItemVersion | None:
    """The newest version of an item that can be applied for on a day.

    A version that narrows one of a hall above comes after that one and before its successor, and holds
    only as long as it: what the hall above withdraws is withdrawn everywhere.
    """
    fitting = {item.version: item for item in versions if item.in_force_on(day)}
    standing = [
        item for item in fitting.values() if not item.base_version or item.base_version in fitting
    ]
    return max(standing, key=lambda item: item.edition, default=None)


def newest_in_force(items: Iterable[ItemVersion], day: date) -> list[ItemVersion]:
    """Of each item the version that can be applied for on a day, in the order of the items."""
    versions: dict[str, list[ItemVersion]] = {}
    for item in items:
        versions.setdefault(item.item_id, []).append(item)
    found = (version_in_force(of_one, day) for of_one in versions.values())
    return [item for item in found if item is not None]


def accepts_here(item: ItemVersion, hall: Address, branch_field: str, at_village: bool) -> bool:
    """Whether an item can be applied for at a place.

    A branch hall takes in the items of its field: it is where the county handles them, whether or
    not the record lists branch halls.
    """
    if at_village:
        return IntakePlace.VILLAGE_POINT in item.accepts_at
    if hall.is_branch_hall:
        return bool(branch_field) and item.branch_hall_field == branch_field
    return _PLACE_OF_LEVEL[hall.level] in item.accepts_at


def competent_hall(
    item: ItemVersion,
    here: Address,
    branch_field: str,
    for_division: str,
    register: Divisions,
) -> Address:
    """The hall that decides an application filed at `here` for a division ('' for the own one).

    A branch hall decides the items of its field for its county. Raises OutOfScope if the item cannot
    be applied for from so far, DivisionUnknown.
    """
    is_own_field = (
        here.is_branch_hall and bool(branch_field) and item.branch_hall_field == branch_field
    )
    if is_own_field and for_division in ("", here.division) and here.level <= item.level:
        return here
    place = Address.parse(for_division, "for_division") if for_division else Address(here.division)
    competent = hall_of_level(place, item.level, register)
    own = hall_of_level(here, item.level, register)
    if item.cross_area_mode is CrossAreaMode.ANY_OFFICE:
        return own
    if competent != own and not _within_scope(item.scope, here, competent, register):
        raise OutOfScope("for_division", item=item.name, place=place)
    return competent


def _within_scope(scope: Scope, here: Address, competent: Address, register: Divisions) -> bool:
    if scope is Scope.NATION:
        return True
    level = _SCOPE_LEVEL[scope]
    return hall_of_level(here, level, register) == hall_of_level(competent, level, register)


def hall_of_level(place: Address, level: Level, register: Divisions) -> Address:
    """The hall of a level over a place.

    Where the level is left out (a city without counties, a municipality without cities) the next hall
    above stands in for it; a place above the level has its own hall. Raises DivisionUnknown.
    """
    path = tuple(register.path(place))
    return next(hall for hall in path if hall.level <= level and not hall.is_branch_hall)
