"""What an item has to be before it is published.

五公开 and 八公开 are complete, the promise is at most half of what the law allows, an ordinary flow has one
review and one check, every item has a handling mode that fits, and no fee stands without basis, standard
and permit (行政许可法 articles 58 and 59; 优化营商环境条例 on published lists of fees). The numbers and the
set of disclosures are given with the catalogue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from hallnet.case.catalogue import require_distinct
from hallnet.case.item import (
    Catalogue,
    HandlingKind,
    ItemVersion,
    MaterialSource,
    PublishingRules,
    ShelfStatus,
)
from hallnet.case.item_code import codes_fault
from hallnet.case.item_problems import CatalogueNotPublishable
from hallnet.case.item_terms import DisclosureSet
from hallnet.case.limits import in_words, length

PROMISE_PERCENT_MAX = 50
LINKS_MAX = 2
COMPLEX_LINKS_MAX = 5
FINDINGS_TOLD_MAX = 5
GENERAL_LAWS = ("中华人民共和国行政许可法",)
"""Laws on which many items stand."""


class Weight(Enum):
    """Whether a finding stops the publication."""

    BLOCKS = "blocks"
    WARNS = "warns"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that an item breaks; `detail` says it in Chinese."""

    weight: Weight
    rule: str
    item_id: str
    version: int
    detail: str


Check = Callable[[ItemVersion, PublishingRules], Iterator[str]]


def findings(catalogue: Catalogue) -> tuple[Finding, ...]:
    """Everything that is wrong with a catalogue, what stops it first.

    Raises CatalogueMalformed if versions cannot be told apart.
    """
    require_distinct(catalogue)
    rules = catalogue.rules or PublishingRules()
    found = [
        Finding(weight, rule, item.item_id, item.version, detail)
        for item in catalogue.items
        for weight, rule, check in _CHECKS
        for detail in check(item, rules)
    ]
    found += _splitting(catalogue, rules)
    return tuple(sorted(found, key=lambda finding: finding.weight is Weight.WARNS))


def require_publishable(catalogue: Catalogue) -> None:
    """Raises CatalogueNotPublishable with the first findings, and what `findings` raises."""
    stopping = [finding for finding in findings(catalogue) if finding.weight is Weight.BLOCKS]
    if stopping:
        detail = "；".join(f"{one.item_id}：{one.detail}" for one in stopping[:FINDINGS_TOLD_MAX])
        raise CatalogueNotPublishable("catalogue.items", count=len(stopping), detail=detail)


