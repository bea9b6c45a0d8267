"""The register of administrative divisions: which codes exist, their names and their parents.

The data are the statistics of 2023-06-30; see `data/SOURCE.md`. A parent is found in the register,
not by cutting digits: municipalities have placeholder cities, and a few cities have no counties.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from importlib.resources import files

from hallnet.places.address import CODE_LENGTH, Address, Level, Village
from hallnet.places.problems import DivisionUnknown

PATHS_REMEMBERED_MAX = 65_536

# Cities of the register that are no level of administration: districts of a municipality, and
# counties directly under a province.
_PLACEHOLDER_CITIES = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})


class Divisions:
    """All divisions of the country down to the township, and the villages of the pilot province."""

    @cached_property
    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for table in ("provinces", "cities", "areas", "streets"):
            names.update((row[0], row[1]) for row in _rows(table))
        return names

    @cached_property
    def _villages(self) -> dict[str, str]:
        return {row[0]: row[1] for row in _rows("villages-33")}

    def name(self, code: str) -> str:
        """Name of a division of any level; raises DivisionUnknown."""
        table = self._villages if len(code) == CODE_LENGTH[Level.VILLAGE] else self._names
        found = table.get(code)
        if found is None:
            raise DivisionUnknown("division", code=code)
        return found

    def full_name(self, code: str) -> str:
        """Names from the city down, for example 杭州市淳安县千岛湖镇."""
        names = [self.name(code)]
        address = Address(code[: CODE_LENGTH[Level.TOWNSHIP]])
        if len(code) == CODE_LENGTH[Level.VILLAGE]:
            names.insert(0, self.name(address.division))
        parent = self.parent(address)
        while parent is not None and parent.level > Level.PROVINCE:
            names.insert(0, self.name(parent.division))
            parent = self.parent(parent)
        return "".join(names)

    def exists(self, code: str) -> bool:
        return code in (self._villages if len(code) == CODE_LENGTH[Level.VILLAGE] else self._names)

    def parent(self, address: Address) -> Address | None:
        """The hall above: None above a province. Raises DivisionUnknown."""
        self.name(address.division)
        if address.is_branch_hall:
            return Address(address.division)
        for level in (Level.COUNTY, Level.CITY, Level.PROVINCE):
            code = address.division[: CODE_LENGTH[level]]
            if len(code) < len(address.division) and self._is_administered(code):
                return Address(code)
        return None

    def path(self, address: Address) -> Sequence[Address]:
        """The hall itself and all halls above it, upwards; raises DivisionUnknown."""
        return self._path(address)

    @cached_property
    def _path(self) -> Callable[[Address], Sequence[Address]]:
        return lru_cache(maxsize=PATHS_REMEMBERED_MAX)(self._find_path)

    def _find_path(self, address: Address) -> Sequence[Address]:
        path = [address]
        while (above := self.parent(path[-1])) is not None:
            path.append(above)
        return tuple(path)

    def is_under(self, address: Address, above: Address) -> bool:
        """Whether `above` is the hall itself or stands over it; False for what is not registered."""
        return self.exists(address.division) and above in self.path(address)

    def ancestor(self, address: Address, level: Level) -> Address | None:
        """The hall of a level over an address, or the address itself; None if there is none."""
        for above in self.path(address):
            if above.level == level and not above.is_branch_hall:
                return above
        return None

    def villages_of(self, township: Address) -> dict[str, str]:
        """Codes and names of the villages of a township, in the order of their codes."""
        return dict(self._villages_by_township.get(township.division, ()))

    @cached_property
    def _villages_by_township(self) -> dict[str, list[tuple[str, str]]]:
        grouped: dict[str, list[tuple[str, str]]] = {}
        for code, name in sorted(self._villages.items()):
            grouped.setdefault(code[: CODE_LENGTH[Level.TOWNSHIP]], []).append((code, name))
        return grouped

    def codes(self, level: Level, within: str = "") -> list[str]:
        """The divisions of a level that lie within a code, in their order."""
        table = self._villages if level == Level.VILLAGE else self._names
        length = CODE_LENGTH[level]
        return sorted(code for code in table if len(code) == length and code.startswith(within))

    def count(self, level: Level, within: str = "") -> int:
        """How many divisions of a level lie within a code."""
        return len(self.codes(level, within))

    def halls(self, within: str) -> Iterator[Address]:
        """All places within a code that have a hall, without its branch halls; raises DivisionUnknown."""
        top = Address(within)
        self.name(top.division)
        for code in self._names:
            if code.startswith(within) and self._is_administered(code):
                yield Address(code)

    def village_name(self, village: Village) -> str:
        return self.name(village.code)

    def _is_administered(self, code: str) -> bool:
        name = self._names.get(code)
        if name is None or name in _PLACEHOLDER_CITIES:
            return False
        # A city without counties (Dongguan, Jiayuguan ...) stands in the register a second time,
        # as a county of the same name.
        city = code[: CODE_LENGTH[Level.CITY]]
        return len(code) != CODE_LENGTH[Level.COUNTY] or self._names[city] != name


def _rows(table: str) -> Iterator[list[str]]:
    text = (files("hallnet.places") / "data" / f"{table}.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    return rows


@cache
def divisions() -> Divisions:
    """The register that comes with this edition of hallnet."""
    return Divisions()
