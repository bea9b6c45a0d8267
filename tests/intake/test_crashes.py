"""Whatever process ends at whatever moment: nothing is lost, nothing is doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from tests.exchange.parts import rows
from tests.exchange.test_face import ask
from tests.intake.parts import (
    APPLICATION,
    AUTHORISATION,
    MATERIAL,
    act,
    asking,
    events_told,
    face,
    facts,
    file_request,
    history,
    raws,
    set_aside,
    told,
)
from tests.intake.test_life import MAIN_LINE
from tests.simulation.halls import CHIEF, World
from tests.simulation.worlds import COUNTY, TOWNSHIP

from hallnet.case.event import Accepted, Decided, NoticeGiven
from hallnet.intake import cases, tables
from hallnet.store import Connection, Database
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import command_pb2 as wire_command

Result = TypeVar("Result")


class Crash(Exception):
    """The process is gone."""


class Crashes:
    """Every second transaction of every intake ends with its process: undone, or done and unanswered."""

    def __init__(self, world: World, committed: bool) -> None:
        self.count = 0
        self._world = world
        self._committed = committed
        self._turn = 0
        self._arm()

    def through(self, step: Callable[[], Result]) -> Result:
        """Try a step until no process ends in it; in between all halls start again."""
        while True:
            try:
                return step()
            except Crash:
                self.count += 1
                for address in self._world.stations:
                    self._world.restart(address)
                self._arm()

    def _arm(self) -> None:
        for station in self._world.stations.values():
            self._wrap(station.intake)

    def _wrap(self, database: Database) -> None:
        whole = database.transact

        def transact(work: Callable[[Connection], Any]) -> Any:
            self._turn += 1
            if self._turn % 2 == 0:
                return whole(work)
            if self._committed:
                whole(work)
                raise Crash

            def half(connection: Connection) -> None:
                work(connection)
                raise Crash

            return whole(half)

        database.transact = transact  # type: ignore[method-assign]


@pytest.mark.parametrize("committed", [False, True], ids=["undone", "unanswered"])
def test_a_crash_between_any_two_steps_loses_nothing_and_doubles_nothing(
    world: World, committed: bool
) -> None:
    request = file_request(world, papers=[APPLICATION])
    paper = MATERIAL.to_message(world.upload(TOWNSHIP, AUTHORISATION))
    crashes = Crashes(world, committed)

    def call(at: str, method: str, message: Any) -> Any:
        return crashes.through(lambda: ask(getattr(face(world, at), method)(message, None)))

    case_id = call(TOWNSHIP, "FileCase", request).case.summary.case_id
    defects = [wire_event.Defect(material=AUTHORISATION, problem="缺少", remedy="补交")]
    call(TOWNSHIP, "ActOnCase", asking(act(), case_id, wire_command.GiveNotice(defects=defects)))
    supplement = asking(act(), case_id, wire_command.Supplement(materials=[paper]))
    call(TOWNSHIP, "ActOnCase", supplement)
    call(TOWNSHIP, "ActOnCase", asking(act(), case_id, wire_command.Accept()))
    review = asking(
        act(CHIEF),
        case_id,
        wire_command.Review(opinion=wire_event.OPINION_FAVOURABLE, explanation="符合"),
    )
    call(TOWNSHIP, "ActOnCase", review)
    call(TOWNSHIP, "ActOnCase", asking(act(), case_id, wire_command.HandOver(explanation="请")))
    crashes.through(world.settle)
    call(
        COUNTY,
        "ActOnCase",
        asking(act(), case_id, wire_command.Decide(outcome=wire_event.OUTCOME_GRANTED)),
    )
    crashes.through(world.settle)
    call(
        TOWNSHIP,
        "ActOnCase",
        asking(act(), case_id, wire_command.Close(method=wire_event.DELIVERY_METHOD_COUNTER)),
    )
    crashes.through(world.settle)

    assert crashes.count > 12
    township, county = world.at(TOWNSHIP), world.at(COUNTY)
    (row,) = rows(township.intake, tables.case)
    assert row.case_no == "330127101-20261123-0001"
    case = township.intake.look(lambda c: cases.load(c, case_id))
    assert facts(history(township, case)) == MAIN_LINE
    assert raws(township, case) == raws(county, case)
    assert facts(events_told(township, case)) == [*MAIN_LINE[:6], "TakenOver", "Closed"]
    assert facts(events_told(county, case)) == ["TakenOver", "Decided", "HandedOver"]
    for station in (township, county):
        assert set(Counter(entry.payload for entry in told(station)).values()) == {1}
        assert set_aside(station) == []
        assert rows(station.intake, tables.early_event) == []
    numbers = [
        mark.fact.document_no
        for mark in case.marks
        if isinstance(mark.fact, NoticeGiven | Accepted | Decided)
    ]
    assert numbers == ["330127101告〔2026〕1号", "330127101受〔2026〕1号", "330127决〔2026〕1号"]
    fetched = {material.digest for material in case.materials}
    assert fetched <= {row.digest for row in rows(county.intake, tables.material)}


def test_a_message_of_which_half_was_done_is_done_whole_the_next_time(world: World) -> None:
    """What is kept, what is applied, what is answered and the position stand or fall together."""
    case = world.file(TOWNSHIP, "temporary-relief-township")
    before = rows(world.at(TOWNSHIP).intake, tables.case_event)
    crashes = Crashes(world, committed=False)
    accept = asking(act(), case.case_id, wire_command.Accept())
    with pytest.raises(Crash):
        ask(face(world).ActOnCase(accept, None))
    assert rows(world.at(TOWNSHIP).intake, tables.case_event) == before
    answer = crashes.through(lambda: ask(face(world).ActOnCase(accept, None)))
    assert len(answer.case.events) == 2
