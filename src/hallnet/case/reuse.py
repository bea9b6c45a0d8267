"""Materials that are taken again: what a hall has of an applicant is not asked for once more.

政务数据共享条例 article 19; 国办函〔2016〕108号 for how far a material may be relied upon. Taken again is what an
authority issued or a window verified. What an applicant writes or declares is meant for one matter, so each case
has its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from hallnet.case.case import Case, day_of
from hallnet.case.event import Accepted, Decided, Outcome
from hallnet.case.fact import DecisionRevoked
from hallnet.case.item import ItemVersion, MaterialSource, RequiredMaterial
from hallnet.case.item_terms import TrustLevel
from hallnet.case.person import Material, Person
from hallnet.case.policy import Policy
from hallnet.case.stage import Stage
from hallnet.problems import Kind, Problem

USUAL_DAYS = 365
_RELIED_UPON = frozenset({TrustLevel.ISSUED, TrustLevel.VERIFIED})
_CAME_TO_NOTHING = frozenset({Stage.DECLINED, Stage.WITHDRAWN, Stage.RETURNED, Stage.ENDED})


class MaterialNotHeld(Problem):
    """A material was to be taken from an earlier case that does not give it."""

    kind = Kind.CONFLICT
    reason = "MATERIAL_NOT_HELD"
    zh = "材料“{material}”不能从办件{case_no}沿用"
    zh_remedy = "请重新查询本厅已有的材料；没有列出的，请申请人提交"
    en = "The material {material} cannot be taken again from the case {case_no}"
    en_remedy = "Look again at what the hall has; what is not listed the applicant hands in"


def may_be_taken_again(needed: RequiredMaterial) -> bool:
    """Whether it is the same paper in every matter: what was issued or verified, by its trust level if it has one."""
    if needed.trust_level is not None:
        return needed.trust_level in _RELIED_UPON
    return needed.source is not MaterialSource.APPLICANT


def held_materials(
    earlier: Iterable[Case], applicant: Person, item: ItemVersion, policy: Policy, today: date
) -> list[Material]:
    """What the item asks for of what is held, in its order, unless the policy has each case bring its own."""
    if policy.materials_not_taken_again:
        return []
    newest = newest_held(earlier, applicant, policy, today)
    return [
        newest[needed.name]
        for needed in item.materials
        if may_be_taken_again(needed) and needed.name in newest
    ]


def newest_held(
    earlier: Iterable[Case], applicant: Person, policy: Policy, today: date
) -> dict[str, Material]:
    """The newest material of each name, with the case that it is taken from.

    It counts from the day on which it was first handed in, however often it was taken again, and only from a case
    that was accepted, for then somebody has checked it, and that did not come to nothing. What another hall supplied
    is for the matter for which it was asked (article 25).
    """
    oldest = today - timedelta(days=policy.materials_taken_again_days or USUAL_DAYS)
    newest: dict[str, Material] = {}
    for case in earlier:
        if not (_is_of(case, applicant) and _was_relied_upon(case)):
            continue
        for material in (one for one in case.materials if not one.supplied_by):
            known = newest.get(material.name)
            is_newer = known is None or material.submitted_at > known.submitted_at
            if is_newer and oldest <= day_of(material.submitted_at) <= today:
                newest[material.name] = _from(case, material)
    return newest


def taken_again(wanted: Material, held: Iterable[Material]) -> Material:
    """What is held of a name, from the case that was named. Raises MaterialNotHeld."""
    for material in held:
        if (material.name, material.taken_from) == (wanted.name, wanted.taken_from):
            return material
    raise MaterialNotHeld("materials", material=wanted.name, case_no=wanted.taken_from)


def _is_of(case: Case, applicant: Person) -> bool:
    return case.filed.applicant.is_same_as(applicant)


def _was_relied_upon(case: Case) -> bool:
    if case.last(Accepted) is None or case.stage in _CAME_TO_NOTHING:
        return False
    decided = case.last(Decided)
    refused = decided is not None and decided.outcome is not Outcome.GRANTED
    return not refused and case.last(DecisionRevoked) is None


def _from(case: Case, material: Material) -> Material:
    return Material(
        material.name,
        material.digest,
        material.size,
        material.media_type,
        material.submitted_at,
        case.case_no,
    )
