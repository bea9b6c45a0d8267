"""The words of the portal: every choice, state and event in Chinese, in this one place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from hallnet.case.case import CHINA
from hallnet.case.clock import CLOCK_NAMES
from hallnet.case.event import (
    AcceptanceBasis,
    Accepted,
    CaseEvent,
    Channel,
    Closed,
    Decided,
    Declined,
    DeclineGround,
    DefectKind,
    DeliveryMethod,
    Filed,
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    HandOverPurpose,
    NoticeGiven,
    Opinion,
    Outcome,
    Reviewed,
    Supplemented,
    TakenOver,
    Withdrawn,
)
from hallnet.case.fact import LEG_OUTCOME_NAMES
from hallnet.case.item import HandlingKind, MaterialForm, MaterialSource, Requirement
from hallnet.case.mandate import EvidenceKind, Mandate, MandateAct
from hallnet.case.ownership import HEAD_OF_HALL
from hallnet.case.person import Actor, ActorKind
from hallnet.case.stage import ENDED, NAMES, Stage
from hallnet.codec.moments import from_timestamp
from hallnet.portal.further_wording import Told, tell_later
from hallnet.portal.halls import Halls
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire_sync
from hallnet.wire.case.v1 import item_pb2 as wire_item
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire_exchange
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.notify.v1 import notify_service_pb2 as wire_notify
from hallnet.wire.release.v1 import release_pb2 as wire_release

STAGES: Mapping[int, str] = {int(stage): name for stage, name in NAMES.items()}
STAGE_TONES: Mapping[int, str] = {
    Stage.RECEIVED: "new",
    Stage.CORRECTING: "wait",
    Stage.ACCEPTED: "work",
    Stage.REVIEWED: "work",
    Stage.DECIDED: "work",
    Stage.CLOSED: "done",
    Stage.DECLINED: "ended",
    Stage.WITHDRAWN: "ended",
    Stage.PREREVIEW: "new",
    Stage.RETURNED: "wait",
    Stage.ENDED: "ended",
    Stage.REVOKED: "bad",
}
ENDED_STAGES = frozenset(int(stage) for stage in ENDED)
DECIDED_OR_ENDED = ENDED_STAGES | {int(Stage.DECIDED)}
NOT_ACCEPTED = frozenset(
    {int(Stage.RECEIVED), int(Stage.CORRECTING), int(Stage.PREREVIEW), int(Stage.RETURNED)}
)
ASKED = frozenset({int(Stage.CORRECTING), int(Stage.RETURNED)})
"""The applicant has the turn."""
LEG_OUTCOMES: Mapping[int, str] = {
    int(outcome): name for outcome, name in LEG_OUTCOME_NAMES.items()
}
HANDLING: Mapping[int, str] = {HandlingKind.INSTANT: "即办件", HandlingKind.COMMITTED: "承诺件"}
CHANNELS: Mapping[int, str] = {
    Channel.COUNTER: "窗口收件",
    Channel.AGENT: "代办员收件",
    Channel.ONLINE: "网上收件",
}
ACTORS: Mapping[int, str] = {
    ActorKind.STAFF: "工作人员",
    ActorKind.AGENT: "代办员",
    ActorKind.APPLICANT: "申请人",
    ActorKind.SYSTEM: "系统",
}
REQUIREMENTS: Mapping[int, str] = {
    Requirement.NEEDED: "必要",
    Requirement.TOLERATED: "容缺",
    Requirement.OPTIONAL: "视情形",
}
SOURCES: Mapping[int, str] = {
    MaterialSource.APPLICANT: "申请人自备",
    MaterialSource.GOVERNMENT: "政府核发",
    MaterialSource.SHARED: "部门共享",
}
FORMS: Mapping[int, str] = {
    MaterialForm.ORIGINAL: "原件",
    MaterialForm.COPY: "复印件",
    MaterialForm.ELECTRONIC: "电子件",
    MaterialForm.ORIGINAL_AND_COPY: "原件和复印件",
}
OPINIONS: Mapping[int, str] = {Opinion.FAVOURABLE: "符合条件", Opinion.UNFAVOURABLE: "不符合条件"}
OUTCOMES: Mapping[int, str] = {Outcome.GRANTED: "准予", Outcome.REFUSED: "不予"}
DECLINE_GROUNDS: Mapping[int, str] = {
    DeclineGround.NOT_NEEDED: "依法不需要取得许可",
    DeclineGround.WRONG_BODY: "不属于本机关职权范围",
    DeclineGround.DECEIT: "隐瞒有关情况或者提供虚假材料",
    DeclineGround.BARRED: "在不得再次申请的期限内",
}
DELIVERY_METHODS: Mapping[int, str] = {
    DeliveryMethod.COUNTER: "窗口领取",
    DeliveryMethod.AGENT: "代办员转交",
    DeliveryMethod.POST: "邮寄",
    DeliveryMethod.ELECTRONIC: "电子送达",
}
MANDATE_ACTS: Mapping[int, str] = {
    MandateAct.SUBMIT: "提交申请和补正材料",
    MandateAct.SIGN_RECEIPT: "签收文书",
    MandateAct.COLLECT: "领取办理结果",
    MandateAct.PAY: "代缴费用",
}
EVIDENCE_KINDS: Mapping[int, str] = {
    EvidenceKind.SIGNATURE: "签名",
    EvidenceKind.FINGERPRINT: "指印",
    EvidenceKind.VOICE: "录音",
    EvidenceKind.PHOTO: "合影",
    EvidenceKind.WITNESS: "见证人签名",
}
HAND_OVERS: Mapping[HandOverPurpose, str] = {
    HandOverPurpose.REPORT_UP: "上报",
    HandOverPurpose.ACROSS: "转交",
    HandOverPurpose.RETURN: "结果回传",
    HandOverPurpose.AFTER_CHECK: "转事后核查",
    HandOverPurpose.REVIEW_AGAIN: "转重新审查",
    HandOverPurpose.SUCCESSION: "移交承接",
}
DEFECT_KINDS: Mapping[int, str] = {
    DefectKind.FORM: "形式",
    DefectKind.IDENTITY: "身份",
    DefectKind.SUBSTANCE: "实质",
    DefectKind.LEGALITY: "合法性",
}
CLOCKS: Mapping[int, str] = CLOCK_NAMES
DELIVERIES: Mapping[int, str] = {
    wire_exchange.DELIVERY_STATE_WAITING: "等待发出",
    wire_exchange.DELIVERY_STATE_UNDER_WAY: "传送途中",
    wire_exchange.DELIVERY_STATE_ACCEPTED: "对方已签收",
    wire_exchange.DELIVERY_STATE_REFUSED: "被拒收",
    wire_exchange.DELIVERY_STATE_HELD: "对方留存，未生效",
    wire_exchange.DELIVERY_STATE_EXPIRED: "逾期未达",
    wire_exchange.DELIVERY_STATE_DROPPED: "未通过真实性核验",
    wire_exchange.DELIVERY_STATE_UNSEALED: "等待对方证书",
}
DELIVERY_TONES: Mapping[int, str] = {
    wire_exchange.DELIVERY_STATE_WAITING: "wait",
    wire_exchange.DELIVERY_STATE_UNDER_WAY: "wait",
    wire_exchange.DELIVERY_STATE_UNSEALED: "wait",
    wire_exchange.DELIVERY_STATE_ACCEPTED: "done",
}
ENVELOPES: Mapping[str, str] = {
    "case.events": "办件记录",
    "case.request": "申请人请求",
    "case.request_refused": "请求答复",
    "matter.key_wanted": "索取查重密钥",
    "matter.key": "查重密钥",
    "matter.told": "查重摘要",
    "matter.alike": "疑似重复提示",
    "paper.asked": "调取材料申请",
    "paper.answered": "调取材料答复",
    "attachment.chunk": "材料",
}
NOTICES: Mapping[int, str] = {
    wire_notify.NOTICE_STATE_WAITING: "待发送",
    wire_notify.NOTICE_STATE_SENT: "已送出",
    wire_notify.NOTICE_STATE_GIVEN_UP: "发送失败",
}
NOTICE_TONES: Mapping[int, str] = {
    wire_notify.NOTICE_STATE_WAITING: "wait",
    wire_notify.NOTICE_STATE_SENT: "done",
    wire_notify.NOTICE_STATE_GIVEN_UP: "bad",
}
AUDIENCES: Mapping[int, str] = {
    wire_notify.NOTICE_AUDIENCE_APPLICANT: "申请人",
    wire_notify.NOTICE_AUDIENCE_AGENT: "代办员",
    wire_notify.NOTICE_AUDIENCE_STAFF: "本厅人员",
}
NOTICE_CHANNELS: Mapping[str, str] = {"file": "文件通道", "webhook": "接口推送"}
RELEASES: Mapping[int, str] = {
    wire_release.RELEASE_KIND_CATALOGUE: "事项目录",
    wire_release.RELEASE_KIND_CALENDAR: "工作日历",
    wire_release.RELEASE_KIND_TRUST: "信任名单",
    wire_release.RELEASE_KIND_POLICY: "地方规则",
    wire_release.RELEASE_KIND_TEMPLATE: "文书模板",
    wire_release.RELEASE_KIND_CODE_MAP: "代码对照表",
}
STANDINGS: Mapping[int, str] = {
    wire_sync.RELEASE_STANDING_PENDING: "待生效",
    wire_sync.RELEASE_STANDING_IN_FORCE: "生效中",
    wire_sync.RELEASE_STANDING_REPLACED: "已被替换",
    wire_sync.RELEASE_STANDING_REFUSED: "已拒绝",
    wire_sync.RELEASE_STANDING_WITHDRAWN: "已撤回",
}
_WEEKDAYS = "一二三四五六日"
_UNITS: Mapping[int, str] = {
    wire_item.TIME_UNIT_WORKING_DAY: "个工作日",
    wire_item.TIME_UNIT_CALENDAR_DAY: "个自然日",
    wire_item.TIME_UNIT_HOUR: "小时",
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_KILOBYTE = 1024
_SKEW_MS_SAID = 200
_LINK_SILENCE = timedelta(seconds=30)
"""Halls say hello every ten seconds: three were missed."""
_CHINESE = range(0x4E00, 0xA000)


def tell(event: CaseEvent, halls: Halls) -> Told:
    """What happened, for staff and agents."""
    match event.fact:
        case Filed() as filed:
            return Told(CHANNELS[filed.channel], "new", _of_filing(filed, halls))
        case NoticeGiven(document_no, defects):
            return Told("一次性告知", "wait", (("文书", document_no),), defects)
        case Supplemented(materials) as supplemented:
            names = "、".join(material.name for material in materials)
            what = "从其他大厅调取材料" if supplemented.is_obtained else "收到补正材料"
            return Told(what, "work", _kept([("材料", names)]))
        case Accepted() as accepted:
            silent = accepted.basis is AcceptanceBasis.SILENCE
            return Told("视为受理" if silent else "受理", "work", _of_acceptance(accepted))
        case Declined(document_no, ground, explanation, right_body):
            particulars = [
                ("文书", document_no),
                ("情形", DECLINE_GROUNDS[ground]),
                ("理由", explanation),
                ("应向其申请", right_body),
            ]
            return Told("不予受理", "bad", _kept(particulars))
        case Reviewed(opinion, explanation):
            tone = "work" if opinion is Opinion.FAVOURABLE else "bad"
            return Told(f"初审：{OPINIONS[opinion]}", tone, _kept([("意见", explanation)]))
        case HandedOver(to, purpose, explanation):
            headline = f"{HAND_OVERS[purpose]} → {halls.name(to)}"
            return Told(headline, "move", _kept([("说明", explanation)]))
        case TakenOver():
            return Told("接收办件，由本环节大厅负责", "move")
        case HandOverDeclined(_, explanation):
            return Told("退回移交，由原大厅继续负责", "bad", _kept([("原因", explanation)]))
        case HandOverFailed(reason):
            return Told("移交未能送达，由原大厅继续负责", "bad", _kept([("原因", reason)]))
        case Decided(document_no, outcome, reasons, legal_basis, remedy, result_name):
            particulars = [
                ("文书", document_no),
                ("办理结果", result_name),
                ("理由", reasons),
                ("依据", legal_basis),
                ("救济途径", remedy),
            ]
            tone = "done" if outcome is Outcome.GRANTED else "bad"
            return Told(f"决定：{OUTCOMES[outcome]}", tone, _kept(particulars))
        case Closed(method, received_by, no_fee):
            particulars = [
                ("送达方式", DELIVERY_METHODS[method]),
                ("签收人", received_by),
                ("不收费的依据", no_fee),
            ]
            return Told("办结", "done", _kept(particulars))
        case Withdrawn(reason):
            return Told("撤回申请", "ended", _kept([("原因", reason)]))
    return tell_later(event.fact, halls)


def _of_acceptance(accepted: Accepted) -> tuple[tuple[str, str], ...]:
    limit_of_gaps = accepted.gaps_limit
    return _kept(
        [
            ("文书", accepted.document_no),
            ("受理日", day(accepted.accepted_on)),
            ("依据", _BASES[accepted.basis]),
            ("限期补交", "、".join(accepted.gaps)),
            ("补交时限", f"{limit_of_gaps.days}日" if limit_of_gaps else ""),
        ]
    )


_BASES = {
    AcceptanceBasis.EXAMINED: "",
    AcceptanceBasis.SILENCE: "五日内未一次性告知，自收件之日起即为受理",
    AcceptanceBasis.TOLERANT: "容缺受理",
    AcceptanceBasis.COMMITMENT: "告知承诺",
    AcceptanceBasis.UNIFIED: "联办统一受理",
}


def _of_filing(filed: Filed, halls: Halls) -> tuple[tuple[str, str], ...]:
    point = halls.village(str(filed.intake_point)) if filed.intake_point else ""
    names = "、".join(material.name for material in filed.materials)
    return _kept(
        [
            ("收件地点", point),
            ("办理大厅", halls.name(filed.competent_hall)),
            ("办理情形", filed.option),
            ("收到材料", names or "无"),
            ("委托", mandate_text(filed.mandate) if filed.mandate else ""),
        ]
    )


def actor(who: Actor) -> str:
    """Who acted, with what they are."""
    kind = ACTORS[who.kind]
    return kind if who.name in ("", kind) else f"{who.name}（{kind}）"


def owner(who: wire_intake.CaseOwner) -> str:
    """Who answers for a case; another hall's staff have no names here."""
    if who.actor_id == HEAD_OF_HALL:
        return "大厅负责人"
    return who.name or who.actor_id


