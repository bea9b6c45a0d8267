"""Addresses: what a hall is called on the wire, and how far its voice reaches.

A division code has 2 digits for a province, 4 for a city, 6 for a county (GB/T 2260) and 9 for a
township (GB/T 10114). A branch hall bears the code of the division to which it belongs and a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from hallnet.places.problems import AddressMalformed, VillageMalformed

_ADDRESS = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9})(?:-([a-z][a-z0-9]{1,23}))?", re.ASCII)
ADDRESS_LENGTH_MAX = 34
ADDRESSES_REMEMBERED_MAX = 65_536
"""More than the halls of the country; an attacker who makes up others displaces some."""
_VILLAGE = re.compile(r"\d{12}", re.ASCII)


class Level(IntEnum):
    """Levels of halls; the numbers are the codes 行使层级 of GB/T 39046-2020 appendix A."""

    PROVINCE = 2
    CITY = 3
    COUNTY = 4
    TOWNSHIP = 5
    VILLAGE = 6


CODE_LENGTH = {
    Level.PROVINCE: 2,
    Level.CITY: 4,
    Level.COUNTY: 6,
    Level.TOWNSHIP: 9,
    Level.VILLAGE: 12,
}
_LEVEL = {length: level for level, length in CODE_LENGTH.items()}


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """The name of a node: `division`, and for a branch hall also `branch`."""

    division: str
    branch: str = ""

    @classmethod
    def parse(cls, text: str, where: str = "") -> Address:
        """Read `330110` or `330110-shebao`; raises AddressMalformed."""
        found = _address(text) if len(text) <= ADDRESS_LENGTH_MAX else None
        if found is None:
            raise AddressMalformed(where, text=text[:40])
        return found

    @property
    def level(self) -> Level:
        return _LEVEL[len(self.division)]

    @property
    def is_branch_hall(self) -> bool:
        return bool(self.branch)

    def may_certify(self, other: Address) -> bool:
        """Whether `other` lies below this address: authority follows the prefix of the code.

        A branch hall certifies nobody, and nobody certifies a sibling or itself.
        """
        if self.is_branch_hall:
            return False
        if other.is_branch_hall:
            return other.division.startswith(self.division)
        return other.division.startswith(self.division) and other.division != self.division

    def within(self, division: str) -> bool:
        """Whether this hall lies in the area of a division code ('' is the whole country)."""
        return self.division.startswith(division)

    def __str__(self) -> str:
        return f"{self.division}-{self.branch}" if self.branch else self.division


@lru_cache(maxsize=ADDRESSES_REMEMBERED_MAX)
def _address(text: str) -> Address | None:
    match = _ADDRESS.fullmatch(text)
    return None if match is None else Address(match[1], match[2] or "")


@dataclass(frozen=True, slots=True, order=True)
class Village:
    """A village point: a place under its township, not a node."""

    code: str

    @classmethod
    def parse(cls, text: str, where: str = "") -> Village:
        """Read a 12-digit code; raises VillageMalformed."""
        if _VILLAGE.fullmatch(text) is None:
            raise VillageMalformed(where, text=text[:40])
        return cls(text)

    @property
    def township(self) -> Address:
        return Address(self.code[:9])

    def __str__(self) -> str:
        return self.code
