"""A board: tables of what there is, and beside each row the forms of what can be done with it now.

A page of the window is described, not drawn: its tables in words, its deeds by their fields. One template
draws them all, so that all behave alike: labels are bound to fields, what is refused stands in its form
with what was typed, and everything works without scripts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import quote, urlencode

from starlette.responses import Response

from hallnet.case.case import day_of
from hallnet.case.power import Power
from hallnet.codec.spreadsheet import as_csv
from hallnet.node.client import problems_raised
from hallnet.portal.forms import Form, Troubles, trouble_of
from hallnet.portal.inputs import Input
from hallnet.portal.problems import PageUnknown
from hallnet.portal.site import Audience, Visit, go, is_uncertain
from hallnet.portal.uploads import NOTHING, Handed, keep, take_in
from hallnet.problems import Problem, Reported
from hallnet.window.record_table import TABLES
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import window_service_pb2 as wire

ROWS = 100
EXPORT_PAGE_ROWS = 200
EXPORT_ROWS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Cell:
    """`tone` is one of the colours of badges; `at` an address to which the text leads."""

    text: str
    tone: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Doing:
    """A deed under way: who does it, upon what, and with which fields."""

    visit: Visit
    of: str
    handed: Handed

    @property
    def form(self) -> Form:
        return self.visit.form

    @property
    def request_id(self) -> str:
        return self.form.request_id

    @property
    def act(self) -> wire_intake.Act:
        return wire_intake.Act(request_id=self.request_id, actor_id=self.visit.account.actor_id)

    def text(self, name: str) -> str:
        return self.form.text(name)


OVERSEES = frozenset({Power.SUPERVISE, Power.HEAD})
"""Who lays down what holds for the whole hall, and closes what others answered."""

Ask = Callable[[Doing], Awaitable[str | Response | None]]
"""Asks a service for what a form says; gives a sentence to be shown, or a file to take home."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that people do; `ask` asks a service for it and may give a sentence to be shown."""

    key: str
    name: str
    done: str
    ask: Ask
    inputs: tuple[Input, ...] = ()
    powers: frozenset[Power] = frozenset()
    """Who has none of them is not offered the deed; none are needed if there are none. The intake decides."""
    explanation: str = ""
    danger: bool = False
    gives_file: bool = False
    """Whether its answer is a file: the page stays, and the form may be sent again."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A deed as it stands on a page, upon one thing; with other fields than usual if `inputs` says."""

    deed: Deed
    of: str = ""
    inputs: tuple[Input, ...] | None = None

    @property
    def fields(self) -> tuple[Input, ...]:
        return self.deed.inputs if self.inputs is None else self.inputs

    @property
    def mark(self) -> str:
        """For ids on the page."""
        return "_".join((self.deed.key, *self.of.split()))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, and what can be done with what it stands for."""

    cells: Sequence[Cell]
    offers: Sequence[Offer] = ()
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: a table, or forms, or both."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Row] = ()
    offers: Sequence[Offer] = ()
    nothing: str = ""
    note: str = ""
    folded: bool = False
    """Whether its forms wait behind their names."""


@dataclass(frozen=True, slots=True)
class Board:
    """A page, described."""

    title: str
    sections: Sequence[Section]
    lead: str = ""
    filters: Sequence[Input] = ()
    refresh: bool = False
    """Whether the page brings itself up to date."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the window. `kept` names what its address says and its forms carry along."""

    key: str
    name: str
    board: Callable[[Visit], Awaitable[Board]]
    deeds: tuple[Deed, ...] = ()
    audience: Audience = Audience.STAFF
    kept: tuple[str, ...] = ()
    by_key: Mapping[str, Deed] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {deed.key: deed for deed in self.deeds})


def asked(visit: Visit, name: str) -> str:
    """What the address says, or the form that carries it along."""
    return (visit.form.text(name) or visit.query(name)).strip()


async def show(visit: Visit, page: Page, pages: Sequence[Page]) -> Response:
    """The page as it stands."""
    done = page.by_key.get(visit.query("done"))
    return await _drawn(visit, page, pages, told=done.done if done else "")