def _disclosed(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """五公开, 八公开."""
    if item.status is ShelfStatus.OFF_SHELF:
        return
    there = {
        "内容": bool(item.name and item.authority and item.result_name),
        "程序": item.handling_kind is HandlingKind.INSTANT or bool(item.links or item.legs),
        "材料": bool(item.materials) or item.needs_no_materials,
        "时限": _has_time(item),
        "收费": all(fee.name and fee.basis for fee in item.fees),
    }
    if rules.disclosures is DisclosureSet.EIGHT:
        there |= {
            "依据": bool(item.legal_basis),
            "示范文本": _has_example(item),
            "结果": bool(item.result_name and item.result_kind),
        }
    for name, complete in there.items():
        if not complete:
            yield f"{name}未公开"


def _has_time(item: ItemVersion) -> bool:
    limits = (item.promised_limit, item.statutory_limit, item.legal_cap)
    return any(limits) or any(step.limit for step in item.special_procedures)


def _has_example(item: ItemVersion) -> bool:
    """Somebody who makes a paper is shown how; what others issue needs no example."""
    own = [wanted for wanted in item.materials if wanted.source is MaterialSource.APPLICANT]
    return not own or any(wanted.blank_form or wanted.example for wanted in own)


def _promised(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """承诺时限 at most half of 法定时限, for the item and each of its variants."""
    if item.half_rule_exemption:
        return
    percent = rules.promise_percent_max or PROMISE_PERCENT_MAX
    for option in ("", *(option.name for option in item.options)):
        promised, statutory = item.promised_of(option), item.statutory_of(option)
        if promised is None or statutory is None:
            continue
        if length(promised) * 100 > length(statutory) * percent:
            which = f"（{option}）" if option else ""
            yield (
                f"承诺时限{in_words(promised)}{which}超过法定时限{in_words(statutory)}的{percent}%，"
                "且未说明豁免理由"
            )


def _linked(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """一审一核; complex flows up to five links."""
    if item.complex_flow:
        most = rules.complex_links_max or COMPLEX_LINKS_MAX
    else:
        most = rules.links_max or LINKS_MAX
    if len(item.links) > most:
        kind = "复杂" if item.complex_flow else "一般"
        yield f"{kind}事项最多{most}个环节，现有{len(item.links)}个"


def _handled(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """The handling mode fits the promise: an instant case promises no days."""
    days = item.promised_limit.days if item.promised_limit else 0
    if item.handling_kind is HandlingKind.INSTANT and days:
        yield f"即办件的承诺时限应为当场办结，现为{in_words(item.promised_limit)}"
    if item.handling_kind is HandlingKind.INSTANT and item.statutory_limit is not None:
        yield "即办件不设法定时限；规章另有上限的，填入legal_cap"


def _charged(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """收费亮证: no fee without basis, standard and permit."""
    for fee in item.fees:
        if not fee.charges:
            continue
        missing = [
            name
            for name, there in (
                ("依据", fee.basis),
                ("标准", fee.amount_fen or fee.standard or fee.unit),
                ("收费许可或目录清单", fee.permit),
            )
            if not there
        ]
        if missing:
            yield f"收费“{fee.name}”缺少{'、'.join(missing)}"


def _coded(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    if item.codes is not None and (fault := codes_fault(item.codes, int(item.level))):
        yield fault


def _named(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """Names are those of the base catalogue."""
    if item.codes is None or not rules.base_items:
        return
    names = {base.base_code: base.name for base in rules.base_items}
    name = names.get(item.codes.base_code)
    if name is not None and name != item.name:
        yield f"名称“{item.name}”与基本目录“{name}”不一致"


def _in_base(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    known = {base.base_code for base in rules.base_items}
    if known and item.codes is not None and item.codes.base_code not in known:
        yield f"基本编码{item.codes.base_code or '（空）'}不在基本目录中"


def _shelved(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """An item comes off the shelf by a rule, not by itself."""
    if item.status is ShelfStatus.OFF_SHELF and not item.shelf_basis:
        yield "下架未说明法律依据（shelf_basis）"
    if item.effective_from and item.effective_until and item.effective_from >= item.effective_until:
        yield "失效日期不晚于生效日期"


def _entered(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """应进必进: who stays outside the hall says why and who allowed it."""
    if item.outside_hall_reason and not item.outside_hall_approver:
        yield "不进驻大厅的理由没有批准人"


def _summed(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """The legs make up the promise: over the groups, the longest counted leg of each."""
    counted = [leg for leg in item.legs if leg.counted and leg.promised is not None]
    promised = item.promised_limit
    if not counted or promised is None or not promised.days:
        return
    groups: dict[int, int] = defaultdict(int)
    for leg in counted:
        if leg.promised is None or leg.promised.unit is not promised.unit:
            return
        groups[leg.group] = max(groups[leg.group], leg.promised.days)
    total = sum(groups.values())
    if total != promised.days:
        yield f"各环节时限合计{total}天，与承诺时限{in_words(promised)}不符"


def _contents(item: ItemVersion, rules: PublishingRules) -> Iterator[str]:
    """What a case refers to by name stands once."""
    for what, names in (
        ("材料", [wanted.name for wanted in item.materials]),
        ("办理情形", [option.name for option in item.options]),
        ("收费", [fee.name for fee in item.fees]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{what}“{name}”重复"
    named = {wanted.name for wanted in item.materials}
    for option in item.options:
        for name in option.materials:
            if name not in named:
                yield f"办理情形“{option.name}”所需材料“{name}”不在材料清单中"


_CHECKS: tuple[tuple[Weight, str, Check], ...] = (
    (Weight.BLOCKS, "disclosures", _disclosed),
    (Weight.BLOCKS, "promise", _promised),
    (Weight.BLOCKS, "links", _linked),
    (Weight.BLOCKS, "handling", _handled),
    (Weight.BLOCKS, "fee", _charged),
    (Weight.BLOCKS, "codes", _coded),
    (Weight.BLOCKS, "name", _named),
    (Weight.BLOCKS, "shelf", _shelved),
    (Weight.BLOCKS, "hall", _entered),
    (Weight.BLOCKS, "contents", _contents),
    (Weight.WARNS, "legs", _summed),
    (Weight.WARNS, "base", _in_base),
)


def _splitting(catalogue: Catalogue, rules: PublishingRules) -> Iterator[Finding]:
    """肢解审批事项: one article under two items of one level may be one power that was split."""
    general = {*GENERAL_LAWS, *rules.general_laws}
    standing: dict[tuple[str, str, int], dict[str, ItemVersion]] = defaultdict(dict)
    for item in catalogue.items:
        # A bundle stands on what its parts stand on.
        if item.status is ShelfStatus.OFF_SHELF or item.bundled_items:
            continue
        for basis in item.legal_basis:
            if basis.article and basis.law not in general:
                key = (basis.law, basis.article, int(item.level))
                standing[key].setdefault(item.item_id, item)
    for (law, article, _), items in standing.items():
        for item in list(items.values())[1:]:
            first = next(iter(items.values()))
            detail = f"与“{first.name}”设定依据相同（{law}{article}），请核对是否拆分事项"
            yield Finding(Weight.WARNS, "splitting", item.item_id, item.version, detail)
