"""What is done about papers that another hall has: each with its form."""

from __future__ import annotations

from hallnet.case.power import Power
from hallnet.places import Address
from hallnet.portal.inputs import Input
from hallnet.portal.site import Visit
from hallnet.portal.window.board import Ask, Deed, Doing
from hallnet.window.paper_request import GROUND_NAMES, PaperGround
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper
from hallnet.wire.window.v1 import window_service_pb2 as wire

_PAPER = "提供的材料"
_VERIFIES = frozenset({Power.VERIFY})
_GROUNDS = {
    int(ground): name for ground, name in GROUND_NAMES.items() if ground is not PaperGround.TOO_MANY
}


async def asked_for(visit: Visit, case_id: str) -> list[wire.ListedPaperRequest]:
    request = wire.ListPaperRequestsRequest(act=looks(visit), case_id=case_id)
    return list((await visit.desk.window.ListPaperRequests(request)).requests)


def looks(visit: Visit) -> wire_intake.Act:
    return wire_intake.Act(actor_id=visit.account.actor_id)


async def _ask(doing: Doing) -> str:
    text = doing.text
    answer = await doing.visit.desk.window.AskForPaper(
        wire.AskForPaperRequest(
            act=doing.act,
            case_id=doing.of,
            hall=_hall_named(doing.visit, text("hall")),
            paper=text("paper"),
            basis=text("basis"),
            purpose=text("purpose"),
            used_until=text("used_until"),
        )
    )
    name = doing.visit.site.halls.name(answer.request.asked)
    return f"已向{name}申请，对方应在{answer.request.due_on}前答复；申请人将收到通知。"


async def _take(doing: Doing) -> None:
    """The paper comes into the case, as the intake has it."""
    case_id, _, request_no = doing.of.partition(" ")
    named = {
        one.request.request_no: one.request.paper for one in await asked_for(doing.visit, case_id)
    }
    paper = wire_person.Material(name=named.get(request_no, ""), taken_from=request_no)
    supplement = wire_command.Supplement(materials=[paper])
    await doing.visit.desk.intake.ActOnCase(
        wire_intake.ActOnCaseRequest(
            act=doing.act,
            case_id=case_id,
            command=wire_command.CaseCommand(supplement=supplement),
            summary_only=True,
        )
    )


def _stepping(step: wire.PaperStep.ValueType) -> Ask:
    async def ask(doing: Doing) -> None:
        await _step(doing, doing.of, step)

    return ask


async def _supply_from_case(doing: Doing) -> None:
    request_no, _, case_no = doing.of.partition(" ")
    await _step(doing, request_no, wire.PAPER_STEP_SUPPLY, from_case=case_no)


async def _supply_from_archive(doing: Doing) -> None:
    paper = next(iter(doing.handed.materials()), None)
    await _step(doing, doing.of, wire.PAPER_STEP_SUPPLY, paper=paper)


async def _step(
    doing: Doing,
    request_no: str,
    step: wire.PaperStep.ValueType,
    from_case: str = "",
    paper: wire_person.Material | None = None,
) -> None:
    await doing.visit.desk.window.StepPaperRequest(
        wire.StepPaperRequestRequest(
            act=doing.act,
            request_no=request_no,
            step=step,
            words=doing.text("words"),
            ground=wire_paper.PaperGround.ValueType(doing.form.number("ground")),
            days=doing.form.number("days"),
            from_case=from_case,
            material=paper,
            source=doing.text("source"),
        )
    )


def _hall_named(visit: Visit, text: str) -> str:
    """Address of a hall that was typed as code, as name, or as the address of a branch hall; raises
    AddressMalformed, DivisionUnknown."""
    if "-" in text:
        return str(Address.parse(text.split()[0], "hall"))
    return visit.site.halls.division(text, "hall")


# The forms


ASK = Deed(
    "ask",
    "申请调取",
    "",
    _ask,
    (
        Input("paper", "材料", "select"),
        Input("hall", "向哪个大厅", hint="区划代码，或县（市、区）名称；分厅填地址"),
        Input("basis", "使用依据", "area", hint="法律、法规、规章或者国务院决定的条款"),
        Input("purpose", "使用用途"),
        Input("used_until", "使用期限至", "date"),
    ),
    _VERIFIES,
    "只能用于办理本件，不得提供给第三方（政务数据共享条例第二十五条）。申请人将收到通知。",
)
TAKE = Deed("take", "并入办件", "材料已并入办件。", _take, powers=_VERIFIES)
COMPLETE = Deed(
    "complete",
    "补充申请",
    "已补充，对方重新计算答复期限。",
    _stepping(wire.PAPER_STEP_COMPLETE),
    (Input("words", "补充的内容", "area"),),
    _VERIFIES,
)
DOUBT = Deed(
    "doubt",
    "申请校核",
    "已申请校核；答复之前不能使用。",
    _stepping(wire.PAPER_STEP_DOUBT),
    (Input("words", "错误之处和依据", "area"),),
    _VERIFIES,
    "对方应在十个工作日内校核并答复（第二十六条）。",
)
WITHDRAW = Deed(
    "withdraw", "撤回", "已撤回。", _stepping(wire.PAPER_STEP_WITHDRAW), powers=_VERIFIES
)
SEND_AGAIN = Deed(
    "again", "重新发送", "已重新发送。", _stepping(wire.PAPER_STEP_SEND_AGAIN), powers=_VERIFIES
)
SUPPLY = Deed("supply", "提供此份", "已提供。", _supply_from_case, powers=_VERIFIES)
SUPPLY_FROM_ARCHIVE = Deed(
    "archive",
    "提供档案中的材料",
    "已提供。",
    _supply_from_archive,
    (
        Input(_PAPER, "扫描件", "file"),
        Input("source", "来源", hint="档案名称和编号"),
        Input("words", "使用须知", "area", required=False),
    ),
    _VERIFIES,
)
CONFIRM = Deed(
    "confirm",
    "校核无误",
    "已答复。",
    _stepping(wire.PAPER_STEP_CONFIRM),
    (Input("words", "校核的结果和依据", "area"),),
    _VERIFIES,
)
AGREE = Deed(
    "agree",
    "同意，稍后提供",
    "已答复同意，须在期限内提供。",
    _stepping(wire.PAPER_STEP_AGREE),
    (Input("words", "使用须知", "area", required=False),),
    _VERIFIES,
    "须自答复之日起二十个工作日内提供（第二十二条）。",
)
LACKING = Deed(
    "lacking",
    "一次性告知补充",
    "已告知，补充后重新计算答复期限。",
    _stepping(wire.PAPER_STEP_TELL_LACKING),
    (Input("words", "需要补充的全部内容", "area"),),
    _VERIFIES,
    "只能告知一次（第二十一条）。",
)
EXTEND = Deed(
    "extend",
    "延长答复期限",
    "已延长并告知申请方。",
    _stepping(wire.PAPER_STEP_EXTEND),
    (
        Input("days", "延长几个工作日", "number", hint="最多十个工作日，只能延长一次"),
        Input("words", "理由和同意延长的政务数据共享主管部门", "area"),
    ),
    _VERIFIES,
)
REFUSE = Deed(
    "refuse",
    "不予提供",
    "已答复，并已写明异议途径。",
    _stepping(wire.PAPER_STEP_REFUSE),
    (Input("ground", "情形", "choice", _GROUNDS), Input("words", "依据和理由", "area")),
    _VERIFIES,
    danger=True,
)