async def do(visit: Visit, page: Page, pages: Sequence[Page]) -> Response:
    """Do a deed; what is refused is shown in its form, with what was typed and uploaded."""
    deed = page.by_key.get(visit.path("deed"))
    if deed is None:
        raise PageUnknown()
    files = [one.name for one in deed.inputs if one.kind == "file"]
    handed = await take_in(visit, files)
    doing = Doing(visit, visit.form.text("of"), handed)
    if handed.troubles:
        return await _drawn(visit, page, pages, deed, handed.troubles, handed)
    try:
        with problems_raised():
            told = await deed.ask(doing)
    except (Problem, Reported) as refusal:
        if is_uncertain(refusal):
            raise
        troubles = trouble_of(refusal, frozenset(one.name for one in deed.inputs))
        return await _drawn(visit, page, pages, deed, troubles, handed)
    if isinstance(told, Response):
        return told
    if told:
        # Shown at once: loading it again sends the same request, which has no second effect.
        return await _drawn(visit, page, pages, told=told)
    kept = {name: asked(visit, name) for name in page.kept if asked(visit, name)}
    return go(f"/window/{page.key}?{urlencode(kept | {'done': deed.key})}")


async def _drawn(
    visit: Visit,
    page: Page,
    pages: Sequence[Page],
    refused: Deed | None = None,
    troubles: Troubles | None = None,
    handed: Handed = NOTHING,
    told: str = "",
) -> Response:
    # The board itself is refused as a page, not in a form.
    with problems_raised():
        board = await page.board(visit)
    return visit.show(
        "window.html",
        400 if troubles else 200,
        own=page,
        pages=[one for one in pages if one.audience.admits(visit.account)],
        board=_offered(board, visit),
        refused=Offer(refused, visit.form.text("of")).mark if refused else "",
        troubles=troubles or {},
        form=visit.form,
        blank=Form(),
        handed=handed,
        nothing_handed=NOTHING,
        keep=partial(keep, visit),
        told=told,
        kept={name: asked(visit, name) for name in page.kept},
    )


def _offered(board: Board, visit: Visit) -> Board:
    """Without what the account has no power for."""

    def may(offers: Sequence[Offer]) -> list[Offer]:
        held = visit.account.powers
        return [one for one in offers if not one.deed.powers or one.deed.powers & held]

    return replace(
        board,
        sections=[
            replace(
                section,
                offers=may(section.offers),
                rows=[replace(row, offers=may(row.offers)) for row in section.rows],
            )
            for section in board.sections
        ],
    )


def file_of(name: str, media_type: str, text: str) -> Response:
    """A file to take home."""
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(text, media_type=f"{media_type}; charset=utf-8", headers=headers)


def export_of(kind: wire.RecordKind.ValueType) -> Deed:
    """Taking the records of a kind home as a table, on record with its purpose."""
    table = TABLES[kind]

    async def ask(doing: Doing) -> Response:
        request = wire.ListRecordsRequest(
            act=doing.act,
            kind=kind,
            page_size=EXPORT_PAGE_ROWS,
            export_purpose=doing.text("purpose"),
        )
        found: list[wire.WindowRecord] = []
        while len(found) < EXPORT_ROWS_MAX:
            answer = await doing.visit.desk.window.ListRecords(request)
            found += answer.records
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        cut = [(f"只导出最近{EXPORT_ROWS_MAX}条",)] if request.page_token else []
        text = as_csv(table.columns, [*table.rows(found[:EXPORT_ROWS_MAX]), *cut])
        return file_of(f"{table.name}-{day_of(doing.visit.now):%Y%m%d}.csv", "text/csv", text)

    purpose = Input("purpose", "用途（记入查阅记录）")
    explanation = f"最多{EXPORT_ROWS_MAX}条，新的在前，姓名隐去。"
    return Deed(
        "export",
        "导出表格",
        "",
        ask,
        (purpose,),
        frozenset({Power.SUPERVISE}),
        explanation,
        gives_file=True,
    )


async def staff(visit: Visit) -> dict[str, str]:
    """Names by accounts, to choose one."""
    act = wire_intake.Act(actor_id=visit.account.actor_id)
    found = await visit.desk.window.ListStaff(wire.ListStaffRequest(act=act))
    return {one.actor_id: f"{one.name}（{one.actor_id}）" for one in found.staff}


async def listed(
    visit: Visit, kind: wire.RecordKind.ValueType, waiting: bool = False
) -> list[wire.WindowRecord]:
    """Records of a kind; the intake records the look."""
    request = wire.ListRecordsRequest(
        act=wire_intake.Act(actor_id=visit.account.actor_id),
        kind=kind,
        waiting=waiting,
        page_size=ROWS,
    )
    return list((await visit.desk.window.ListRecords(request)).records)


def name_of(names: Mapping[str, str], actor_id: str) -> str:
    """How somebody is called; the account where there is no name."""
    return names.get(actor_id, actor_id).partition("（")[0] or "—"


def case_cell(subject: str) -> Cell:
    """A subject that may be a case."""
    is_case = len(subject) == len("00000000-0000-0000-0000-000000000000")
    if is_case:
        return Cell("查看办件", at=f"/cases/{quote(subject)}")
    return Cell(subject or "—")
