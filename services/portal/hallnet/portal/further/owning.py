"""Handing over who answers for a case."""

from __future__ import annotations

from hallnet.portal.acts import Attempt
from hallnet.portal.further.drawing import (
    REASON,
    drawn_act,
)
from hallnet.portal.inputs import Input
from hallnet.wire.case.v1 import command_pb2 as wire
from hallnet.wire.case.v1.command_pb2 import CaseCommand


def _offer_ownership(attempt: Attempt) -> CaseCommand:
    return CaseCommand(offer_ownership=wire.OfferOwnership(to=attempt.form.text("to")))


def _take_ownership(attempt: Attempt) -> CaseCommand:
    return CaseCommand(take_ownership=wire.TakeOwnership())


def _decline_ownership(attempt: Attempt) -> CaseCommand:
    command = wire.DeclineOwnership(reason=attempt.form.text("reason"))
    return CaseCommand(decline_ownership=command)


OWNING_ACTS = (
    drawn_act(
        "take-ownership",
        "TakeOwnership",
        "接手承办",
        "已接手，这件办件现在由您负责。",
        None,
        _take_ownership,
        explanation="接手后由您负责到底；您接手之前，原承办人仍然负责。",
    ),
    drawn_act(
        "decline-ownership",
        "DeclineOwnership",
        "退回转交",
        "已退回，承办人不变。",
        None,
        _decline_ownership,
        REASON,
    ),
    drawn_act(
        "offer-ownership",
        "OfferOwnership",
        "转交同事承办",
        "已转交，对方接手之前仍由原承办人负责。",
        None,
        _offer_ownership,
        Input("to", "转交给（对方账户）"),
    ),
)
