"""Papers that another hall has: asked for a case of this hall, and asked of this hall (政务数据共享条例 articles 19 to 22).

The page shows what waits; with a case what was asked for it and the form to ask; with a request of another hall
what this hall has of the paper, and the answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from hallnet.case.case import day_of
from hallnet.case.item import ITEM, RequiredMaterial
from hallnet.case.person import DOCUMENT_KINDS, masked
from hallnet.case.reuse import may_be_taken_again
from hallnet.codec.moments import from_timestamp
from hallnet.portal import wording
from hallnet.portal.inputs import Input, choosing
from hallnet.portal.site import Visit
from hallnet.portal.window import paper_deeds
from hallnet.portal.window.board import (
    Board,
    Cell,
    Offer,
    Page,
    Row,
    Section,
    asked,
    case_cell,
    listed,
)
from hallnet.portal.window.cases import case_id_of
from hallnet.window.paper_request import (
    GROUND_NAMES,
    STATE_NAMES,
    PaperGround,
    PaperRequestState,
)
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper
from hallnet.wire.window.v1 import window_service_pb2 as wire

_PURPOSE = "调取材料"
_USED_FOR = timedelta(days=60)
_TO_BE_ANSWERED = frozenset(
    {PaperRequestState.OPEN, PaperRequestState.AGREED, PaperRequestState.DOUBTED}
)
_CLOSED = {
    PaperRequestState.SUPPLIED: "good",
    PaperRequestState.REFUSED: "bad",
    PaperRequestState.UNDELIVERED: "bad",
}


async def board(visit: Visit) -> Board:
    """What waits at this hall; or one request of another hall, or what was asked for a case."""
    number, request_no = asked(visit, "case"), asked(visit, "request")
    if request_no:
        return Board("调取材料", await _one_wanted(visit, request_no))
    if number:
        return await _for_case(visit, number)
    wanted = await listed(visit, wire.RECORD_KIND_PAPER_WANTED, waiting=True)
    own = await listed(visit, wire.RECORD_KIND_PAPER_ASKED)
    return Board(
        "调取材料",
        [
            Section(
                "其他大厅向本厅申请的",
                ("材料", "本人", "申请方", "事项", "状态", "期限"),
                [_wanted_row(visit, one) for one in wanted],
                nothing="没有待办的申请。",
            ),
            Section(
                "本厅向其他大厅申请的",
                ("材料", "向", "办件", "状态", "期限", "答复"),
                [_own_row(visit, one.paper_asked, one.overdue) for one in own],
                nothing="没有申请。填写办件编号后可以申请。",
            ),
        ],
        filters=_searching(),
    )


def _searching(case_no: str = "") -> tuple[Input, ...]:
    return (Input("case", "办件编号", "search", default=case_no),)


def _wanted_row(visit: Visit, one: wire.WindowRecord) -> Row:
    request = one.paper_wanted
    return Row(
        (
            Cell(request.paper, at=f"/window/papers?request={request.request_no}"),
            Cell(masked(request.applicant.name)),
            Cell(visit.site.halls.name(request.asker)),
            Cell(request.item_name),
            _state(request),
            Cell(request.due_on or "—", "bad" if one.overdue else ""),
        ),
        tone="alarm-bad" if one.overdue else "",
    )


def _own_row(visit: Visit, request: wire_paper.PaperRequest, overdue: bool) -> Row:
    return Row(
        (
            Cell(request.paper),
            Cell(visit.site.halls.name(request.asked)),
            case_cell(request.case_id),
            _state(request),
            Cell(request.due_on or "—", "bad" if overdue else ""),
            Cell(_answer(request)),
        ),
        _own_offers(request),
        "alarm-bad" if overdue else "",
    )


def _own_offers(request: wire_paper.PaperRequest) -> list[Offer]:
    match PaperRequestState(request.state):
        case PaperRequestState.INCOMPLETE:
            deeds = [paper_deeds.COMPLETE, paper_deeds.WITHDRAW]
        case PaperRequestState.UNDELIVERED:
            deeds = [paper_deeds.SEND_AGAIN, paper_deeds.WITHDRAW]
        case PaperRequestState.OPEN | PaperRequestState.AGREED:
            deeds = [paper_deeds.WITHDRAW]
        case PaperRequestState.SUPPLIED:
            deeds = [paper_deeds.DOUBT]
        case _:
            deeds = []
    return [Offer(deed, request.request_no) for deed in deeds]


def _state(request: wire_paper.PaperRequest) -> Cell:
    state = PaperRequestState(request.state)
    if request.undelivered and state is PaperRequestState.UNDELIVERED:
        return Cell(f"{STATE_NAMES[state]}：{request.undelivered}", "bad")
    if request.undelivered:
        return Cell(f"{STATE_NAMES[state]}，答复未送达：{request.undelivered}", "bad")
    return Cell(STATE_NAMES[state], _CLOSED.get(state, "wait"))


def _answer(request: wire_paper.PaperRequest) -> str:
    answer = request.answer
    ground = GROUND_NAMES[PaperGround(answer.ground)] if answer.ground else ""
    source = f"来源：{answer.source}" if answer.source else ""
    return "。".join(filter(None, (answer.words, ground, answer.remedy, source))) or "—"


# For a case


async def _for_case(visit: Visit, number: str) -> Board:
    case_id = await case_id_of(visit, number, "case")
    found = await paper_deeds.asked_for(visit, case_id)
    request = wire_intake.GetCaseRequest(
        case_ref=case_id, actor_id=visit.account.actor_id, purpose=_PURPOSE
    )
    case = (await visit.desk.intake.GetCase(request)).case
    has = {(one.material.name, one.material.digest) for one in case.materials}
    section = Section(
        f"为办件{case.summary.case_no}申请的",
        ("材料", "向", "办件", "状态", "期限", "答复", "文件"),
        [_case_row(visit, one, has) for one in found],
        _ask_offers(visit, case, {name for name, _ in has}),
        nothing="还没有为本件申请过。",
        folded=True,
    )
    return Board("调取材料", [section], filters=_searching(case.summary.case_no))


def _case_row(visit: Visit, one: wire.ListedPaperRequest, has: set[tuple[str, bytes]]) -> Row:
    request = one.request
    row = _own_row(visit, request, False)
    paper = Cell("—")
    if one.here:
        digest = request.answer.material.digest.hex()
        paper = Cell("查看", at=f"/cases/{request.case_id}/materials/{digest}")
    elif request.answer.HasField("material"):
        paper = Cell("传送中", "wait")
    is_usable = one.here and PaperRequestState(request.state) is PaperRequestState.SUPPLIED
    may_take = is_usable and (request.paper, request.answer.material.digest) not in has
    take = [Offer(paper_deeds.TAKE, f"{request.case_id} {request.request_no}")] if may_take else []
    return Row((*row.cells, paper), [*take, *row.offers], row.tone)


def _ask_offers(visit: Visit, case: wire_intake.CaseView, has: set[str]) -> list[Offer]:
    item = ITEM.from_message(case.item)
    askable = [one for one in item.materials if may_be_taken_again(one) and one.name not in has]
    if not askable or not case.in_custody:
        return []
    last = day_of(visit.now) + _USED_FOR
    defaults = {
        "basis": _basis_of(askable, [f"{one.law}{one.article}" for one in item.legal_basis]),
        "purpose": f"办理{item.name}",
        "used_until": last.isoformat(),
    }
    chosen = choosing(paper_deeds.ASK.inputs, {"paper": {one.name: _label(one) for one in askable}})
    inputs = tuple(replace(one, default=defaults.get(one.name, one.default)) for one in chosen)
    return [Offer(paper_deeds.ASK, case.summary.case_id, inputs)]


def _basis_of(askable: Iterable[RequiredMaterial], of_item: list[str]) -> str:
    """What the item itself says, for the clerk to complete."""
    return next((one.basis for one in askable if one.basis), "；".join(of_item))


def _label(needed: RequiredMaterial) -> str:
    return f"{needed.name}（{needed.shared_from}）" if needed.shared_from else needed.name


# A request of another hall


async def _one_wanted(visit: Visit, request_no: str) -> list[Section]:
    request = wire.GetPaperRequestRequest(act=paper_deeds.looks(visit), request_no=request_no)
    wanted = (await visit.desk.window.GetPaperRequest(request)).request
    about = Section(
        "申请",
        ("项目", "内容"),
        [Row((Cell(name), Cell(text))) for name, text in _said(visit, wanted)],
    )
    state = PaperRequestState(wanted.state)
    if wanted.undelivered:
        return [about, Section("未送达的答复", offers=[Offer(paper_deeds.SEND_AGAIN, request_no)])]
    if state not in _TO_BE_ANSWERED:
        return [about]
    return [about, await _found(visit, request_no), _answers(wanted, state)]


def _said(visit: Visit, wanted: wire_paper.PaperRequest) -> Iterable[tuple[str, str]]:
    applicant = wanted.applicant
    document = DOCUMENT_KINDS.get(applicant.document_kind, "证件")
    yield "材料", wanted.paper
    yield "本人", f"{applicant.name}，{document}{applicant.document_number}"
    yield "申请方", f"{visit.site.halls.name(wanted.asker)}，{wanted.asked_by}"
    yield "事项和办件编号", f"{wanted.item_name}，{wanted.case_no}"
    yield "使用依据", wanted.basis
    yield "使用用途", wanted.purpose
    yield "使用期限", f"至{wanted.used_until}，只用于该办件"
    if wanted.addition:
        yield "补充，或者有误之处", wanted.addition
    yield "状态", _state(wanted).text
    if wanted.due_on:
        yield "期限", wanted.due_on
    if wanted.HasField("answer"):
        yield "答复", _answer(wanted)


async def _found(visit: Visit, request_no: str) -> Section:
    """A look at each case that has it, on record."""
    request = wire.FindPapersRequest(act=paper_deeds.looks(visit), request_no=request_no)
    found = (await visit.desk.window.FindPapers(request)).materials
    return Section(
        "本厅办件中的该材料",
        ("材料", "办件", "提交时间"),
        [
            Row(
                (
                    Cell(one.name, at=f"/cases/{one.taken_from}/materials/{one.digest.hex()}"),
                    Cell(one.taken_from, at=f"/cases/{one.taken_from}"),
                    Cell(wording.moment(from_timestamp(one.submitted_at))),
                ),
                [Offer(paper_deeds.SUPPLY, f"{request_no} {one.taken_from}")],
            )
            for one in found
        ],
        nothing="本人在本厅的办件中没有可以提供的该材料。",
        note="查询记入有关办件的查阅记录。",
    )


def _answers(wanted: wire_paper.PaperRequest, state: PaperRequestState) -> Section:
    match state:
        case PaperRequestState.OPEN:
            first = [paper_deeds.AGREE]
            first += [] if wanted.told else [paper_deeds.LACKING]
            first += [] if wanted.extended else [paper_deeds.EXTEND]
            deeds = [*first, paper_deeds.REFUSE]
        case PaperRequestState.DOUBTED:
            deeds = [paper_deeds.CONFIRM]
        case _:
            deeds = [paper_deeds.REFUSE]
    deeds.insert(0, paper_deeds.SUPPLY_FROM_ARCHIVE)
    offers = [Offer(deed, wanted.request_no) for deed in deeds]
    return Section("答复", offers=offers, folded=True)


PAGE = Page(
    "papers",
    "调取材料",
    board,
    (
        paper_deeds.ASK,
        paper_deeds.TAKE,
        paper_deeds.COMPLETE,
        paper_deeds.WITHDRAW,
        paper_deeds.SEND_AGAIN,
        paper_deeds.SUPPLY,
        paper_deeds.SUPPLY_FROM_ARCHIVE,
        paper_deeds.DOUBT,
        paper_deeds.CONFIRM,
        paper_deeds.AGREE,
        paper_deeds.LACKING,
        paper_deeds.EXTEND,
        paper_deeds.REFUSE,
    ),
    kept=("case", "request"),
)
