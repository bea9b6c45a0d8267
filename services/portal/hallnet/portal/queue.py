"""Lists of cases: the queue of the staff, and the cases that an agent filed.

A list that is chosen by place, stage, item and day has an address of its own. What a clerk types to find
somebody (a name, a telephone number, the number of a document) comes by POST and is in no address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.responses import Response

from hallnet.case.case import day_of
from hallnet.case.power import Power
from hallnet.case.stage import ENDED, Stage
from hallnet.node.client import problems_raised
from hallnet.portal.case_table import EXPORT_ROWS_MAX, as_table
from hallnet.portal.forms import Refusal, Troubles, trouble_of
from hallnet.portal.problems import ItemNameUnclear
from hallnet.portal.site import Visit, go, is_uncertain
from hallnet.problems import Problem, Reported
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

ROWS = 50
EXPORT_PAGE_ROWS = 200
SEARCH_CHARACTERS_MAX = 120
PURPOSE_CHARACTERS_MAX = 120
ITEMS_NAMED_MAX = 5
"""So many names are told when what was typed fits several items."""
_OPEN = tuple(stage for stage in Stage if stage not in ENDED)
_RUNNING = frozenset(_OPEN) - {Stage.CORRECTING}
_PLACES = {"here": wire.QUEUE_PLACE_HERE, "transit": wire.QUEUE_PLACE_IN_TRANSIT}
_FIELDS = frozenset({"search", "item", "due_from", "due_until", "purpose"})


@dataclass(frozen=True, slots=True)
class Tab:
    """A choice of cases, and what to say when there are none."""

    key: str
    name: str
    stages: tuple[Stage, ...]
    nothing: str
    advice: str
    in_custody: bool = False
    in_transit: bool = False
    own: bool = False
    """Only those that the person who looks owns, or somebody in whose place he or she is today."""


TABS = (
    Tab(
        "here",
        "待办",
        _OPEN,
        "待办已清",
        "本厅手上没有未办结的办件。新的申请可以从“收件”录入。",
        in_custody=True,
    ),
    Tab(
        "own",
        "我承办的",
        _OPEN,
        "没有您承办的办件",
        "您收的件、分派给您的件和您接手的件列在这里，直到办结或由同事接手。",
        own=True,
    ),
    Tab(
        "transit",
        "在途",
        _OPEN,
        "没有在途办件",
        "上报、转交和回传的办件，在对方接收之前列在这里。",
        in_transit=True,
    ),
    Tab("all", "全部", (), "还没有办件", "从“收件”录入第一件申请。"),
    Tab(
        "ended",
        "已办结",
        tuple(sorted(ENDED)),
        "还没有办结的办件",
        "办结、不予受理和撤回的办件列在这里。",
    ),
)
ALL = next(tab for tab in TABS if tab.key == "all")
_NOTHING_NARROWED = ("没有相符的办件", "请放宽环节、事项或到期日期，或换一个列表再找。")
_NOTHING_FOUND = (
    "没有相符的办件",
    "请核对：姓名要写全名，证件号码和手机号要写完整，办件编号只写开头几位即可；也可能是别的大厅收的件。",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for. `search` may name a person: it is never put into an address."""

    tab: Tab
    stage: Stage | None
    item: str
    """As it was typed: the name of an item or a part of it."""
    due_from: str
    due_until: str
    search: str = ""
    page: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.stage or self.item or self.due_from or self.due_until)

    @property
    def address(self) -> str:
        """Of this list without what was searched for."""
        asked = {
            "tab": self.tab.key,
            "stage": int(self.stage) if self.stage else "",
            "item": self.item,
            "due_from": self.due_from,
            "due_until": self.due_until,
            "page": self.page,
        }
        return "/cases?" + urlencode({name: value for name, value in asked.items() if value})


async def queue(visit: Visit) -> Response:
    """The cases of this hall, the most urgent first."""
    return await _page(visit, _asked(visit.query))


async def search(visit: Visit) -> Response:
    """Find cases by what was typed; without a search it is a list with an address, and that is shown."""
    text = visit.form.text
    asked = _asked(text)
    if text("everywhere"):
        asked = replace(asked, tab=ALL, stage=None)
    asked = replace(asked, search=text("search")[:SEARCH_CHARACTERS_MAX])
    return await _page(visit, asked) if asked.search else go(asked.address)


async def export(visit: Visit) -> Response:
    """The list as a table for who supervises: bounded, names masked, and on record with its purpose."""
    text = visit.form.text
    asked = replace(_asked(text), search=text("search")[:SEARCH_CHARACTERS_MAX], page="")
    purpose = text("purpose")[:PURPOSE_CHARACTERS_MAX] or "导出列表"
    item_id = await _item_id(visit, asked.item)
    rows: list[wire.CaseSummary] = []
    while len(rows) < EXPORT_ROWS_MAX:
        request = _request(visit, asked, item_id, EXPORT_PAGE_ROWS)
        request.export_purpose = purpose
        with problems_raised():
            listed = await visit.desk.intake.ListCases(request)
        rows += listed.cases
        asked = replace(asked, page=listed.next_page_token)
        if not asked.page:
            break
    table = as_table(rows[:EXPORT_ROWS_MAX], visit.site.halls, is_cut=bool(asked.page))
    name = f"cases-{day_of(visit.now):%Y%m%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


