"""Mandates of agents: who acts for whom, in what, until when; suspended, resumed and revoked from here."""

from __future__ import annotations

from hallnet.case.power import Power
from hallnet.portal.inputs import Input
from hallnet.portal.site import Audience, Visit
from hallnet.portal.window.board import (
    ROWS,
    Ask,
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    asked,
)
from hallnet.portal.wording import EVIDENCE_KINDS, MANDATE_ACTS
from hallnet.wire.case.v1 import fact_pb2 as wire_fact
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_STATES = {
    int(wire.MANDATE_STATE_STANDS): ("有效", "done"),
    int(wire.MANDATE_STATE_NOT_YET): ("未生效", "plain"),
    int(wire.MANDATE_STATE_EXPIRED): ("已到期", "plain"),
    int(wire.MANDATE_STATE_SUSPENDED): ("已中止", "wait"),
    int(wire.MANDATE_STATE_REVOKED): ("已终止", "bad"),
}
_FLAGS = {
    int(wire.AGENT_FLAG_KIND_SHARED_EVIDENCE): "同一份凭证用于多名委托人",
    int(wire.AGENT_FLAG_KIND_SHARED_PHONE): "多名委托人留同一个电话",
    int(wire.AGENT_FLAG_KIND_MANY_A_DAY): "一天之内委托特别多",
    int(wire.AGENT_FLAG_KIND_ALSO_DECIDES): "代办员与有审批权的工作人员为同一人",
    int(wire.AGENT_FLAG_KIND_OWN_CLIENT): "委托人与代办员为同一人",
    int(wire.AGENT_FLAG_KIND_CLIENT_DECIDES): "委托人与有审批权的工作人员为同一人",
}

_BY_NAME = "（仅姓名相同，证件未登记，可能是重名）"


async def _find(doing: Doing) -> str:
    """The client's number stays out of the address: the page is shown at once."""
    return f"证件号码尾号{doing.text('client')[-4:]}的委托如下。"


def _changed(change: wire_fact.MandateChange.ValueType) -> Ask:
    async def ask(doing: Doing) -> str:
        answer = await doing.visit.desk.intake.ChangeMandate(
            wire.ChangeMandateRequest(
                act=doing.act, mandate_id=doing.of, change=change, reason=doing.text("reason")
            )
        )
        state = _STATES[answer.mandate.state][0]
        told = f"委托{state}；已记入{answer.entered}件在办件"
        if answer.passed_on:
            told += f"，{answer.passed_on}件已转送办理大厅"
        if answer.left:
            told += f"；以下办件暂时不能记入，请稍后在办件页办理：{'、'.join(answer.left)}"
        return f"{told}。"

    return ask


_REASON = (Input("reason", "原因（委托人的意愿）", "area"),)
_FIND = Deed("find", "按委托人查找", "", _find, (Input("client", "委托人证件号码"),))
_SUSPEND = Deed(
    "suspend",
    "中止",
    "",
    _changed(wire_fact.MANDATE_CHANGE_SUSPENDED),
    _REASON,
    frozenset({Power.RECEIVE}),
)
_RESUME = Deed(
    "resume",
    "续办",
    "",
    _changed(wire_fact.MANDATE_CHANGE_RESUMED),
    _REASON,
    frozenset({Power.RECEIVE}),
)
_REVOKE = Deed(
    "revoke",
    "终止",
    "",
    _changed(wire_fact.MANDATE_CHANGE_REVOKED),
    _REASON,
    frozenset({Power.RECEIVE}),
    danger=True,
)
_DEEDS = {
    int(wire.MANDATE_STATE_STANDS): (_SUSPEND, _REVOKE),
    int(wire.MANDATE_STATE_NOT_YET): (_SUSPEND, _REVOKE),
    int(wire.MANDATE_STATE_SUSPENDED): (_RESUME, _REVOKE),
}


async def board(visit: Visit) -> Board:
    """The mandates that end last first; to who supervises also what is unusual, which is recorded."""
    agent = asked(visit, "agent")
    found = await visit.desk.intake.ListMandates(
        wire.ListMandatesRequest(
            actor_id=visit.account.actor_id,
            agent_id=agent,
            client_document=visit.form.text("client"),
            page_size=ROWS,
            page_token=visit.query("page"),
        )
    )
    sections = [
        Section(
            "委托",
            ("委托人", "代办员", "事项", "权限", "期限", "凭证", "状态"),
            [_row(one) for one in found.mandates],
            [Offer(_FIND)],
            nothing="没有委托。请核对代办员账号或委托人证件号码。",
            note=f"只列出前{ROWS}份，请按代办员或委托人查找。" if found.next_page_token else "",
            folded=True,
        )
    ]
    if Power.SUPERVISE in visit.account.powers:
        sections.append(await _unusual(visit))
    if visit.account.is_agent:
        return Board("我的委托", sections, "委托的中止、续办和终止由委托人提出，到窗口办理。")
    return Board(
        "代办委托",
        sections,
        "中止、续办和终止对这份委托下的全部办件和以后的申请都有效，委托人会逐件收到通知。",
        filters=(Input("agent", "代办员账号", "search", default=agent),),
    )


def _row(one: wire.MandateView) -> Row:
    return Row(
        (
            Cell(one.client),
            Cell(f"{one.agent_name}（{one.agent_id}）"),
            Cell("、".join(one.items)),
            Cell("、".join(MANDATE_ACTS[act] for act in one.acts)),
            Cell(f"{one.valid_from} 至 {one.valid_until}"),
            Cell(EVIDENCE_KINDS[one.evidence_kind]),
            Cell(*_STATES[one.state]),
        ),
        [Offer(deed, one.mandate_id) for deed in _DEEDS.get(one.state, ())],
    )


async def _unusual(visit: Visit) -> Section:
    found = await visit.desk.intake.ListAgentFlags(
        wire.ListAgentFlagsRequest(actor_id=visit.account.actor_id)
    )
    return Section(
        "需要核实",
        ("代办员", "情形", "涉及", "委托编号"),
        [
            Row(
                (
                    Cell(
                        f"{one.agent_name}（{one.agent_id}）",
                        at=f"/window/mandates?agent={one.agent_id}",
                    ),
                    Cell(_FLAGS[one.kind] + (_BY_NAME if one.by_name else ""), "wait"),
                    Cell(str(one.count)),
                    Cell("、".join(one.mandate_ids)),
                )
            )
            for one in found.flags
        ],
        nothing="没有需要核实的情形。",
        note="这里只提示需要核实的情形，不是结论。"
        + ("委托较多，只看了最近的一部分。" if found.is_cut else ""),
    )


PAGE = Page(
    "mandates",
    "委托",
    board,
    (_FIND, _SUSPEND, _RESUME, _REVOKE),
    Audience.SIGNED_IN,
    kept=("agent",),
)
