"""What people are told: the right sentence for each act, to the right person, and no more than needed."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from tests.case.builders import (
    ACCEPTED,
    ARCHIVED,
    BARRED,
    BEGAN,
    CHECKED,
    CLOSED,
    CONFIRMED,
    CORRECTED,
    COUNTY,
    DECLINED,
    ENDED_OTHERWISE,
    EXPLAINED,
    EXTENDED,
    FAILED,
    GRANTED,
    HEARD,
    ISSUED,
    LEG_ENDED,
    LEG_OPENED,
    LIFTED,
    NOT_OWNED,
    NOT_TAKEN,
    OFFERED,
    OWNED,
    PASSED,
    PLANNED,
    PROCEDURE_ENDED,
    RECALLED,
    REPAIRED,
    REPORTED,
    RETURNED,
    REVIEWED,
    REVOKED,
    RIGHTS_TOLD,
    SENT,
    SHEBAO,
    SIGNED,
    SUPPLEMENT,
    SURVEYED,
    SUSPENDED,
    TAKEN,
    UNSIGNED,
    URGENT,
    VIOLATION,
    WITHDRAWN,
    to,
    working_days,
)
from tests.notify.parts import OPENING, PERSON

from hallnet.case.context import REMEDY
from hallnet.case.event import (
    AcceptanceBasis,
    Decided,
    Declined,
    DeclineGround,
    Defect,
    Fact,
    HandOverDeclined,
    HandOverPurpose,
    NoticeGiven,
    Outcome,
)
from hallnet.case.fact import CheckResult
from hallnet.notify.wording import (
    Audience,
    Recipient,
    instalment_messages,
    messages,
    staff_message,
)
from hallnet.places import Address, divisions
from hallnet.wire.window.v1 import window_pb2 as wire_window

TO = Recipient(
    "330127-20261122-0001", "ABCD2345", "最低生活保障金给付", PERSON.name, PERSON.phone, ""
)
BEGINNING = "【杭州市余杭区】欧阳震华，您申请的“最低生活保障金给付”（330127-20261122-0001）"
NOTICE = NoticeGiven(
    "补正-1",
    (Defect("户口簿", "缺少", "补交复印件"), Defect("授权书", "未签字", "全体成年成员签字")),
)
REFUSED = Decided("决-2", Outcome.REFUSED, "收入超过标准", "社会救助暂行办法第九条", REMEDY, "")

SENTENCES: list[tuple[Fact, str]] = [
    (OPENING, "已收件。查询码ABCD2345，凭办件编号和查询码可随时查询进度。"),
    (
        NOTICE,
        "需要补正，现一次性告知全部内容（补正-1）：1. 户口簿：缺少，补交复印件；"
        "2. 授权书：未签字，全体成年成员签字。补齐后无需重新申请。",
    ),
    (SUPPLEMENT, "的补正材料已收到。"),
    (ACCEPTED, "已受理（A-1）。"),
    (DECLINED, "不予受理（D-1）：无需许可。"),
    (
        replace(DECLINED, ground=DeclineGround.WRONG_BODY, right_body="余杭区民政局"),
        "不予受理（D-1）：无需许可。请向余杭区民政局申请。",
    ),
    (REVIEWED, "已完成初审。"),
    (to(COUNTY, HandOverPurpose.REPORT_UP), "已上报杭州市余杭区。"),
    (to(Address("330127")), "已转交杭州市淳安县办理。"),
    (to(SHEBAO), "已转交杭州市余杭区分厅办理。"),
    (
        to(COUNTY, HandOverPurpose.RETURN),
        "的办理结果已回传杭州市余杭区，请等候领取通知。",
    ),
    (TAKEN, "已由本厅接收。"),
    (NOT_TAKEN, "未能由本厅接收（不是本厅的事项），由原大厅继续办理。"),
    (FAILED, "未能送达对方大厅，由本厅继续办理。"),
    (GRANTED, "已准予（J-1）。办理结果：某证。"),
    (
        REFUSED,
        "不予批准（决-2）。理由：收入超过标准；依据：社会救助暂行办法第九条。"
        "申请人不服的，可自收到决定之日起60日内申请行政复议，或6个月内提起行政诉讼。",
    ),
    (CLOSED, "已办结，结果已送达。请您评价本次服务。"),
    (WITHDRAWN, "已按您的请求撤回。"),
    (PASSED, "已通过预审，视为收件。"),
    (RETURNED, "未通过预审：1. 照片：缺少，补交。补齐后无需重新填写。"),
    (
        replace(
            ACCEPTED,
            basis=AcceptanceBasis.TOLERANT,
            gaps=("体检表",),
            gaps_limit=working_days(5),
        ),
        "已容缺受理（A-1）。请在5个工作日内补交：体检表。",
    ),
    (SIGNED, "已按告知承诺办理（C-1），相应证明无需提交。"),
    (UNSIGNED, "的承诺已撤回，按一般程序办理，请补交相应证明。"),
    (
        BEGAN,
        "需进行专家评审（P-1），所需时间10个工作日，不计入办理期限。原因：技术复杂。",
    ),
    (PROCEDURE_ENDED, "的特别程序已结束：通过。办理期限继续计算。"),
    (SURVEYED, "已完成现场核查。"),
    (EXTENDED, "办理期限延长10个工作日（E-1）。理由：情况复杂。"),
    (URGENT, "已列为特办件，优先办理。"),
    (SENT, "的原件（房产证）已装入封袋B-1寄往杭州市余杭区仓前街道。"),
    (CONFIRMED, "的封袋B-1已签收，完好。"),
    (ISSUED, "的某证（Z-1）已制发。"),
    (
        replace(CHECKED, result=CheckResult.TO_BE_PUT_RIGHT, findings="场地不足。"),
        "的承诺事项经核查需要整改：场地不足。",
    ),
    (REVOKED, "的决定已撤销（R-1）。理由：承诺不实；依据：某法第一条。可申请复议。"),
    (CORRECTED, "的“姓名”已由“章三”更正为“章叁”，办理结果不变，您无需再跑。"),
    (ENDED_OTHERWISE, "已终止办理（X-1）。理由：申请人死亡。可申请复议。"),
    (SUSPENDED, "的代办委托已中止。"),
    (RECALLED, "的不予批准决定已收回，重新审查，原决定书不再有效。原因：依据有误。"),
    (
        replace(CHECKED, result=CheckResult.BROKEN, findings="场地虚假。"),
        "的承诺事项经核查不属实：场地虚假。已记入信用记录，信用修复前不适用告知承诺和容缺受理。",
    ),
    (
        EXPLAINED,
        "未能在期限内办完，原因：等待其他部门，协办局回函迟。逾期已记录在案。",
    ),
    (
        RIGHTS_TOLD,
        "关系到吴九的重大利益（Q-1）：采光。作出决定前，申请人、利害关系人有权陈述和申辩。"
        "自被告知之日起五个工作日内可以要求听证，听证自要求之日起二十个工作日内组织，"
        "申请人、利害关系人不承担听证费用。",
    ),
    (HEARD, "已听取意见。"),
    (
        BARRED,
        "经认定存在隐瞒情况、提供虚假材料等不正当行为，依照行政许可法第七十八条给予警告，"
        "在2027-03-02之前（含当日）不得再次申请该行政许可。",
    ),
    (
        replace(BARRED, barred_until=None),
        "经认定存在隐瞒情况、提供虚假材料等不正当行为，依照行政许可法第七十八条给予警告。",
    ),
    (LIFTED, "的弄虚作假认定和申请限制已撤销，可以再次申请。原因：复核属实。"),
    (REPAIRED, "的失信记录已修复，可以重新适用告知承诺和容缺受理。"),
]
INSIDE: list[Fact] = [
    CHECKED,
    ARCHIVED,
    PLANNED,
    LEG_OPENED,
    LEG_ENDED,
    REPORTED,
    VIOLATION,
    to(COUNTY, HandOverPurpose.AFTER_CHECK),
    to(COUNTY, HandOverPurpose.REVIEW_AGAIN),
    OFFERED,
    OWNED,
    NOT_OWNED,
]
"""What people are not told of: it is the hall's own."""


