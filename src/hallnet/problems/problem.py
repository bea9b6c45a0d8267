"""The one root of all errors that hallnet raises for a reason outside its own code.

A problem has a stable reason for programs, and for people one sentence on what is wrong and one on
what to do, in Chinese and in English. Particulars fill the sentences; they never hold personal data,
because the sentences go to logs and traces as well.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """Whose turn it is: decides the status code at an interface, and whether trying again helps."""

    INVALID = "invalid"
    """What was sent is wrong: send something else."""
    NOT_FOUND = "not_found"
    """What was named is not there."""
    CONFLICT = "conflict"
    """Not in the present state of things: look again, then decide."""
    DENIED = "denied"
    """Who asks may not do this."""
    UNAUTHENTICATED = "unauthenticated"
    """Who asks is not known."""
    EXHAUSTED = "exhausted"
    """A bound is reached: send less, or later."""
    UNAVAILABLE = "unavailable"
    """Not now: try again later."""


_REGISTER: dict[str, type[Problem]] = {}


class Problem(Exception):
    """Base of all problems; a subclass states its reason and its sentences.

    `where` names the field, file or place that is wrong, as the user knows it. The particulars are
    the named places in the sentences.
    """

    kind: ClassVar[Kind]
    reason: ClassVar[str]
    zh: ClassVar[str]
    zh_remedy: ClassVar[str]
    en: ClassVar[str]
    en_remedy: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        reason = cls.__dict__.get("reason")
        if reason is None:
            return
        known = _REGISTER.get(reason)
        # The same class once more is a module that is loaded again, which is no second problem.
        if known is not None and _full_name(known) != _full_name(cls):
            raise TypeError(f"two problems with the reason {reason}: {known}, {cls}")
        _REGISTER[reason] = cls

    def __init__(self, where: str = "", **particulars: object) -> None:
        self.where = where
        self.particulars = {name: str(value) for name, value in particulars.items()}
        super().__init__(self.in_english())

    def in_chinese(self) -> str:
        return self.zh.format(**self.particulars) + "。" + self.zh_remedy.format(**self.particulars)

    def in_english(self) -> str:
        return f"{self.en.format(**self.particulars)}. {self.en_remedy.format(**self.particulars)}"


def _full_name(kind: type[Problem]) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__


def all_problems() -> dict[str, type[Problem]]:
    """Every reason that the loaded packages can give, with its class."""
    return dict(sorted(_REGISTER.items()))


class Reported(Exception):
    """A problem that another service reported: its reason, its texts and the field it names."""

    def __init__(self, kind: Kind, reason: str, zh: str, en: str, where: str) -> None:
        super().__init__(f"{reason}: {en}")
        self.kind = kind
        self.reason = reason
        self.where = where
        self._zh = zh
        self._en = en

    def in_chinese(self) -> str:
        return self._zh

    def in_english(self) -> str:
        return self._en
