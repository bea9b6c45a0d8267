"""Choices and days as requests give them."""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from typing import TypeVar

from hallnet.intake.asked import ChoiceMissing

Choice = TypeVar("Choice", bound=IntEnum)


def chosen(kind: type[Choice], number: int, field: str) -> Choice:
    """Raises ChoiceMissing for a number that is none of the values."""
    try:
        return kind(number)
    except ValueError as error:
        raise ChoiceMissing(field, field=field) from error


def day_named(text: str, field: str) -> date:
    """A day as YYYY-MM-DD; raises ChoiceMissing."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ChoiceMissing(field, field=field) from error
    if day.isoformat() != text:
        raise ChoiceMissing(field, field=field)
    return day
