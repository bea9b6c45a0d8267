"""Whole worlds from a seed: the nine promises hold after every commit, whatever goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from hallnet.case.decide import RULES
from hallnet.intake import following, replicas
from hallnet.places import Address
from hallnet.simulate import clerks, people
from hallnet.simulate.faults import Fault, Step
from hallnet.simulate.founding import chance
from hallnet.simulate.invariants import Checker, Invariant
from hallnet.simulate.network import CALM
from hallnet.simulate.people import Arrival
from hallnet.simulate.report import Report
from hallnet.simulate.scenario import SMALL_TREE, Scenario, whole
from hallnet.simulate.shrinking import shrunk
from hallnet.simulate.simulation import simulate, simulate_each
from hallnet.simulate.state import Rhythm

SEEDS = int(os.environ.get("HALLNET_SEEDS", "200"))
BLOCK = 50
"""So many seeds are one test."""
BUSY = Scenario(1, SMALL_TREE, days=0.2, cases_per_hall_and_day=3, faults_per_day=200)
SHORT = Scenario(1, SMALL_TREE, days=0.12, cases_per_hall_and_day=3, faults_per_day=70)
"""Many short worlds find more than few long ones."""
WATCHFUL = Rhythm(hello=600)
"""Where disks forget: what nobody was shown, nobody can notice."""
TOWNSHIP, COUNTY = Address("330127101"), Address("330127")


def told(report: Report) -> str:
    return "\n".join(map(str, report.violations))


def of_seed(seed: int) -> Scenario:
    """Now and then a disk lies as well, or a backup is put back."""
    if seed % 20 == 0:
        return replace(SHORT, seed=seed, lying_disks=2, rhythm=WATCHFUL)
    if seed % 20 == 10:
        return replace(SHORT, seed=seed, old_backups=1, rhythm=WATCHFUL)
    return replace(SHORT, seed=seed)


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("first", range(1, SEEDS + 1, BLOCK))
def test_every_promise_holds_whatever_goes_wrong(first: int) -> None:
    """And everything does go wrong in each block of seeds; what there was of it is printed."""
    injected: Counter[str] = Counter()
    cases = 0
    last = min(first + BLOCK - 1, SEEDS)
    for report in simulate_each(map(of_seed, range(first, last + 1))):
        assert not report.violations, f"seed {report.scenario.seed}\n{told(report)}"
        injected += report.faults
        cases += report.cases
    print(f"seeds {first} to {last}: {cases} cases, {dict(sorted(injected.items()))}")
    if last < first + BLOCK - 1:
        return
    assert {fault.name.lower() for fault in Fault} <= injected.keys()
    assert {
        f"message {what}" for what in ("lost", "doubled", "late", "replayed")
    } <= injected.keys()
    assert cases > 5 * BLOCK
    assert sum(injected.values()) > 8 * BLOCK


def test_clerks_know_every_command_of_a_case() -> None:
    known = set(clerks.FURTHER) | clerks.EVERYDAY | clerks.LEFT_TO_OTHERS
    assert known == {command.__name__ for command in RULES}


def test_a_piece_of_the_real_province_keeps_every_promise() -> None:
    scenario = Scenario(
        3, whole("33", 60), days=0.1, cases_per_hall_and_day=0.5, faults_per_day=200
    )
    report = simulate(scenario)
    assert not report.violations, told(report)
    assert report.as_data()["halls"] == 60


def test_the_province_has_all_its_halls_and_village_points() -> None:
    report = Report(Scenario(1, whole("33")), [], Counter())
    data = report.as_data()
    assert (data["halls"], data["village_points"]) == (1_489, 25_547)


@pytest.mark.parametrize("seed", [108, 6])
def test_a_disk_that_forgot_forks_no_journal_and_gives_no_number_twice(seed: int) -> None:
    """At whatever level: the hall asks its neighbours before it goes on. What it had said itself and does not
    know any more is nobody's promise."""
    report = simulate(replace(BUSY, seed=seed, lying_disks=4, rhythm=WATCHFUL))
    assert not report.violations, told(report)
    assert report.faults["lying_disk"] == 4
    assert report.forgiven.keys() <= {"one_custodian", "due dates of two histories"}


