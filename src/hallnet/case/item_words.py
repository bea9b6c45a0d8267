"""Items in words, for officials and people: names of what stands in a record, and what was changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from hallnet.case.item import (
    ClockStart,
    CrossAreaMode,
    CrossAreaPart,
    Fee,
    HandlingKind,
    IntakePlace,
    ItemVersion,
    JointMode,
    MaterialForm,
    MaterialSource,
    Requirement,
    Scope,
    ShelfStatus,
    TaskType,
    TimeLimit,
)
from hallnet.case.item_terms import (
    AuthorityKind,
    HandlingForm,
    MaterialFormat,
    PowerSource,
    ResultKind,
    ServedParty,
    TrustLevel,
)
from hallnet.case.limits import in_words
from hallnet.places import Level

_NAMES: dict[type[IntEnum], dict[int, str]] = {
    TaskType: {
        1: "行政许可",
        2: "行政处罚",
        3: "行政强制",
        4: "行政征收",
        5: "行政给付",
        6: "行政检查",
        7: "行政确认",
        8: "行政奖励",
        9: "行政裁决",
        10: "其他行政权力",
        20: "公共服务",
    },
    ShelfStatus: {1: "在架", 2: "下架"},
    Level: {2: "省级", 3: "市级", 4: "县级", 5: "乡镇（街道）级", 6: "村（社区）级"},
    IntakePlace: {
        1: "村级代办点",
        2: "乡镇便民服务中心",
        3: "县政务服务中心",
        4: "分厅",
        5: "市政务服务中心",
        6: "省政务服务中心",
    },
    HandlingKind: {1: "即办件", 2: "承诺件"},
    ClockStart: {1: "自收件之日起", 2: "自受理之日起"},
    Scope: {1: "全国", 2: "全省", 3: "全市", 4: "全县", 5: "全镇"},
    CrossAreaMode: {1: "全程网办", 2: "异地代收代办", 3: "多地联办", 4: "全国直接办理"},
    CrossAreaPart: {1: "收件地收件", 2: "办理地办理", 3: "收件地送达"},
    JointMode: {1: "并联", 2: "串联", 3: "分阶段"},
    Requirement: {1: "必要", 2: "容缺", 3: "非必要"},
    MaterialSource: {1: "申请人自备", 2: "政府部门核发", 3: "部门共享，无需提交"},
    MaterialForm: {1: "原件", 2: "复印件", 3: "电子件", 4: "原件和复印件"},
    MaterialFormat: {1: "纸质", 2: "电子", 3: "纸质或电子"},
    TrustLevel: {1: "A级", 2: "B级", 3: "C级", 4: "D级"},
    PowerSource: {
        1: "法定本级行使",
        2: "上级下放",
        3: "上级授权",
        4: "同级授权",
        5: "上级委托",
        6: "同级委托",
    },
    AuthorityKind: {1: "法定机关", 2: "授权组织", 3: "受委托组织", 9: "其他"},
    ServedParty: {
        1: "自然人",
        2: "企业法人",
        3: "事业法人",
        4: "社会组织法人",
        5: "行政机关",
        6: "其他组织",
    },
    HandlingForm: {1: "窗口办理", 2: "网上办理", 3: "掌上办理", 4: "快递申请", 9: "其他"},
    ResultKind: {1: "证照", 2: "批文", 9: "其他"},
}
_LABELS = {
    "name": "事项名称",
    "status": "状态",
    "status_remark": "状态说明",
    "task_type": "事项类型",
    "level": "行使层级",
    "accepts_at": "受理地点类型",
    "authority": "实施主体",
    "legal_basis": "设定依据",
    "statutory_limit": "法定时限",
    "promised_limit": "承诺时限",
    "legal_cap": "规章上限",
    "clock_start": "时限起算",
    "extension": "延长期限",
    "half_rule_exemption": "承诺时限豁免理由",
    "handling_kind": "办件类型",
    "joint_bodies": "联办机构",
    "joint_mode": "联办方式",
    "report_up": "上报件",
    "legs": "办理环节时限",
    "scope": "通办范围",
    "cross_area_mode": "通办方式",
    "cross_area_remark": "通办说明",
    "agent_allowed": "允许代办",
    "agent_limit": "代办限制",
    "needs_presence": "须本人到场",
    "max_visits": "到现场次数",
    "options": "办理情形",
    "materials": "申请材料",
    "fees": "收费",
    "special_procedures": "特别程序",
    "result_name": "办理结果",
    "commitment_allowed": "告知承诺",
    "branch_hall_field": "分厅",
    "bundled_items": "包含事项",
    "prereview": "预审",
    "booking": "预约",
    "effective_from": "生效日期",
    "effective_until": "失效日期",
    "codes": "编码",
    "provenance": "来源",
    "commitment_remark": "告知承诺说明",
    "cross_area_legs": "通办环节",
    "power_origin": "权力来源",
    "served": "服务对象",
    "handling_forms": "办理形式",
    "conditions": "受理条件",
    "links": "办理流程",
    "complex_flow": "复杂流程",
    "quantity_limit": "数量限制",
    "intermediary": "中介服务",
    "outside_hall_reason": "不进驻大厅的理由",
    "outside_hall_approver": "不进驻大厅的批准人",
    "visits_reason": "必须到场的理由",
    "online_depth": "网办深度",
    "paid_online": "网上支付",
    "sent_by_courier": "物流快递",
    "at_terminals": "自助终端办理",
    "places": "办理地点",
    "enquiry_way": "咨询方式",
    "complaint_way": "监督投诉方式",
    "result_kind": "结果类型",
    "result_sample": "结果样本",
    "questions": "常见问题",
    "topics": "主题",
    "shelf_basis": "上下架依据",
    "filing_only": "仅备案",
    "filed_anew_when_incomplete": "材料不齐退回重新申请",
    "base_version": "所依据的上级版本",
    "needs_no_materials": "无需提交材料",
    "results_stay_valid": "下架后原结果仍有效",
    "renewal_days_before": "期满前多少日申请延续",
    "concerns_safety": "直接关系公共安全、人身健康、生命财产安全",
}
_UNTOLD = frozenset({"item_id", "version"})


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A difference between two versions, in Chinese; what was not there before or is not any more is ''."""

    label: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.label}：增加“{self.after}”"
        if not self.after:
            return f"{self.label}：取消“{self.before}”"
        return f"{self.label}：由“{self.before}”改为“{self.after}”"


