"""Who is heard before a decision (行政许可法 articles 36 and 46 to 48), through the tables of a hall."""

from __future__ import annotations

import pytest
from tests.intake.parts import ACCEPT, GRANT, RELIEF
from tests.simulation.halls import World
from tests.simulation.worlds import TOWNSHIP

from hallnet.case import command as commands
from hallnet.case.fact import RightsTold
from hallnet.case.rules.problems import StillToBeHeard
from hallnet.case.stage import Stage


def test_a_third_party_is_told_and_heard_before_the_decision_at_the_face(world: World) -> None:
    case = world.file(TOWNSHIP, RELIEF)
    world.act(TOWNSHIP, case, ACCEPT)
    world.act(TOWNSHIP, case, commands.TellRights(("吴九",), "共有房屋", True))
    found = world.case(TOWNSHIP, case)
    assert found is not None
    told = found.last(RightsTold)
    assert told is not None
    assert "权" in told.document_no
    with pytest.raises(StillToBeHeard):
        world.act(TOWNSHIP, case, GRANT)
    world.act(TOWNSHIP, case, commands.HearView("吴九", "无意见", False))
    world.act(TOWNSHIP, case, GRANT)
    decided = world.case(TOWNSHIP, case)
    assert decided is not None
    assert decided.stage is Stage.DECIDED
