"""What people ask about the data that the hall keeps of them (个人信息保护法 articles 45 to 47 and 50)."""

from __future__ import annotations

from google.protobuf.json_format import MessageToJson
from starlette.responses import Response

from hallnet.case.person import PERSONAL_DOCUMENTS, RESIDENT_IDENTITY_CARD, masked
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
    file_of,
    listed,
    name_of,
    staff,
)
from hallnet.window.personal_request import (
    GROUND_NAMES,
    GROUNDS,
    RIGHT_NAMES,
    STATE_NAMES,
    PersonalRequestState,
    PersonalRight,
)
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.window.v1 import personal_pb2 as wire_personal
from hallnet.wire.window.v1 import window_service_pb2 as wire


async def _open(doing: Doing) -> str:
    text = doing.text
    answer = await doing.visit.desk.window.OpenPersonalRequest(
        wire.OpenPersonalRequestRequest(
            act=doing.act,
            right=wire_personal.PersonalRight.ValueType(doing.form.number("right")),
            person=wire_person.Person(
                name=text("person.name"),
                document_kind=text("person.document_kind"),
                document_number=text("person.document_number").upper(),
                phone=text("person.phone"),
            ),
            identity_shown=text("identity_shown"),
            representative=text("representative"),
            authority=text("authority"),
            about=text("about"),
            words=text("words"),
            owner=text("owner"),
        )
    )
    return f"已登记，须在{answer.request.due_on}前答复。"


async def _copy(doing: Doing) -> wire.MakePersonalCopyResponse:
    request = wire.MakePersonalCopyRequest(act=doing.act, request_no=doing.of)
    return await doing.visit.desk.window.MakePersonalCopy(request)


async def _to_read(doing: Doing) -> Response:
    # A byte order mark, so that every editor reads the Chinese in it.
    return file_of("个人信息副本.txt", "text/plain", "\ufeff" + (await _copy(doing)).text)


async def _for_programs(doing: Doing) -> Response:
    made = (await _copy(doing)).copy
    text = MessageToJson(made, preserving_proto_field_name=True, ensure_ascii=False)
    return file_of("个人信息副本.json", "application/json", text)


async def _grant(doing: Doing) -> None:
    await _step(doing, wire.PERSONAL_STEP_GRANT)


async def _refuse(doing: Doing) -> None:
    await _step(doing, wire.PERSONAL_STEP_REFUSE)


async def _step(doing: Doing, step: wire.PersonalStep.ValueType) -> None:
    request = wire.StepPersonalRequestRequest(
        act=doing.act,
        request_no=doing.of,
        step=step,
        ground=wire_personal.PersonalGround.ValueType(doing.form.number("ground")),
        answer=doing.text("answer"),
    )
    await doing.visit.desk.window.StepPersonalRequest(request)


_OPEN = Deed(
    "open",
    "登记请求",
    "",
    _open,
    (
        Input("right", "请求", "choice", {int(one): name for one, name in RIGHT_NAMES.items()}),
        Input("person.name", "姓名"),
        Input(
            "person.document_kind",
            "证件",
            "select",
            options=PERSONAL_DOCUMENTS,
            default=RESIDENT_IDENTITY_CARD,
        ),
        Input("person.document_number", "证件号码"),
        Input("person.phone", "电话", "tel", required=False),
        Input("identity_shown", "已核验的证件", hint="例如：居民身份证原件"),
        Input("representative", "代为提出的人", required=False),
        Input("authority", "代为提出的依据", hint="例如：监护人，户口簿", required=False),
        Input(
            "about",
            "所涉办件、预约或咨询的编号",
            hint="查阅、复制全部信息的不填",
            required=False,
        ),
        Input("words", "请求的内容和理由", "area", required=False),
        Input("owner", "承办人", "select", hint="不选即由您承办", required=False),
    ),
)
_TO_READ = Deed("copy", "下载副本（供本人阅读）", "", _to_read, gives_file=True)
_FOR_PROGRAMS = Deed("data", "下载副本（机器可读）", "", _for_programs, gives_file=True)
_GRANT = Deed(
    "grant",
    "答复：已办理",
    "已答复。",
    _grant,
    (Input("answer", "办理内容", "area"),),
    explanation="副本须先制作；更正须先在办件中办理；删除在答复时执行，不能恢复。",
)
_REFUSE = Deed(
    "refuse",
    "答复：不予办理",
    "已答复，并已写明救济途径。",
    _refuse,
    (
        Input(
            "ground", "法定理由", "choice", {int(one): text for one, text in GROUND_NAMES.items()}
        ),
        Input("answer", "说明", "area"),
    ),
    danger=True,
)
_COLUMNS = ("请求", "本人", "所涉", "内容", "承办人", "状态", "期限", "答复")


async def board(visit: Visit) -> Board:
    """What waits, the one due first at the top; then what was answered."""
    names = await staff(visit)
    waiting = await listed(visit, wire.RECORD_KIND_PERSONAL, waiting=True)
    every = await listed(visit, wire.RECORD_KIND_PERSONAL)
    answered = [
        one for one in every if one.personal.state != wire_personal.PERSONAL_REQUEST_STATE_OPEN
    ]
    return Board(
        "个人信息请求",
        (
            Section(
                "待办",
                _COLUMNS,
                [_row(one, names, visit.account.actor_id) for one in waiting],
                [Offer(_OPEN, inputs=choosing(_OPEN.inputs, {"owner": names}))],
                nothing="没有待办的请求。",
                note="查阅、复制、更正、补充、删除（个人信息保护法第四十五条至第四十七条）；制作副本记入查阅记录。",
                folded=True,
            ),
            Section("已答复", _COLUMNS, [_row(one, names) for one in answered]),
        ),
    )


def _row(one: wire.WindowRecord, names: dict[str, str], me: str = "") -> Row:
    asked = one.personal
    ground = GROUND_NAMES.get(asked.ground, "") if asked.ground else ""  # type: ignore[call-overload]
    answer = "。".join(filter(None, (asked.answer, ground, asked.remedy)))
    return Row(
        (
            Cell(RIGHT_NAMES[PersonalRight(asked.right)]),
            Cell(masked(asked.person.name)),
            Cell(asked.about or "—"),
            Cell(asked.words or "—"),
            Cell(name_of(names, asked.owner)),
            Cell(STATE_NAMES[PersonalRequestState(asked.state)]),
            Cell(asked.due_on, "bad" if one.overdue else ""),
            Cell(answer or "—"),
        ),
        _offers(asked) if asked.owner == me else [],
        "alarm-bad" if one.overdue else "",
    )


def _offers(asked: wire_personal.PersonalRequest) -> list[Offer]:
    right = PersonalRight(asked.right)
    grounds = {int(one): GROUND_NAMES[one] for one in sorted(GROUNDS[right])}
    refusal = (Input("ground", "法定理由", "choice", grounds), _REFUSE.inputs[1])
    answers = [Offer(_GRANT, asked.request_no), Offer(_REFUSE, asked.request_no, refusal)]
    if right is not PersonalRight.COPY:
        return answers
    return [Offer(_TO_READ, asked.request_no), Offer(_FOR_PROGRAMS, asked.request_no), *answers]


PAGE = Page("personal", "个人信息", board, (_OPEN, _TO_READ, _FOR_PROGRAMS, _GRANT, _REFUSE))
