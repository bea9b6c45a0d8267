"""The service guide of an item (办事指南, GB/T 36114): one page that can be shown, printed and hung up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, Template

from hallnet.case.item import ItemVersion, RequiredMaterial, ShelfStatus
from hallnet.case.item_words import label, money, named, said
from hallnet.case.limits import in_words

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the guide: rows under columns, or if there are none names with what they say."""

    title: str
    columns: tuple[str, ...]
    rows: Rows
    notes: tuple[str, ...] = ()


def guide(item: ItemVersion) -> str:
    """The guide as HTML that stands for itself; everything from the record is escaped."""
    sections = [section for section in _sections(item) if section.rows or section.notes]
    off = item.status is ShelfStatus.OFF_SHELF
    return _template().render(item=item, off=off, sections=sections)


@cache
def _template() -> Template:
    source = (files("hallnet.case") / "data" / "guide.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True).from_string(source)


def _sections(item: ItemVersion) -> list[Section]:
    return [
        Section(
            "基本信息", (), _of(item, "task_type", "level", "authority", "power_origin", "served")
        ),
        Section(
            "设定依据", ("法律法规", "条款"), tuple((b.law, b.article) for b in item.legal_basis)
        ),
        Section(
            "受理",
            (),
            _of(
                item,
                "conditions",
                "accepts_at",
                "scope",
                "cross_area_mode",
                "handling_forms",
                "quantity_limit",
                "intermediary",
            ),
        ),
        _times(item),
        _options(item),
        Section(
            "申请材料",
            ("材料名称", "要求", "来源", "形式", "说明"),
            tuple(_material(wanted) for wanted in item.materials),
            ("无需提交材料。",) if item.needs_no_materials and not item.materials else (),
        ),
        _flow(item),
        _fees(item),
        Section("到场和代办", (), _visits(item)),
        Section("办理结果", (), _of(item, "result_name", "result_kind", "result_sample")),
        Section(
            "办理地点",
            ("地点", "地址", "时间", "电话", "窗口"),
            tuple(
                (p.name, p.address, p.opening_hours, p.telephone, "、".join(p.counters))
                for p in item.places
            ),
        ),
        Section("咨询和监督", (), _of(item, "enquiry_way", "complaint_way")),
    ]


def _of(item: ItemVersion, *fields: str) -> Rows:
    shown = ((label(field), said(getattr(item, field))) for field in fields)
    return tuple(row for row in shown if row[1])


def _times(item: ItemVersion) -> Section:
    rows = [
        ("办件类型", named(item.handling_kind)),
        ("法定时限", in_words(item.statutory_limit or item.legal_cap, "法律未作规定")),
        ("承诺时限", in_words(item.promised_limit, "按各环节时限办理")),
        ("时限起算", named(item.clock_start)),
    ]
    if item.extension is not None:
        added = in_words(item.extension.limit)
        rows.append(("延长", f"经{item.extension.approver}批准，可延长{added}"))
    rows += [
        (
            step.name,
            f"{in_words(step.limit, '所需时间')}，{'计入' if step.counted else '不计入'}时限",
        )
        for step in item.special_procedures
    ]
    return Section("办理时限", (), tuple(rows))


def _options(item: ItemVersion) -> Section:
    rows = tuple(
        (
            option.name,
            "无需办理" if option.needs_nothing else in_words(item.statutory_of(option.name)),
            "" if option.needs_nothing else in_words(item.promised_of(option.name), "—"),
            "、".join(option.materials) or option.remark,
        )
        for option in item.options
    )
    return Section("办理情形", ("情形", "法定时限", "承诺时限", "说明"), rows)


def _material(wanted: RequiredMaterial) -> tuple[str, ...]:
    form = named(wanted.form) + (f"{wanted.copies}份" if wanted.copies else "")
    parts = (wanted.condition, wanted.acceptance_standard, wanted.filling_help, wanted.shared_from)
    papers = (("空白表", wanted.blank_form), ("示例", wanted.example))
    notes = [part for part in parts if part] + [f"{name}：{at}" for name, at in papers if at]
    return (wanted.name, named(wanted.requirement), named(wanted.source), form, "；".join(notes))


def _flow(item: ItemVersion) -> Section:
    if item.links:
        rows = tuple((one.name, one.post, in_words(one.limit, "")) for one in item.links)
        return Section("办理流程", ("环节", "岗位", "时限"), rows)
    rows = tuple((leg.act, leg.actor, in_words(leg.promised, "")) for leg in item.legs)
    return Section("办理流程", ("环节", "办理单位", "时限"), rows)


def _fees(item: ItemVersion) -> Section:
    columns = ("项目", "标准", "依据", "收费许可或目录清单", "减免")
    rows = tuple(
        (
            fee.name,
            " ".join(filter(None, (money(fee), fee.unit))),
            fee.basis,
            fee.permit,
            fee.reduction,
        )
        for fee in item.fees
    )
    return Section("收费", columns, rows) if rows else Section("收费", (), (), ("不收费。",))


def _visits(item: ItemVersion) -> Rows:
    agent = (
        ("可以代办" + (f"（{item.agent_limit}）" if item.agent_limit else ""))
        if (item.agent_allowed)
        else "须本人办理，不能代办"
    )
    rows = [("到现场次数", f"{item.max_visits}次"), ("代办", agent)]
    if item.visits_reason:
        rows.append((label("visits_reason"), item.visits_reason))
    if item.commitment_allowed:
        rows.append(("告知承诺", item.commitment_remark or "可以采用"))
    return tuple(rows)