def changes(old: ItemVersion, new: ItemVersion) -> tuple[Change, ...]:
    """What differs between two versions of an item, in the order of the record."""
    found: list[Change] = []
    for field in dataclasses.fields(ItemVersion):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if field.name in _UNTOLD or before == after:
            continue
        label = _LABELS[field.name]
        if isinstance(before, tuple):
            found += _of_list(label, before, after)
        else:
            found.append(Change(label, said(before), said(after)))
    return tuple(found)


def named(value: IntEnum) -> str:
    """A term in Chinese."""
    return _NAMES[type(value)][int(value)]


def label(field: str) -> str:
    """What a field of the record is called."""
    return _LABELS[field]


def money(fee: Fee) -> str:
    """For example 125元; 按当地标准 where the place sets it, 不收费 where nothing is asked for."""
    if fee.amount_set_locally:
        return fee.standard or "按当地标准"
    return f"{fen(fee.amount_fen)}元" if fee.amount_fen else "不收费"


def fen(amount: int) -> str:
    """An amount in yuan, exactly: 12500 is 125, 1205 is 12.05."""
    yuan, rest = divmod(amount, 100)
    return f"{yuan}.{rest:02}" if rest else str(yuan)


def said(value: Any) -> str:
    """A part of the record in a few words."""
    if value is None or value == "" or value == ():
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, IntEnum):
        return named(value)
    if isinstance(value, TimeLimit):
        return in_words(value)
    if isinstance(value, Fee):
        return f"{value.name} {money(value)}"
    if isinstance(value, tuple):
        return "、".join(said(item) for item in value)
    if dataclasses.is_dataclass(value):
        parts = (said(getattr(value, field.name)) for field in dataclasses.fields(value))
        return " ".join(part for part in parts if part and part != "否")
    return str(value)


def _of_list(label: str, before: Sequence[Any], after: Sequence[Any]) -> list[Change]:
    """Parts that bear a name are compared under it; others come or go."""
    if any(not hasattr(item, "name") or isinstance(item, IntEnum) for item in (*before, *after)):
        gone = [item for item in before if item not in after]
        come = [item for item in after if item not in before]
        if not gone and not come:
            return [Change(f"{label}顺序", said(before), said(after))]
        return [Change(label, said(x), "") for x in gone] + [
            Change(label, "", said(x)) for x in come
        ]
    old = {item.name: item for item in before}
    new = {item.name: item for item in after}
    found = [Change(label, name, "") for name in old if name not in new]
    found += [Change(label, "", said(item)) for name, item in new.items() if name not in old]
    found += [
        change
        for name, item in new.items()
        if name in old and old[name] != item
        for change in _within(f"{label}“{name}”", old[name], item)
    ]
    return found or [Change(f"{label}顺序", "、".join(old), "、".join(new))]


def _within(label: str, before: Any, after: Any) -> list[Change]:
    return [
        Change(label, said(old) or "无", said(new) or "无")
        for field in dataclasses.fields(before)
        if (old := getattr(before, field.name)) != (new := getattr(after, field.name))
    ]
