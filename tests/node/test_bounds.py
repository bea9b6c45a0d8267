"""Every request is bounded, and what cannot be kept is refused with the field that is wrong."""

from __future__ import annotations

import pytest

from hallnet.node.bounds import ELEMENTS_MAX, TEXT_CHARACTERS_MAX, require_bounds
from hallnet.problems import Problem
from hallnet.wire.case.v1 import person_pb2
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

WRONG: dict[str, tuple[wire.PutAccountRequest, str, str]] = {
    "a long text": (
        wire.PutAccountRequest(request_id="r" * (TEXT_CHARACTERS_MAX + 1)),
        "TEXT_TOO_LONG",
        "request_id",
    ),
    "a NUL deep inside": (
        wire.PutAccountRequest(
            account=wire.Account(actor=person_pb2.Actor(actor_id="li", name="李\0窗口"))
        ),
        "TEXT_UNKEEPABLE",
        "account.actor.name",
    ),
    "a long list": (
        wire.PutAccountRequest(account=wire.Account(points=["1"] * (ELEMENTS_MAX + 1))),
        "LIST_TOO_LONG",
        "account.points",
    ),
    "an unknown choice": (
        wire.PutAccountRequest(
            account=wire.Account(actor=person_pb2.Actor(kind=77)),  # type: ignore[arg-type]
        ),
        "CHOICE_UNKNOWN",
        "account.actor.kind",
    ),
    "an unknown choice in a list": (
        wire.PutAccountRequest(account=wire.Account(powers=[1, 99])),  # type: ignore[list-item]
        "CHOICE_UNKNOWN",
        "account.powers[1]",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_too_long_or_cannot_be_kept_is_refused_by_its_field(what: str) -> None:
    request, reason, where = WRONG[what]
    with pytest.raises(Problem) as refused:
        require_bounds(request)
    assert (refused.value.reason, refused.value.where) == (reason, where)


def test_what_is_within_all_bounds_is_taken() -> None:
    account = wire.Account(
        actor=person_pb2.Actor(kind=person_pb2.ACTOR_KIND_STAFF, actor_id="li", name="李窗口"),
        powers=[1],  # type: ignore[list-item]
        points=["330127101219"] * ELEMENTS_MAX,
    )
    require_bounds(wire.PutAccountRequest(request_id="r" * TEXT_CHARACTERS_MAX, account=account))
