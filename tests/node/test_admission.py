"""Which calls a server takes on, and what the others are told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.rpc import error_details_pb2
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.test_face import SETTINGS
from tests.simulation.worlds import COUNTY

from hallnet.intake.face import CALLERS
from hallnet.node import admission
from hallnet.node.admission import CALLS_MAX, CALLS_MIN, LOADED_FROM, WAIT_SECONDS, Admission
from hallnet.node.client import open_channel
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.store.sharing import RETRY_SECONDS_MAX, HallBusy
from hallnet.wire.intake.v1 import intake_service_pb2 as wire
from hallnet.wire.intake.v1 import intake_service_pb2_grpc as wire_grpc

ROOM = 8
FLOOD = 200


def measured(seconds_per_call: float) -> Admission:
    """One whose server was seen to answer so fast, with nobody there now."""
    found = Admission()
    taken = [found.begin(0.0) for _ in range(LOADED_FROM)]
    for number, one in enumerate(taken, 1):
        found.end(one, number * seconds_per_call)
    return found


@given(st.floats(0.0001, 10.0))
def test_so_many_are_taken_on_that_each_is_answered_in_good_time(seconds: float) -> None:
    found = measured(seconds)
    while found.admits():
        found.begin(0.0)
    assert CALLS_MIN <= found.present <= CALLS_MAX
    assert found.present == CALLS_MIN or found.present * seconds <= WAIT_SECONDS * 1.01


def test_before_anything_was_measured_only_the_number_is_bounded() -> None:
    assert Admission().limit == CALLS_MAX


@given(st.floats(0.0, 30.0), st.integers(1, LOADED_FROM - 1))
def test_a_few_that_take_long_say_nothing_of_how_long_many_take(seconds: float, few: int) -> None:
    """Else the first hundred after a quiet hour would be turned away."""
    found = Admission()
    for one in [found.begin(0.0) for _ in range(few)]:
        found.end(one, seconds)
    assert found.limit == CALLS_MAX


def test_a_server_that_was_slow_takes_on_more_again_as_soon_as_it_is_not() -> None:
    found = measured(1.0)
    assert found.limit == CALLS_MIN
    for _ in range(10):
        for number, one in enumerate([found.begin(0.0) for _ in range(CALLS_MIN)], 1):
            found.end(one, number * 0.001)
    assert found.limit == CALLS_MAX


@given(st.floats(0.001, 1.0), st.integers(1, 500))
def test_who_is_turned_away_is_told_when_the_turn_of_all_before_is_over(
    seconds: float, turned_away: int
) -> None:
    found = measured(seconds)
    found.begin(0.0)
    told = [int(found.turn_away().particulars["retry_seconds"]) for _ in range(turned_away)]
    assert told == sorted(told)
    assert told[-1] >= min((1 + turned_away) * seconds * 0.99, RETRY_SECONDS_MAX)
    assert all(1 <= after <= RETRY_SECONDS_MAX for after in told)


def test_who_waits_for_less_than_it_takes_is_not_kept_waiting() -> None:
    found = measured(0.01)
    for _ in range(50):
        found.begin(0.0)
    assert found.admits(patience_seconds=0.6)
    assert not found.admits(patience_seconds=0.4)


class Slow(wire_grpc.IntakeServiceServicer):
    """Counts cases as soon as it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def CountCases(self, request: wire.CountCasesRequest, context: Any) -> Any:
        await self.may_answer.wait()
        return wire.CountCasesResponse(red=7)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("flooded") / COUNTY
    return Home.create(Path(folder), SETTINGS.format(address=COUNTY), datetime.now(UTC))


def test_a_flooded_service_answers_everybody(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those it takes on, and at once the others, who learn when to come back; its health goes on being told."""
    monkeypatch.setattr(admission, "CALLS_MAX", ROOM)
    monkeypatch.setattr(admission, "CALLS_MIN", ROOM)

    async def run() -> tuple[list[Any], list[Any]]:
        server, face = Server(home, "127.0.0.1:0", [Part.INTAKE]), Slow()  # type: ignore[abstract]
        server.add(
            wire.DESCRIPTOR.services_by_name["IntakeService"],
            wire_grpc.add_IntakeServiceServicer_to_server,
            face,
            CALLERS,
        )
        await server.start()
        channel = open_channel(home, Part.PORTAL, f"127.0.0.1:{server.port}")
        try:
            count = wire_grpc.IntakeServiceStub(channel).CountCases
            calls = {asyncio.ensure_future(_outcome(count)) for _ in range(FLOOD)}
            at_once: set[Any] = set()
            while len(at_once) < FLOOD - ROOM:
                done, calls = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                at_once |= done
            health: Any = health_pb2_grpc.HealthStub(channel)
            await health.Check(health_pb2.HealthCheckRequest())
            face.may_answer.set()
            return [call.result() for call in at_once], await asyncio.gather(*calls)
        finally:
            await channel.close()
            await server.stop()

    turned_away, taken_on = asyncio.run(run())
    assert [answer.red for answer in taken_on] == [7] * ROOM
    assert len(turned_away) == FLOOD - ROOM
    for error in turned_away:
        details = {detail.TypeName(): detail for detail in rpc_status.from_call(error).details}
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        details["google.rpc.ErrorInfo"].Unpack(info)
        details["google.rpc.RetryInfo"].Unpack(retry)
        assert info.reason == HallBusy.reason
        assert 1 <= retry.retry_delay.seconds <= RETRY_SECONDS_MAX


async def _outcome(count: Any) -> Any:
    try:
        return await count(wire.CountCasesRequest(actor_id="clerk"))
    except aio.AioRpcError as error:
        return error
