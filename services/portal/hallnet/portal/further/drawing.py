"""What the drawn acts have in common: how a form is read, and fields that several have."""

from __future__ import annotations

from hallnet.case.power import Power
from hallnet.portal.acts import Act, Attempt, Command
from hallnet.portal.forms import Form
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.case.v1 import person_pb2 as wire_person

NAMES_MAX = 40
REASON = Input("reason", "原因", "area")
BASIS = Input("legal_basis", "法律依据", "area")
WORKING_DAYS = Input("days", "所需时间（工作日）", "number")


def days(form: Form, name: str = "days") -> wire_item.TimeLimit:
    """Working days as typed."""
    return wire_item.TimeLimit(days=form.number(name), unit=wire_item.TIME_UNIT_WORKING_DAY)


def names(form: Form, name: str) -> list[str]:
    """One in each line."""
    lines = [line.strip() for line in form.text(name).splitlines()]
    return [line for line in lines if line][:NAMES_MAX]


def signed(attempt: Attempt) -> wire_person.Material:
    """The one paper that came with the form."""
    return next(iter(attempt.materials), wire_person.Material())


def drawn_act(
    key: str,
    command: str,
    name: str,
    done: str,
    power: Power | None,
    ask: Command,
    *inputs: Input,
    explanation: str = "",
    danger: bool = False,
) -> Act:
    """An act whose form is drawn from its inputs."""
    return Act(
        key,
        command,
        name,
        done,
        power,
        frozenset(item.name for item in inputs),
        ask,
        tuple(item.name for item in inputs if item.kind == "file"),
        inputs,
        explanation,
        danger,
    )
