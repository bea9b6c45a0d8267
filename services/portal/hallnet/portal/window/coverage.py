"""Villages and the agents who act there; above all those where nobody does."""

from __future__ import annotations

from hallnet.portal.inputs import Input
from hallnet.portal.site import Visit
from hallnet.portal.window.board import Board, Cell, Page, Row, Section, asked
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire

ROWS_MAX = 500
_GAPS, _ALL = "gaps", "all"


async def board(visit: Visit) -> Board:
    """Of the villages of this hall, those without an agent, or all."""
    shown = asked(visit, "show") or _GAPS
    found = await visit.desk.window.GetAgentCoverage(
        wire.GetAgentCoverageRequest(only_gaps=shown == _GAPS)
    )
    covered = found.total - found.gaps
    villages = Section(
        "没有代办员的村（社区）" if shown == _GAPS else "村（社区）",
        ("乡镇街道", "村（社区）", "代码", "代办员"),
        [_row(one, visit) for one in found.villages[:ROWS_MAX]],
        nothing="每个村（社区）都有代办员。",
        note="" if len(found.villages) <= ROWS_MAX else f"只列出前{ROWS_MAX}个。",
    )
    which = {_GAPS: "没有代办员的", _ALL: "全部"}
    return Board(
        "代办覆盖",
        [villages],
        f"本厅所辖{found.total}个村（社区），{covered}个有代办员，{found.gaps}个没有。",
        filters=(Input("show", "列出", "select", options=which, default=shown),),
    )


def _row(one: wire_window.VillageCoverage, visit: Visit) -> Row:
    agents = "、".join(one.agents)
    return Row(
        (
            Cell(visit.site.halls.short_name(one.township)),
            Cell(one.title),
            Cell(one.village),
            Cell(agents or "无人", "" if agents else "bad"),
        )
    )


PAGE = Page("coverage", "代办覆盖", board)
