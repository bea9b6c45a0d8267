"""Kinds of cases (办件类型): axes, and the local schemes of five and of seven kinds as views on them.

The names overlap: a joint case is a committed case as well. In statistics each case is counted once, by
the two classes that cannot overlap, instant and committed; the local name is a label. Sources: the
five kinds (即办、承诺、联办、答复、补办) and the seven (即办、退回、补办、承诺、联办、特办、上报) of
county halls.
"""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.case.case import Case
from hallnet.case.fact import Ended, EndManner, LegsPlanned, MadeUrgent
from hallnet.case.item import HandlingKind, ItemVersion
from hallnet.case.policy import KindScheme, Policy
from hallnet.case.power import Power
from hallnet.case.stage import Stage


@dataclass(frozen=True, slots=True)
class Axes:
    """What a case is, each by itself."""

    handling: HandlingKind
    joint: bool
    report_up: bool
    urgent: bool
    returned: bool
    supplementing: bool
    answered: bool


def axes_of(case: Case, item: ItemVersion) -> Axes:
    ended = case.last(Ended)
    given_back = ended is not None and ended.manner is EndManner.RETURNED
    return Axes(
        handling=item.handling_kind,
        joint=bool(case.newest(LegsPlanned) or item.joint_bodies or item.bundled_items),
        report_up=item.report_up,
        urgent=case.last(MadeUrgent) is not None,
        returned=case.stage in (Stage.DECLINED, Stage.RETURNED) or given_back,
        supplementing=case.stage is Stage.CORRECTING or bool(case.gaps),
        answered=case.stage is Stage.DECLINED,
    )


def axes_of_item(item: ItemVersion) -> Axes:
    """What cases of an item can come to be: any of them may have to be supplemented or given back."""
    return Axes(
        handling=item.handling_kind,
        joint=bool(item.joint_bodies or item.bundled_items),
        report_up=item.report_up,
        urgent=False,
        returned=True,
        supplementing=True,
        answered=False,
    )


def names_of(axes: Axes, policy: Policy) -> list[str]:
    """The local names of a case; the first is its class in statistics and no other case's."""
    first = "即办件" if axes.handling is HandlingKind.INSTANT else "承诺件"
    further = [
        ("联办件", axes.joint),
        ("补办件", axes.supplementing),
    ]
    if policy.kind_scheme is KindScheme.FIVE:
        further.append(("答复件", axes.answered))
    else:
        further += [
            ("上报件", axes.report_up),
            ("特办件", axes.urgent),
            ("退回件", axes.returned),
        ]
    return [first, *(name for name, holds in further if holds)]


POWER_OF_KIND = {
    "即办件": Power.DECIDE_INSTANT,
    "承诺件": Power.SUPERVISE,
    "联办件": Power.COORDINATE,
    "上报件": Power.REVIEW,
    "退回件": Power.GATEKEEP,
    "补办件": Power.VERIFY,
}
"""The power that a window holds for each kind (授权); for 特办件 and 答复件 the sources name none."""


def powers_missing(axes: Axes, policy: Policy, powers: frozenset[Power]) -> list[str]:
    """The kinds of a case for which a window lacks the power: a gap that is shown, not passed over."""
    return [
        name
        for name in names_of(axes, policy)
        if name in POWER_OF_KIND and POWER_OF_KIND[name] not in powers
    ]
