"""Where an own envelope is, from the journal to the verdict.

Everything that moves it stands in the table below. An envelope always ends: with the recipient's
verdict, with the refusal of a hall on the way, dropped by the neighbour, or expired.
"""

from __future__ import annotations

from enum import IntEnum

from hallnet.places import Address
from hallnet.places.divisions import Divisions
from hallnet.trust.receipt import ReceiptBody, Verdict


class State(IntEnum):
    """The numbers are those of DeliveryState on the wire."""

    WAITING = 1
    UNDER_WAY = 2
    ACCEPTED = 3
    REFUSED = 4
    HELD = 5
    EXPIRED = 6
    DROPPED = 7
    UNSEALED = 8


class Happening(IntEnum):
    """What can happen to an envelope."""

    SEALED = 1
    KEPT_BY_NEIGHBOUR = 2
    DROPPED_BY_NEIGHBOUR = 3
    ACCEPTED = 4
    REFUSED = 5
    HELD = 6
    EXPIRED = 7
    SENT_AGAIN = 8


_VERDICTS = {
    Happening.ACCEPTED: State.ACCEPTED,
    Happening.REFUSED: State.REFUSED,
    Happening.HELD: State.HELD,
}
_HAPPENINGS = {
    Verdict.ACCEPTED: Happening.ACCEPTED,
    Verdict.REFUSED: Happening.REFUSED,
    Verdict.HELD: Happening.HELD,
}
TABLE: dict[State, dict[Happening, State]] = {
    State.UNSEALED: {Happening.SEALED: State.WAITING, Happening.EXPIRED: State.EXPIRED},
    State.WAITING: {
        Happening.KEPT_BY_NEIGHBOUR: State.UNDER_WAY,
        Happening.DROPPED_BY_NEIGHBOUR: State.DROPPED,
        Happening.EXPIRED: State.EXPIRED,
        **_VERDICTS,
    },
    State.UNDER_WAY: {
        Happening.SENT_AGAIN: State.WAITING,
        Happening.EXPIRED: State.EXPIRED,
        **_VERDICTS,
    },
    # A late verdict is still a verdict.
    State.EXPIRED: {**_VERDICTS},
    State.DROPPED: {**_VERDICTS},
    State.ACCEPTED: {},
    State.REFUSED: {},
    State.HELD: {},
}
OPEN = frozenset({State.UNSEALED, State.WAITING, State.UNDER_WAY})


def after(state: State, happening: Happening) -> State:
    """The next state; what does not fit leaves it as it is, for anything may come twice or late."""
    return TABLE[state].get(happening, state)


def verdict(happening: Verdict) -> Happening:
    return _HAPPENINGS[happening]


def may_judge(receipt: ReceiptBody, recipient: Address, register: Divisions) -> bool:
    """Whether the issuer of a receipt may speak about the envelope.

    The recipient may say anything; a hall on the way, which stands above the sender or the recipient,
    may only refuse.
    """
    if receipt.issuer == recipient:
        return True
    if receipt.verdict is not Verdict.REFUSED:
        return False
    return register.is_under(receipt.sender, receipt.issuer) or register.is_under(
        recipient, receipt.issuer
    )
