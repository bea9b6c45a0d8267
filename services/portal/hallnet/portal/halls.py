"""Names of halls and places, as people of this hall call them."""

from __future__ import annotations

import re
from functools import cached_property

from hallnet.places import Address, Divisions
from hallnet.places.problems import DivisionUnknown

CODES = range(1, 100)
_CODE = re.compile(r"\d{2,12}", re.ASCII)


class Halls:
    """Halls as seen from one of them, whose own name is known."""

    def __init__(self, here: Address, own_name: str, register: Divisions) -> None:
        self.here = here
        self._own_name = own_name
        self._register = register

    def name(self, address: Address | str) -> str:
        """The full name; of an address that is not in the register, the address itself."""
        hall = address if isinstance(address, Address) else Address.parse(address)
        if hall == self.here:
            return self._own_name
        if not self._register.exists(hall.division):
            return str(hall)
        return _with_branch(self._register.full_name(hall.division), hall)

    def short_name(self, address: Address | str) -> str:
        """The last part of the name."""
        hall = address if isinstance(address, Address) else Address.parse(address)
        if hall == self.here:
            return "本厅"
        if not self._register.exists(hall.division):
            return str(hall)
        return _with_branch(self._register.name(hall.division), hall)

    def village(self, code: str) -> str:
        return self._register.name(code) if self._register.exists(code) else code

    @cached_property
    def neighbourhood(self) -> dict[str, str]:
        """Codes and names of the counties of the province, to choose from."""
        province = self.here.division[:2]
        codes = (f"{province}{city:02}{county:02}" for city in CODES for county in CODES)
        return {
            code: self._register.full_name(code) for code in codes if self._register.exists(code)
        }

    def division(self, text: str, where: str) -> str:
        """The code of a division that was typed as code, as name or both; raises DivisionUnknown."""
        if not text:
            return ""
        typed = _CODE.search(text)
        named = (code for code, name in self.neighbourhood.items() if name.endswith(text))
        code = typed[0] if typed else next(named, "")
        if not self._register.exists(code):
            raise DivisionUnknown(where, code=text[:20])
        return code


def _with_branch(name: str, hall: Address) -> str:
    return f"{name}分厅（{hall.branch}）" if hall.is_branch_hall else name