def test_the_same_seed_gives_the_same_history_in_every_process() -> None:
    """Whatever order sets have there."""
    program = (
        "from hallnet.simulate.scenario import *;from hallnet.simulate.simulation import simulate;"
        "print(simulate(Scenario(5, SMALL_TREE, days=0.1, cases_per_hall_and_day=3)).digest)"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert found[0] == found[1]
    assert len(found[0].strip()) == 64


def test_another_seed_gives_another_history() -> None:
    quiet = replace(BUSY, days=0.1)
    assert simulate(quiet).digest != simulate(replace(quiet, seed=2)).digest


def test_a_broken_rule_is_found_and_its_history_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has nothing to do with the violation is left out, until one application remains."""

    def nobody_answers(case: object, here: object, item_known: bool) -> object:
        raise AssertionError("no answer to a hand-over")

    monkeypatch.setattr(replicas, "answer_hand_over", nobody_answers)
    scenario = replace(BUSY, days=0.1, cases_per_hall_and_day=4, faults_per_day=20)
    scenario = replace(scenario, weather=CALM, villains=False)
    report = simulate(scenario)
    assert Invariant.NOTHING_FAILS in {one.invariant for one in report.violations}
    short = shrunk(report, lambda text: None)
    assert short.violations
    assert short.scenario.steps == ()
    assert len(short.scenario.people or ()) == 1


@pytest.mark.parametrize("kind", ["", "paper.asked", "paper.answered"])
def test_what_one_hall_asks_of_another_both_know_the_same_of_and_it_is_found_if_not(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "PAPERS_SHARE", 1.0)
    heard = {key: take for key, take in following._MESSAGES.items() if key != kind}
    monkeypatch.setattr(following, "_MESSAGES", heard)
    report = simulate(replace(BUSY, days=0.1, faults_per_day=0, weather=CALM, villains=False))
    assert report.checks["papers of other halls at the end"] > 3
    broken = {one.invariant for one in report.violations}
    assert broken == ({Invariant.NOTHING_LOST} if kind else set()), told(report)


def only(*steps: Step, people: tuple[Arrival, ...] = ()) -> Scenario:
    return replace(BUSY, weather=CALM, villains=False, steps=steps, people=people)


def test_a_hall_whose_newer_backup_is_put_back_in_time_has_forgotten_nothing() -> None:
    """Cut off, it did nothing with the older one in between. Who has only that is found out."""
    people = tuple(Arrival(3600.0 + 60 * n, TOWNSHIP, n) for n in range(6))
    older = Step(3000.0, Fault.OLD_BACKUP, TOWNSHIP, 7_200.0, 1)
    newer = Step(9_800.0, Fault.OLD_BACKUP, TOWNSHIP, 1_300.0, 2)
    cut = Step(9_900.0, Fault.CUT, TOWNSHIP, 2_400.0, 3)
    for steps, noticed in ((older, cut), 1), ((older, newer, cut), 0):
        report = simulate(only(*steps, people=people))
        assert not report.violations, told(report)
        assert report.checks["rewound journals"] == noticed


def test_where_the_parent_forgot_too_a_new_number_is_what_tells_of_the_loss() -> None:
    """Nobody who was asked knows what the hall had shown: no journal is seen to go back, only that it goes on anew."""
    people = tuple(Arrival(3600.0 + 60 * n, TOWNSHIP, n) for n in range(2))
    child = Step(3_000.0, Fault.OLD_BACKUP, TOWNSHIP, 7_200.0, 1)
    parent = Step(3_000.0, Fault.OLD_BACKUP, COUNTY, 7_300.0, 2)
    cut = Step(9_900.0, Fault.CUT, TOWNSHIP, 1_200.0, 3)
    report = simulate(replace(only(child, parent, cut, people=people), days=0.13))
    assert not report.violations, told(report)
    assert report.checks["rewound journals"] == 2


def test_a_hall_that_was_founded_after_the_backup_of_its_parent_is_known_again() -> None:
    """It moved there meanwhile, and would have no way to anybody."""
    backup = Step(4_850.0, Fault.OLD_BACKUP, Address("330110"), 7_200.0, 1)
    move = Step(6_500.0, Fault.MOVE, Address("330127102"), 5_000.0, 9)
    report = simulate(replace(only(backup, move), rhythm=WATCHFUL))
    assert not report.violations, told(report)
    assert report.faults["hall moved"] == 1
    assert report.checks["children at the end"] >= 9


def test_a_case_that_a_disk_forgot_whole_and_nobody_had_heard_of_never_was() -> None:
    """It has no hall that could be asked how it ended."""
    checker = Checker({}, lambda: 0.0, histories={"forgotten": [], "there": [b"digest"]})
    assert checker.cases() == ["there"]


@pytest.mark.parametrize("fault", list(Fault), ids=[fault.name.lower() for fault in Fault])
def test_each_kind_of_trouble_alone_breaks_nothing(fault: Fault) -> None:
    people = tuple(Arrival(3600.0 + 60 * n, TOWNSHIP, n) for n in range(6))
    hall = Address("33") if fault in (Fault.RELEASE, Fault.WITHDRAWAL) else TOWNSHIP
    steps = tuple(Step(3600.0 + 600 * n, fault, hall, 500.0, n) for n in range(4))
    report = simulate(only(*steps, people=people))
    assert not report.violations, told(report)
    assert report.faults[fault.name.lower()] == 4


def test_a_hall_whose_clock_was_ahead_is_completed_afterwards() -> None:
    """What neighbours refused from it because it came from the future is said again in time."""
    people = tuple(Arrival(3600.0 + 60 * n, TOWNSHIP, n) for n in range(10))
    ahead = [Step(3000.0 + 1500 * n, Fault.CLOCK, COUNTY, 1400.0, n) for n in range(8)]
    report = simulate(only(*ahead, people=people))
    assert not report.violations, told(report)


def test_a_closed_hall_takes_nothing_new_and_its_neighbour_has_its_cases() -> None:
    before = tuple(Arrival(3600.0 + 60 * n, TOWNSHIP, n) for n in range(6))
    after = tuple(Arrival(5.5 * 3600 + 60 * n, TOWNSHIP, 10 + n) for n in range(3))
    closure = Step(5400.0, Fault.CLOSURE, TOWNSHIP, 600.0, 1)
    report = simulate(replace(only(closure, people=(*before, *after)), days=0.3))
    assert not report.violations, told(report)
    assert report.faults["hall closed"] == 1
    assert report.refusals["HALL_TAKES_NOTHING"] == 3
    assert report.acts["hand_over"] >= 1


@pytest.mark.parametrize(
    ("fault", "what"), [(Fault.MERGER, "hall merged"), (Fault.MOVE, "hall moved")]
)
def test_a_hall_goes_on_under_another_address_with_its_open_cases(fault: Fault, what: str) -> None:
    """A merger leads to a neighbour, a move to a hall that is founded below another county."""
    people = tuple(Arrival(3600.0 + 60 * n, TOWNSHIP, n) for n in range(6))
    report = simulate(
        replace(only(Step(5400.0, fault, TOWNSHIP, 600.0, 1), people=people), days=0.5)
    )
    assert not report.violations, told(report)
    assert report.faults[what] == report.faults["hall closed"] == 1
    assert report.acts["hand_over"] >= 1


def test_a_seed_that_fails_is_lived_through_again_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beside others, alone, and in the process that was told its number."""

    def nobody_answers(case: object, here: object, item_known: bool) -> object:
        raise AssertionError("no answer to a hand-over")

    monkeypatch.setattr(replicas, "answer_hand_over", nobody_answers)
    worlds = [replace(BUSY, seed=seed, days=0.1) for seed in (1, 2, 3)]
    found = {report.scenario.seed: report for report in simulate_each(worlds, jobs=2)}
    failed = next(report for report in found.values() if report.violations)
    again = simulate(worlds[failed.scenario.seed - 1])
    assert again.violations == failed.violations
    assert again.digest == failed.digest


def test_a_release_is_at_every_hall_also_where_a_clock_was_behind() -> None:
    """The hall refused it, for it came from the future, and is sent it again within a day."""
    behind = next(n for n in range(99) if chance(BUSY.seed, "step", n).choice((-1, 1)) < 0)
    clock = Step(3000.0, Fault.CLOCK, Address("3304"), 1400.0, behind)
    release = Step(3600.0, Fault.RELEASE, Address("33"), 1.0, 1)
    report = simulate(only(clock, release))
    assert not report.violations, told(report)
    assert report.healing_hours > 12


@pytest.mark.parametrize("seed", [4])
def test_a_backup_that_is_put_back_forks_no_journal_and_gives_no_number_twice(seed: int) -> None:
    report = simulate(replace(BUSY, seed=seed, old_backups=2, rhythm=WATCHFUL))
    assert not report.violations, told(report)
    assert report.faults["old_backup"] == 2
    assert report.forgiven.keys() <= {"one_custodian", "due dates of two histories"}
