"""Fields of forms that are drawn from a description instead of being written out in a template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Input:
    """A field of a form.

    `kind` is text, tel, area, date, time, number, check, choice, select, file or defects. A choice is
    made among `choices` (numbers of the wire), a select among `options`; `default` stands in it at first.
    """

    name: str
    label: str
    kind: str = "text"
    choices: Mapping[int, str] = field(default_factory=dict)
    hint: str = ""
    required: bool = True
    options: Mapping[str, str] = field(default_factory=dict)
    default: str = ""


def choosing(
    inputs: Iterable[Input], options: Mapping[str, Mapping[str, str]]
) -> tuple[Input, ...]:
    """The same fields, some of which are made among what there is to choose from just now, by their names."""
    return tuple(
        replace(one, options=options[one.name]) if one.name in options else one for one in inputs
    )