def text(fact: Fact, author: Address = COUNTY) -> str:
    (message,) = messages(fact, author, TO, divisions())
    return message.text


@pytest.mark.parametrize(("fact", "sentence"), SENTENCES)
def test_each_act_is_told_in_its_own_sentence(fact: Fact, sentence: str) -> None:
    assert text(fact) == BEGINNING + sentence


def test_no_act_is_without_a_sentence() -> None:
    told = {type(fact) for fact, _ in SENTENCES}
    assert told | {type(fact) for fact in INSIDE} == set(get_args(Fact))


def test_what_is_the_halls_own_is_not_told_to_people() -> None:
    for fact in INSIDE:
        assert messages(fact, COUNTY, TO, divisions()) == []


def test_a_branch_hall_speaks_as_what_it_is() -> None:
    assert text(ACCEPTED, SHEBAO).startswith("【杭州市余杭区分厅】")


@pytest.mark.parametrize(
    ("fact", "sentence"),
    [
        (replace(GRANTED, result_name=""), "已准予（J-1）。"),
        (replace(DECLINED, explanation="无需许可。"), "不予受理（D-1）：无需许可。"),
        (
            replace(REFUSED, reasons="超过标准。", legal_basis="第九条。", remedy="可申请复议。"),
            "不予批准（决-2）。理由：超过标准；依据：第九条。可申请复议。",
        ),
        (
            replace(REFUSED, remedy=""),
            "不予批准（决-2）。理由：收入超过标准；依据：社会救助暂行办法第九条。",
        ),
        (
            HandOverDeclined("NOT_COMPETENT", "不是本厅的事项。"),
            "未能由本厅接收（不是本厅的事项），由原大厅继续办理。",
        ),
        (
            NoticeGiven("补正-1", (Defect("户口簿", "缺少。", "补交。"),)),
            "需要补正，现一次性告知全部内容（补正-1）：1. 户口簿：缺少，补交。补齐后无需重新申请。",
        ),
    ],
)
def test_what_a_clerk_typed_makes_whole_sentences(fact: Fact, sentence: str) -> None:
    assert text(fact) == BEGINNING + sentence