async def agents_cases(visit: Visit) -> Response:
    """What the agent filed, open ones first as they fall due."""
    return await _agents_page(visit, "", visit.query("page"))


async def agents_search(visit: Visit) -> Response:
    """The same, found by a client's name or number."""
    form = visit.form
    return await _agents_page(visit, form.text("search")[:SEARCH_CHARACTERS_MAX], form.text("page"))


async def _agents_page(visit: Visit, wanted: str, page: str) -> Response:
    request = wire.ListCasesRequest(
        agent_id=visit.account.actor_id,
        actor_id=visit.account.actor_id,
        search=wanted,
        page_size=ROWS,
        page_token=page,
    )
    with problems_raised():
        listed = await visit.desk.intake.ListCases(request)
    return visit.show(
        "agent.html",
        waiting=[row for row in listed.cases if Stage(row.stage) is Stage.CORRECTING],
        running=[row for row in listed.cases if Stage(row.stage) in _RUNNING],
        ended=[row for row in listed.cases if Stage(row.stage) in ENDED],
        listed=listed,
        search=wanted,
        today=day_of(visit.now),
    )


async def _page(visit: Visit, asked: Asked) -> Response:
    """A list; what is wrong with what was typed stands beside its field, over the list without it."""
    troubles: Troubles = {}
    listed = wire.ListCasesResponse()
    counting = wire.CountCasesRequest(actor_id=visit.account.actor_id)
    try:
        item_id = await _item_id(visit, asked.item)
        with problems_raised():
            listed, counted = await asyncio.gather(
                visit.desk.intake.ListCases(_request(visit, asked, item_id, ROWS)),
                visit.desk.intake.CountCases(counting),
            )
    except (Problem, Reported) as refusal:
        troubles = _troubles(refusal)
        with problems_raised():
            counted = await visit.desk.intake.CountCases(counting)
    return visit.show(
        "queue.html",
        400 if troubles else 200,
        tabs=[(tab, _total(counted.queues, tab)) for tab in TABS],
        asked=asked,
        stages=[(stage, _in_stage(counted.queues, asked.tab, stage)) for stage in _stages(asked)],
        listed=listed,
        counted=counted,
        troubles=troubles,
        next_page=replace(asked, page=listed.next_page_token).address
        if listed.next_page_token
        else "",
        nothing=_nothing(asked),
        may_export=Power.SUPERVISE in visit.account.powers,
        export_rows_max=EXPORT_ROWS_MAX,
        today=day_of(visit.now),
    )


def _troubles(refusal: Refusal) -> Troubles:
    """Beside its field; raises what is not about what was typed."""
    if is_uncertain(refusal) or refusal.where not in _FIELDS:
        raise refusal
    return trouble_of(refusal, _FIELDS)


def _nothing(asked: Asked) -> tuple[str, str]:
    if asked.search:
        return _NOTHING_FOUND
    return _NOTHING_NARROWED if asked.is_narrowed else (asked.tab.nothing, asked.tab.advice)


def _asked(text: Callable[[str], str]) -> Asked:
    """From the address or from the form."""
    return Asked(
        next((tab for tab in TABS if tab.key == text("tab")), TABS[0]),
        _stage(text("stage")),
        text("item").strip()[:SEARCH_CHARACTERS_MAX],
        text("due_from").strip(),
        text("due_until").strip(),
        page=text("page"),
    )


def _stages(asked: Asked) -> Sequence[Stage]:
    return asked.tab.stages or tuple(Stage)


def _total(queues: Sequence[wire.QueueCount], tab: Tab) -> int | None:
    """How many cases stand in a list; only where they are few and ask for work."""
    if tab.key not in _PLACES:
        return None
    stages = {int(stage) for stage in tab.stages}
    return sum(one.cases for one in queues if one.place == _PLACES[tab.key] and one.stage in stages)


def _in_stage(queues: Sequence[wire.QueueCount], tab: Tab, stage: Stage) -> int:
    place = _PLACES.get(tab.key)
    return sum(
        one.cases
        for one in queues
        if int(one.stage) == stage and (place is None or one.place == place)
    )


async def _item_id(visit: Visit, typed: str) -> str:
    """The item of which the name or a part of it was typed; raises ItemNameUnclear."""
    if not typed:
        return ""
    with problems_raised():
        found = (await visit.desk.intake.ListItems(wire.ListItemsRequest(search=typed))).items
    exact = [item.item_id for item in found if item.name == typed]
    if exact or len(found) == 1:
        return (exact or [found[0].item_id])[0]
    names = "、".join(f"“{item.name}”" for item in found[:ITEMS_NAMED_MAX])
    raise ItemNameUnclear("item", count=len(found), names=names or "无")


def _request(visit: Visit, asked: Asked, item_id: str, rows: int) -> wire.ListCasesRequest:
    stages = (asked.stage,) if asked.stage is not None else asked.tab.stages
    return wire.ListCasesRequest(
        stages=[wire.CaseStage.ValueType(number) for number in stages],
        in_custody=asked.tab.in_custody,
        in_transit=asked.tab.in_transit,
        search=asked.search,
        item_id=item_id,
        due_from=asked.due_from,
        due_until=asked.due_until,
        page_size=rows,
        page_token=asked.page,
        actor_id=visit.account.actor_id,
        owner=visit.account.actor_id if asked.tab.own else "",
    )


def _stage(text: str) -> Stage | None:
    return Stage(int(text)) if text in {str(int(stage)) for stage in Stage} else None
