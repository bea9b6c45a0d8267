"""Devices that work offline, and what came from them and was not done: shut out, released or discarded from here."""

from __future__ import annotations

import json
from typing import Any

from hallnet.codec.moments import from_timestamp
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
)
from hallnet.portal.wording import moment
from hallnet.wire.device.v1 import device_pb2 as wire_device
from hallnet.wire.device.v1 import device_service_pb2 as wire

_STATES = {
    int(wire_device.ITEM_STATE_DONE): ("已办", "done"),
    int(wire_device.ITEM_STATE_REFUSED): ("未办", "bad"),
    int(wire_device.ITEM_STATE_CONFLICT): ("有冲突", "bad"),
    int(wire_device.ITEM_STATE_QUARANTINED): ("已留存，待处理", "wait"),
    int(wire_device.ITEM_STATE_DISCARDED): ("已作废", "plain"),
}
_TO_SETTLE = (
    wire_device.ITEM_STATE_REFUSED,
    wire_device.ITEM_STATE_CONFLICT,
    wire_device.ITEM_STATE_QUARANTINED,
)
SHOWN_CHARACTERS_MAX = 200


async def _shut_out(doing: Doing) -> None:
    await doing.visit.desk.device.ShutOutDevice(
        wire.ShutOutDeviceRequest(act=doing.act, device_id=doing.of, reason=doing.text("reason"))
    )


def _settled(discard: bool) -> Ask:
    async def ask(doing: Doing) -> str:
        account, _, client_id = doing.of.partition(" ")
        answer = await doing.visit.desk.device.SettleItem(
            wire.SettleItemRequest(
                act=doing.act,
                account=account,
                client_id=client_id,
                discard=discard,
                reason=doing.text("reason"),
            )
        )
        return f"该事务现为“{_STATES[answer.result.state][0]}”。"

    return ask


_SHUT_OUT = Deed(
    "shut-out",
    "停用",
    "设备已停用，本机内容的密钥已销毁。",
    _shut_out,
    (Input("reason", "原因（例如遗失）", "area"),),
    explanation="停用立即生效，不能恢复；设备上尚未发送的内容任何人都不能再读取。",
    danger=True,
)
_RELEASE = Deed(
    "release",
    "放行",
    "",
    _settled(False),
    (Input("reason", "核实情况", "area"),),
    explanation="按原内容、以填制人的名义立即办理；仍不符合规定的会再次说明原因。",
)
_DISCARD = Deed(
    "discard", "作废", "", _settled(True), (Input("reason", "作废原因", "area"),), danger=True
)


async def board(visit: Visit) -> Board:
    """An account sees its own; who supervises sees all, and each look at another's item is recorded."""
    actor = visit.account.actor_id
    devices = await visit.desk.device.ListDevices(
        wire.ListDevicesRequest(actor_id=actor, page_size=ROWS)
    )
    items = await visit.desk.device.ListKeptItems(
        wire.ListKeptItemsRequest(actor_id=actor, states=_TO_SETTLE, page_size=ROWS)
    )
    return Board(
        "离线设备",
        [
            Section(
                "待处理的事务",
                ("来自", "时间", "内容", "状态", "原因"),
                [_item_row(one) for one in items.items],
                nothing="没有待处理的事务。",
                note=f"只列出最早的{ROWS}项。" if items.next_page_token else "",
                folded=True,
            ),
            Section(
                "设备",
                ("名称", "登记人", "使用账号", "最近联系", "状态"),
                [_device_row(one) for one in devices.devices],
                nothing="没有登记的设备。代办员在“离线收件”页面登记。",
                note=f"只列出最近的{ROWS}台。" if devices.next_page_token else "",
                folded=True,
            ),
        ],
        "设备丢失时请立即停用：从那一刻起它不能再发送或取得任何内容，在它上面的登录也随之结束。",
    )


def _device_row(one: wire_device.Device) -> Row:
    out = bool(one.shut_out_by)
    state = (
        Cell(f"已停用（{one.shut_out_by}：{one.reason}）", "bad") if out else Cell("在用", "done")
    )
    return Row(
        (
            Cell(one.name),
            Cell(one.enrolled_by),
            Cell("、".join(one.accounts)),
            Cell(moment(from_timestamp(one.seen_at))),
            state,
        ),
        [] if out else [Offer(_SHUT_OUT, one.device_id)],
    )


def _item_row(one: wire_device.KeptItem) -> Row:
    of = f"{one.account} {one.result.client_id}"
    return Row(
        (
            Cell(one.account),
            Cell(moment(from_timestamp(one.came_at))),
            Cell(_in_words(one)),
            Cell(*_STATES[one.result.state]),
            Cell(one.result.problem.chinese),
        ),
        [Offer(_RELEASE, of), Offer(_DISCARD, of)],
    )


def _in_words(one: wire_device.KeptItem) -> str:
    """What an item wants; of one that cannot be read how it begins."""
    text = one.body.decode(errors="replace")
    try:
        wanted = json.loads(text)
        return _described(wanted, one.result.case_no)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return text[:SHOWN_CHARACTERS_MAX]


def _described(wanted: dict[str, Any], case_no: str) -> str:
    if "mandate" in wanted:
        client = str(wanted["mandate"]["client"]["name"])
        return f"登记委托：{client[:1]}**"
    if "application" in wanted:
        filing = wanted["application"]["filing"]
        applicant, item = str(filing["applicant"]["name"]), str(filing["itemId"])
        return f"申请：{applicant[:1]}**，{item[:SHOWN_CHARACTERS_MAX]}"
    act = wanted["caseAct"]
    which = case_no or str(act.get("caseId", "")) or "同机申请的办件"
    return f"办件{which[:64]}：{'、'.join(act['command'])[:SHOWN_CHARACTERS_MAX]}"


PAGE = Page("devices", "离线设备", board, (_SHUT_OUT, _RELEASE, _DISCARD), Audience.SIGNED_IN)
