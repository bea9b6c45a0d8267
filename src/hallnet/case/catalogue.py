"""Which version of an item is in force, what a place accepts, and who is competent."""

from __future__ import annotations

from collections.abc import Iterable
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


def version_in_force(versions: Iterable[ItemVersion], day: date) -> ItemVersion | None:
    """The newest version of an item that can be applied for on a day."""
    fitting = [item for item in versions if item.in_force_on(day)]
    return max(fitting, key=lambda item: item.version, default=None)


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