@pytest.mark.parametrize(("fact", "_sentence"), SENTENCES)
def test_a_sentence_ends_once(fact: Fact, _sentence: str) -> None:
    told = text(fact)
    assert told.endswith("。")
    assert "。。" not in told
    assert "：。" not in told


def test_the_applicant_is_told_at_the_phone_number_and_the_agent_at_the_account() -> None:
    told = messages(ACCEPTED, COUNTY, replace(TO, agent_id="agent-1"), divisions())
    assert [(item.audience, item.address) for item in told] == [
        (Audience.APPLICANT, PERSON.phone),
        (Audience.AGENT, "agent-1"),
    ]
    assert told[1].text == f"（代办）{told[0].text}"


@pytest.mark.parametrize(("fact", "_sentence"), SENTENCES)
def test_no_text_holds_a_number_a_phone_or_an_address(fact: Fact, _sentence: str) -> None:
    for secret in (PERSON.document_number, PERSON.phone, PERSON.address):
        assert secret not in text(fact)


def test_the_code_with_which_progress_is_looked_up_is_told_once() -> None:
    holding = [fact for fact, _ in SENTENCES if TO.query_code in text(fact)]
    assert holding == [OPENING]


def test_a_declined_case_is_declined_for_a_reason_that_is_told() -> None:
    fact = Declined("D-9", DeclineGround.WRONG_BODY, "不属于本机关职权范围", "淳安县民政局")
    assert text(fact).endswith("不予受理（D-9）：不属于本机关职权范围。请向淳安县民政局申请。")


@pytest.mark.parametrize(
    ("dunning", "when"),
    [
        (wire_window.DUNNING_SOON, "请于2026-12-01前缴纳。"),
        (wire_window.DUNNING_OVERDUE, "应于2026-12-01前缴纳，现已逾期，请尽快缴纳。"),
    ],
    ids=["soon", "overdue"],
)
def test_an_instalment_names_its_number_amount_and_day(
    dunning: wire_window.Dunning.ValueType, when: str
) -> None:
    part = wire_window.Instalment(amount_fen=100_005, due_on="2026-12-01")
    reminder = wire_window.InstalmentReminder(
        hall="330127", number=2, of=3, instalment=part, dunning=dunning
    )
    (message,) = instalment_messages(reminder, TO, divisions())
    assert message.audience is Audience.APPLICANT
    assert f"的费用分3期缴纳，第2期1000.05元{when}" in message.text


# Staff


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("case.set_aside", "收到无法采信的办件信息，已留存待核（原因）。请联系发出大厅。"),
        ("case.undelivered", "一封办件信封未能送达（原因）。请查看办件并联系对方大厅。"),
        ("case.request_refused", "申请人的请求未被办理大厅接受（原因）。请告知申请人。"),
        (
            "incident.recorded",
            "安全事件：拒收一封不真实的信封（原因）。证据已留存，请向上级报告。",
        ),
        ("window.uncovered", "预约窗口无人值守（原因）。请立即安排接班人员。"),
        ("window.instalment", "分期付款需要催交（原因）。请联系缴款人。"),
        ("window.refund", "办件终结且没有办理结果，已收费用应退还（原因）。请办理退费。"),
        ("window.overdue", "一项回应已超期（原因）。请立即办理。"),
        (
            "case.looks_alike",
            "另一大厅有同一人同一事项的办件（原因）。请打开办件核对，系统不会自动处理。",
        ),
        (
            "matter.too_many",
            "下级大厅（原因）今天报来的办件与其他大厅相同的异常多，超出部分未再告知。请核实该大厅是否如实报送。",
        ),
        ("paper.wanted", "其他大厅申请调取材料（原因）。请在“调取材料”中办理。"),
        ("paper.answer_came", "调取材料的申请有答复（原因）。请在“调取材料”中查看。"),
        (
            "paper.undelivered",
            "调取材料的申请或答复未能送达（原因）。请在“调取材料”中重新发送，或联系对方大厅。",
        ),
        ("release.refused", "拒收一项不可信的发布（原因）。请向上级报告。"),
    ],
)
def test_staff_are_told_of_what_needs_a_person(kind: str, sentence: str) -> None:
    message = staff_message(kind, "原因")
    assert message is not None
    assert (message.audience, message.text) == (Audience.STAFF, sentence)


@pytest.mark.parametrize(
    "kind",
    [
        "release.in_force",
        "release.passed_on",
        "release.outdated",
        "certificates.told",
        "child.enrolled",
        "message.received",
        "delivery.ended",
        "attachment.arrived",
        "mandate.registered",
        "case.request_declined",
        "",
    ],
)
def test_what_concerns_nobody_is_told_to_nobody(kind: str) -> None:
    assert staff_message(kind, "原因") is None
