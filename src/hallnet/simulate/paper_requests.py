"""Clerks who ask other halls for papers of their cases, and those who answer them.

What is asked, answered and taken goes through the faces of the intake, as all acts of people do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hallnet.case.case import Case, day_of
from hallnet.case.item import ItemVersion
from hallnet.case.reuse import may_be_taken_again
from hallnet.intake.papers import materials
from hallnet.intake.window.records import PAPERS_ASKED, PAPERS_WANTED
from hallnet.places import Address
from hallnet.simulate.founding import CHIEF
from hallnet.simulate.hall import Hall
from hallnet.window.paper_request import PaperRequest, PaperRequestState
from hallnet.wire.case.v1 import command_pb2 as wire_command
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper
from hallnet.wire.window.v1 import window_service_pb2 as wire

Try = Callable[[Hall, Callable[[], Any], str, bool], Awaitable[Any]]
"""Does something at a hall and comes again while it is down; None if it is refused. Says whether it is a look."""
Upload = Callable[[Hall, str, bytes], Awaitable[wire_person.Material]]
Act = Callable[[Hall, str, str, wire_command.CaseCommand], Awaitable[None]]
LOOKS_MAX = 30
"""So often somebody looks whether there is an answer, or something to be answered."""
LOOK_SECONDS = 1800.0
REFUSED_SHARE, LACKING_SHARE, DOUBTED_SHARE = 0.15, 0.2, 0.1
_BASIS, _PURPOSE = "政务数据共享条例第十九条", "核对材料"
_USED_FOR = timedelta(days=60)
_ACTOR = CHIEF.actor.actor_id


@dataclass(slots=True)
class PaperRequests:
    """Everybody who has to do with papers of other halls."""

    halls: dict[Address, Hall]
    attempt: Try
    upload: Upload
    act: Act
    asked: list[PaperRequest]
    """As they were acknowledged to who asked."""

    async def live(
        self, hall: Hall, case: Case, item: ItemVersion, name: str, draw: random.Random
    ) -> None:
        """From the question to the paper in the case, or to wherever it gets."""
        has = {material.name for material in case.materials}
        papers = [
            one.name for one in item.materials if may_be_taken_again(one) and one.name not in has
        ]
        others = self._known_to(hall)
        if not papers or not others:
            return
        request = wire.AskForPaperRequest(
            act=_by(f"paper-{name}"),
            case_id=case.case_id,
            hall=str(draw.choice(others)),
            paper=draw.choice(papers),
            basis=_BASIS,
            purpose=_PURPOSE,
            used_until=(day_of(hall.now()) + _USED_FOR).isoformat(),
        )
        answer = await self.attempt(
            hall, lambda: hall.window.AskForPaper(request, None), "AskForPaper", True
        )
        if answer is None:
            return
        known = hall.intake.look(lambda c: PAPERS_ASKED.find(c, answer.request.request_no))
        if known is None:
            # The disk forgot it at once.
            return
        self.asked.append(known)
        await asyncio.gather(self._answer(known, name, draw), self._take(hall, known, name, draw))

    def _known_to(self, hall: Hall) -> list[Address]:
        """In a large world no trust bundle is published, and what goes to a stranger would wait for ever."""
        known = hall.context.trust.standing_halls()
        return [one for one in self.halls if one != hall.address and one in known]

    async def _answer(self, asked: PaperRequest, name: str, draw: random.Random) -> None:
        """The other hall answers whatever is open with it."""
        hall, number = self.halls[asked.asked], 0
        for _ in range(LOOKS_MAX):
            await asyncio.sleep(draw.expovariate(1 / LOOK_SECONDS))
            found = self._found(hall, asked.request_no, wanted=True)
            if found is None or found.state not in (
                PaperRequestState.OPEN,
                PaperRequestState.DOUBTED,
            ):
                continue
            number += 1
            step = wire.StepPaperRequestRequest(
                act=_by(f"answer-{name}-{number}"), request_no=asked.request_no, words="见附件"
            )
            await self._choose(hall, found, step, draw)
            await self._step(hall, step)

    async def _choose(
        self,
        hall: Hall,
        found: PaperRequest,
        step: wire.StepPaperRequestRequest,
        draw: random.Random,
    ) -> None:
        """What is answered: mostly the paper itself, out of an archive."""
        chosen = draw.random()
        if found.state is PaperRequestState.OPEN and chosen < REFUSED_SHARE:
            step.step = wire.PAPER_STEP_REFUSE
            step.ground = wire_paper.PAPER_GROUND_NOT_HELD
        elif found.state is PaperRequestState.OPEN and not found.told and chosen < LACKING_SHARE:
            step.step = wire.PAPER_STEP_TELL_LACKING
        else:
            step.step = wire.PAPER_STEP_SUPPLY
            step.source = "档案2019-33"
            data = found.paper.encode() + draw.randbytes(200)
            step.material.CopyFrom(await self.upload(hall, found.paper, data))

    async def _take(self, hall: Hall, asked: PaperRequest, name: str, draw: random.Random) -> None:
        """Who asked adds what was lacking, doubts it now and then, and takes the paper into the case."""
        doubts = draw.random() < DOUBTED_SHARE
        for number in range(LOOKS_MAX):
            await asyncio.sleep(draw.expovariate(1 / LOOK_SECONDS))
            found = self._found(hall, asked.request_no, wanted=False)
            if found is None:
                continue
            step = wire.StepPaperRequestRequest(
                act=_by(f"asker-{name}-{number}"), request_no=asked.request_no, words="请核"
            )
            match found.state:
                case PaperRequestState.INCOMPLETE:
                    step.step = wire.PAPER_STEP_COMPLETE
                    await self._step(hall, step)
                case PaperRequestState.UNDELIVERED:
                    step.step = wire.PAPER_STEP_SEND_AGAIN
                    await self._step(hall, step)
                case PaperRequestState.SUPPLIED if doubts:
                    doubts = False
                    step.step = wire.PAPER_STEP_DOUBT
                    await self._step(hall, step)
                case PaperRequestState.SUPPLIED if is_here(hall, found):
                    paper = wire_person.Material(name=found.paper, taken_from=found.request_no)
                    supplement = wire_command.Supplement(materials=[paper])
                    command = wire_command.CaseCommand(supplement=supplement)
                    await self.act(hall, asked.case_id, f"{name}-taken", command)
                    return
                case PaperRequestState.REFUSED:
                    return

    def _found(self, hall: Hall, request_no: str, *, wanted: bool) -> PaperRequest | None:
        kept = PAPERS_WANTED if wanted else PAPERS_ASKED
        return hall.intake.look(lambda c: kept.find(c, request_no)) if hall.is_up else None

    async def _step(self, hall: Hall, step: wire.StepPaperRequestRequest) -> None:
        await self.attempt(
            hall, lambda: hall.window.StepPaperRequest(step, None), "StepPaperRequest", False
        )


def is_here(hall: Hall, request: PaperRequest) -> bool:
    """Whether the bytes of what was supplied have come."""
    paper = request.answer.material if request.answer is not None else None
    return paper is not None and hall.intake.inspect(lambda c: materials.is_here(c, paper.digest))


def _by(request_id: str) -> wire_intake.Act:
    return wire_intake.Act(request_id=request_id.lower(), actor_id=_ACTOR)
