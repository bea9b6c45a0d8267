"""Lists of cases: the queue of the staff, and the cases that an agent filed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from hallnet.case.case import day_of
from hallnet.case.stage import ENDED, Stage
from hallnet.node.client import problems_raised
from hallnet.portal.site import Visit
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

ROWS = 50
SEARCH_CHARACTERS_MAX = 40
_OPEN = tuple(stage for stage in Stage if stage not in ENDED)
_RUNNING = frozenset(_OPEN) - {Stage.CORRECTING}


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
    counted: bool = False
    """Whether its count is always shown: only where it is small and asks for work."""


TABS = (
    Tab(
        "here",
        "待办",
        _OPEN,
        "待办已清",
        "本厅手上没有未办结的办件。新的申请可以从“收件”录入。",
        in_custody=True,
        counted=True,
    ),
    Tab(
        "own",
        "我承办的",
        _OPEN,
        "没有您承办的办件",
        "您收的件、分派给您的件和您接手的件列在这里，直到办结或由同事接手。",
        own=True,
        counted=True,
    ),
    Tab(
        "transit",
        "在途",
        _OPEN,
        "没有在途办件",
        "上报、转交和回传的办件，在对方接收之前列在这里。",
        in_transit=True,
        counted=True,
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
_NOTHING_FOUND = ("没有相符的办件", "请核对编号开头的数字，或换一个环节、列表再找。")


async def queue(visit: Visit) -> Response:
    """The cases of this hall, the most urgent first."""
    tab = next((tab for tab in TABS if tab.key == visit.query("tab")), TABS[0])
    prefix = visit.query("q").strip()[:SEARCH_CHARACTERS_MAX]
    stage = _stage(visit.query("stage"))
    counted = [other for other in TABS if other.counted]
    with problems_raised():
        listed, *counts = await asyncio.gather(
            visit.desk.intake.ListCases(
                _request(visit, tab, stage, prefix, visit.query("page"), ROWS)
            ),
            *(
                visit.desk.intake.ListCases(_request(visit, other, None, "", "", 1))
                for other in counted
            ),
        )
    totals = {other.key: count.total for other, count in zip(counted, counts, strict=True)}
    narrowed = bool(prefix or stage)
    return visit.show(
        "queue.html",
        tabs=[(other, totals.get(other.key)) for other in TABS],
        tab=tab,
        listed=listed,
        stage=stage,
        stages=tab.stages or tuple(Stage),
        prefix=prefix,
        is_first=not visit.query("page"),
        next_page=_address(tab, stage, prefix, listed.next_page_token),
        nothing=_NOTHING_FOUND if narrowed else (tab.nothing, tab.advice),
        today=day_of(visit.now),
    )


async def agents_cases(visit: Visit) -> Response:
    """What the agent filed, open ones first as they fall due."""
    request = wire.ListCasesRequest(
        agent_id=visit.account.actor_id,
        actor_id=visit.account.actor_id,
        case_no_prefix=visit.query("q").strip()[:SEARCH_CHARACTERS_MAX],
        page_size=ROWS,
        page_token=visit.query("page"),
    )
    with problems_raised():
        listed = await visit.desk.intake.ListCases(request)
    return visit.show(
        "agent.html",
        waiting=[row for row in listed.cases if Stage(row.stage) is Stage.CORRECTING],
        running=[row for row in listed.cases if Stage(row.stage) in _RUNNING],
        ended=[row for row in listed.cases if Stage(row.stage) in ENDED],
        listed=listed,
        prefix=request.case_no_prefix,
        today=day_of(visit.now),
    )


def _request(
    visit: Visit, tab: Tab, stage: Stage | None, prefix: str, page: str, rows: int
) -> wire.ListCasesRequest:
    stages = (stage,) if stage is not None else tab.stages
    return wire.ListCasesRequest(
        stages=[wire.CaseStage.ValueType(number) for number in stages],
        in_custody=tab.in_custody,
        in_transit=tab.in_transit,
        case_no_prefix=prefix,
        page_size=rows,
        page_token=page,
        actor_id=visit.account.actor_id,
        owner=visit.account.actor_id if tab.own else "",
    )


def _stage(text: str) -> Stage | None:
    return Stage(int(text)) if text in {str(int(stage)) for stage in Stage} else None


def _address(tab: Tab, stage: Stage | None, prefix: str, page: str) -> str:
    """Address of a page of the list; empty if there is no such page."""
    if not page:
        return ""
    asked = {"tab": tab.key, "stage": int(stage) if stage else "", "q": prefix, "page": page}
    return "/cases?" + urlencode({name: value for name, value in asked.items() if value})
