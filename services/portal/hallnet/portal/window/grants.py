"""Powers: who was given what, for what and until when, and what nobody at the hall may do."""

from __future__ import annotations

from hallnet.case.case import day_of
from hallnet.case.grant import STATE_NAMES, GrantState
from hallnet.case.kind import POWER_OF_KIND
from hallnet.case.power import NAMES, Power
from hallnet.portal.inputs import Input, choosing
from hallnet.portal.site import Visit
from hallnet.portal.window.board import (
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    asked,
    staff,
)
from hallnet.portal.window.parsing import day_or
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

ROWS_MAX = 500
_HOLDS, _ALL = "holds", "all"
_TONES = {
    GrantState.HOLDS: "done",
    GrantState.NOT_YET: "wait",
    GrantState.EXPIRED: "bad",
    GrantState.REVOKED: "ended",
}


async def _give(doing: Doing) -> None:
    text = doing.text
    wanted = wire.PowerGrant(
        power=wire.Power.ValueType(doing.form.number("power")),
        department=text("department"),
        window_id=text("window_id"),
        kind=text("kind"),
        item_ids=text("items").split(),
        valid_from=text("first"),
        valid_until=text("last"),
    )
    await doing.visit.desk.intake.GrantPower(
        wire.GrantPowerRequest(act=doing.act, actor_id=text("to"), grant=wanted)
    )


async def _revoke(doing: Doing) -> None:
    number, _, actor_id = doing.of.partition(" ")
    await doing.visit.desk.intake.RevokePower(
        wire.RevokePowerRequest(
            act=doing.act,
            actor_id=actor_id,
            number=int(number) if number.isdecimal() else 0,
            reason=doing.text("reason"),
        )
    )


_GIVE = Deed(
    "give",
    "授权",
    "已授权。",
    _give,
    (
        Input("to", "给谁", "select"),
        Input(
            "power",
            "权力",
            "select",
            options={str(int(one)): name for one, name in NAMES.items() if one is not Power.HEAD},
        ),
        Input("first", "从", "date", required=False),
        Input("last", "到（最后一天）", "date", required=False),
        Input("items", "只限事项（编码，空格隔开）", required=False),
        Input(
            "kind",
            "只限办件类型",
            "select",
            options={name: name for name in POWER_OF_KIND},
            required=False,
        ),
        Input("window_id", "只限在轮值窗口值岗时（窗口名称）", required=False),
        Input(
            "department",
            "部门（只办该部门的事项和联办环节）",
            hint="按事项目录中的部门名称或统一社会信用代码填写，空为不限",
            required=False,
        ),
    ),
    powers=frozenset({Power.HEAD}),
)
_REVOKE = Deed(
    "revoke",
    "收回",
    "授权已收回，立即生效。",
    _revoke,
    (Input("reason", "理由"),),
    powers=frozenset({Power.HEAD}),
    danger=True,
)


async def board(visit: Visit) -> Board:
    """The powers that hold, or all that were ever given, and the gaps of a day."""
    shown = asked(visit, "show") or _HOLDS
    on_day = day_or(asked(visit, "day"), day_of(visit.now)).isoformat()
    actor_id = visit.account.actor_id
    state = wire.GRANT_STATE_UNSPECIFIED if shown == _ALL else wire.GRANT_STATE_HOLDS
    given = await visit.desk.intake.ListGrants(
        wire.ListGrantsRequest(actor_id=actor_id, state=state)
    )
    missing = await visit.desk.intake.ListPowerGaps(
        wire.ListPowerGapsRequest(actor_id=actor_id, on_day=on_day)
    )
    names = await staff(visit)
    inputs = choosing(_GIVE.inputs, {"to": names})
    gaps = Section(
        f"{on_day}无人有权办理的",
        ("事项", "类型", "缺少的权力"),
        [
            Row((Cell(gap.item_name), Cell(gap.kind), Cell(NAMES[Power(gap.power)], "bad")))
            for gap in missing.gaps[:ROWS_MAX]
        ],
        nothing="每个事项的每种办件都有人有权办理。",
    )
    grants = Section(
        "授权",
        ("姓名", "权力", "范围", "期限", "授予人", "状态"),
        [_row(one) for one in given.grants[:ROWS_MAX]],
        [Offer(_GIVE, inputs=tuple(inputs))],
        nothing="没有授权。",
        folded=True,
    )
    which = {_HOLDS: "有效的", _ALL: "全部"}
    return Board(
        "授权",
        [gaps, grants],
        "每次办理时按当时的授权核对；到期或收回后即不能办理。",
        filters=(
            Input("show", "列出", "select", options=which, default=shown),
            Input("day", "空缺按哪一天", "date", default=on_day, required=False),
        ),
    )


def _row(one: wire.HeldGrant) -> Row:
    given, state = one.grant, GrantState(one.state)
    scope = "；".join(
        part
        for part in (
            given.kind,
            "、".join(given.item_ids),
            given.window_id and f"在{given.window_id}值岗时",
            given.department,
        )
        if part
    )
    term = f"{given.valid_from or '—'}至{given.valid_until or '长期'}"
    may_go = state in (GrantState.HOLDS, GrantState.NOT_YET) and given.power != wire.POWER_HEAD
    return Row(
        (
            Cell(one.name),
            Cell(NAMES[Power(given.power)]),
            Cell(scope or "不限"),
            Cell(term),
            Cell(given.given_by),
            Cell(STATE_NAMES[state], _TONES[state]),
        ),
        [Offer(_REVOKE, f"{given.number} {one.actor_id}")] if may_go else [],
    )


PAGE = Page("grants", "授权", board, (_GIVE, _REVOKE), kept=("show", "day"))