def mandate_text(mandate: Mandate) -> str:
    """What an agent may do, and until when."""
    acts = "、".join(MANDATE_ACTS[act] for act in mandate.acts)
    return f"{acts}；至{day(mandate.valid_until)}；凭{EVIDENCE_KINDS[mandate.evidence_kind]}"


def _kept(particulars: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in particulars if text)


def day(value: date | str) -> str:
    """A day with its weekday; empty if there is none."""
    if not value:
        return ""
    there = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{there:%Y-%m-%d} 周{_WEEKDAYS[there.weekday()]}"


def moment(value: datetime) -> str:
    """A moment in the country's one time zone, to the minute."""
    return value.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the one unit that matters."""
    seconds = max(int((now - since).total_seconds()), 0)
    if seconds < _MINUTE:
        return f"{seconds}秒前"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}分钟前"
    if seconds < _DAY:
        return f"{seconds // _HOUR}小时前"
    return f"{seconds // _DAY}天前"


def link_standing(link: wire_exchange.LinkStatus, now: datetime) -> tuple[str, str]:
    """How a link stands, and its tone: a link over which nothing was heard for long is not called up."""
    if not link.up:
        return "断开", "bad"
    heard = from_timestamp(link.heard_at) if link.HasField("heard_at") else None
    if heard is None or now - heard > _LINK_SILENCE:
        return "久未联络", "wait"
    return "连通", "done"


def skew(milliseconds: int) -> str:
    """How far a clock is from ours, ahead or behind."""
    if abs(milliseconds) < _SKEW_MS_SAID:
        return "一致"
    side = "快" if milliseconds > 0 else "慢"
    return f"{side}{abs(milliseconds) / 1000:.1f}秒"


def limit(value: wire_item.TimeLimit) -> str:
    """A length of time."""
    return f"{value.days}{_UNITS[value.unit]}" if value.days else "当场办结"


def days_left(due_on: str, today: date) -> str:
    """How near a day is, in days of the calendar; empty if there is none."""
    if not due_on:
        return ""
    left = (date.fromisoformat(due_on) - today).days
    if left < 0:
        return f"逾期{-left}天"
    return f"剩{left}天" if left else "今天到期"


def size(count: int) -> str:
    """A number of bytes."""
    if count < _KILOBYTE:
        return f"{count} B"
    if count < _KILOBYTE * _KILOBYTE:
        return f"{count / _KILOBYTE:.0f} KB"
    return f"{count / _KILOBYTE / _KILOBYTE:.3g} MB"


def fee(value: wire_item.Fee) -> str:
    """What is paid."""
    if value.amount_set_locally:
        return "按当地标准"
    return f"{value.amount_fen / 100:g}元" if value.amount_fen else "不收费"


def if_chinese(text: str) -> str:
    """A remark of the catalogue, if the people at the counter can read it."""
    return text if any(ord(character) in _CHINESE for character in text) else ""


def masked_number(number: str) -> str:
    """A document number of which only both ends are shown."""
    kept = 4 if len(number) > 10 else 1
    return f"{number[:kept]}{'*' * max(len(number) - 2 * kept, 1)}{number[-kept:]}"
