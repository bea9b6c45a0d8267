"""Traces: one case is one trace, also through processes and threads that record nothing themselves."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from hallnet.node import telemetry

ELSEWHERE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def trace_id(traceparent: str) -> str:
    return traceparent.split("-")[1]


def test_a_span_goes_on_with_the_trace_of_an_earlier_act() -> None:
    with telemetry.span("act", ELSEWHERE):
        here = telemetry.traceparent()
    assert trace_id(here) == trace_id(ELSEWHERE)
    assert here != ELSEWHERE
    assert here.endswith("-01")


def test_without_an_earlier_act_a_span_begins_a_trace_of_its_own() -> None:
    with telemetry.span("one"):
        one = telemetry.traceparent()
        with telemetry.span("part of it"):
            assert trace_id(telemetry.traceparent()) == trace_id(one)
    with telemetry.span("another"):
        assert trace_id(telemetry.traceparent()) != trace_id(one)
    assert telemetry.traceparent() == ""


def test_an_unusable_trace_of_an_earlier_act_begins_a_new_one() -> None:
    with telemetry.span("act", "not a trace"):
        assert len(trace_id(telemetry.traceparent())) == 32


def test_work_that_waits_for_a_thread_belongs_to_the_trace_in_which_it_was_asked_for() -> None:
    async def ask() -> tuple[str, str]:
        with telemetry.span("act", ELSEWHERE), ThreadPoolExecutor(1) as threads:
            asked = telemetry.present()

            def work() -> str:
                with telemetry.within(asked):
                    return telemetry.traceparent()

            loop = asyncio.get_running_loop()
            return telemetry.traceparent(), await loop.run_in_executor(threads, work)

    asked, done = asyncio.run(ask())
    assert asked == done
