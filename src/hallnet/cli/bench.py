"""`hallnet bench`: how fast the network is on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from hallnet.cli.options import SUITE_HELP, Json

app = typer.Typer(help="Benchmarks against a floor of bare libraries.", no_args_is_help=True)


@app.command()
def exchange(
    size: Annotated[int, typer.Option(help="Bytes of each message")] = 2048,
    envelopes: Annotated[int, typer.Option(help="Envelopes in each round")] = 4000,
    rounds: Annotated[int, typer.Option(help="Rounds after the one that warms up")] = 3,
    suite: Annotated[int, typer.Option(help=SUITE_HELP, min=1, max=2)] = 1,
    json: Json = False,
) -> None:
    """Envelopes a second from a township to its county, receipts included, on two real exchanges.

    In turns with the floor: the same unavoidable work (seal, hash, sign a batch, durable commits, one
    request, verify, open, receipt) in a bare loop. The ratio of the two is what counts, on any machine.
    """
    import asyncio

    from hallnet.bench.exchange import measure
    from hallnet.cli.output import print_json, print_table
    from hallnet.trust.suite import Suite

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = asyncio.run(measure(envelopes, size, rounds, say, Suite(suite))).as_data()
    if json:
        asked = {"size": size, "envelopes": envelopes, "rounds": rounds, "suite": suite}
        print_json({**asked, **found})
    else:
        columns = ("", "min", "median", "max")
        print_table("", columns, [(name, *spread.values()) for name, spread in found.items()])


@app.command()
def attachments(
    size: Annotated[int, typer.Option(help="Bytes of the material", min=1)] = 64 * 1024 * 1024,
    rounds: Annotated[int, typer.Option(help="Rounds after the one that warms up")] = 3,
    json: Json = False,
) -> None:
    """Megabytes a second of one material from a township to its county, on two real exchanges.

    From the wish until the county can use it. In turns with a plain copy of the same bytes through the
    same message server: TLS, a request and a reply for each piece of the same size, into a file that the
    disk confirms at the end; nothing sealed, nothing proved, nothing that a crash would leave whole. Also
    the processor time that each exchange took for a megabyte, and the most memory that was resident.
    """
    import asyncio

    from hallnet.bench.attachments import measure
    from hallnet.cli.output import print_json, print_table

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = asyncio.run(measure(size, rounds, say)).as_data()
    if json:
        print_json({"size": size, "rounds": rounds, **found})
    else:
        columns = ("", "min", "median", "max")
        print_table("", columns, [(name, *spread.values()) for name, spread in found.items()])


@app.command()
def suites(
    size: Annotated[int, typer.Option(help="Bytes of each message")] = 2048,
    envelopes: Annotated[int, typer.Option(help="Envelopes in each round; 0: none")] = 4000,
    rounds: Annotated[int, typer.Option(help="Rounds after the one that warms up")] = 3,
    json: Json = False,
) -> None:
    """Suite 2 against suite 1: operations in a second of processor time, and envelopes a second.

    The envelopes go from a township to its county on real exchanges, of one suite and of the other in turns.
    """
    import asyncio

    from hallnet.bench.suites import compare, operations
    from hallnet.cli.output import print_json, print_table
    from hallnet.trust.suite import Suite

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    one, two = (operations(suite, size) for suite in (Suite.ED25519, Suite.SM2))
    carried = asyncio.run(compare(envelopes, size, rounds, say)).as_data() if envelopes else {}
    if json:
        asked = {"size": size, "envelopes": envelopes, "rounds": rounds}
        rates = {"suite_1_per_second": one, "suite_2_per_second": two}
        print_json({**asked, **rates, **carried})
        return
    rows = [(name, f"{one[name]:,.0f}", f"{two[name]:,.0f}") for name in one]
    print_table("a second of processor time", ("", "suite 1", "suite 2"), rows)
    if carried:
        columns = ("", "min", "median", "max")
        print_table("", columns, [(name, *spread.values()) for name, spread in carried.items()])


@app.command()
def journal(
    size: Annotated[
        list[int] | None, typer.Option(help="Entries of the journal (may be repeated)", min=1)
    ] = None,
    json: Json = False,
) -> None:
    """What an entry costs to append, to prove and to check, while the journal grows.

    A durable transaction of 256 entries with their paths on SQLite, then paths of entries anywhere in
    the journal. The figures at the sizes are what counts, against each other.
    """
    from hallnet.bench.journal import as_data, measure
    from hallnet.cli.output import print_json, print_table

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    costs = as_data(list(measure(size or [10_000, 1_000_000, 5_000_000], say)))
    if json:
        print_json({"sizes": costs})
        return
    columns = ("entries", "append µs", "prove µs", "check µs", "hashes in a path")
    print_table("", columns, [(f"{cost.pop('entries'):,}", *cost.values()) for cost in costs])


OUTAGES = (10.0, 60.0, 300.0, 600.0, 86_400.0, 30 * 86_400.0)
"""Seconds: those of Open Notificaties' own measurements, a day and a month."""


@app.command()
def outage(
    seconds: Annotated[
        list[float] | None, typer.Option(help="How long the hall is gone (may be repeated)", min=1)
    ] = None,
    messages: Annotated[int, typer.Option(help="Messages in each, evenly", min=20)] = 1500,
    json: Json = False,
) -> None:
    """A hall is gone while messages are sent to it: what is lost, what comes twice, how long it takes after.

    In virtual time, so a month takes as long as its work; the times after are virtual as well.
    """
    from dataclasses import asdict

    from hallnet.bench.outage import measure
    from hallnet.cli.output import print_json, print_table

    found = [measure(length, messages) for length in seconds or OUTAGES]
    if json:
        print_json({"outages": [{**asdict(one), "lost": one.lost} for one in found]})
        return
    print_table(
        "",
        ("gone for s", "sent", "waited", "lost", "doubled", "urgent there after s", "all after s"),
        [
            (
                f"{one.seconds:,.0f}",
                one.sent,
                one.waited,
                one.lost,
                one.doubled,
                f"{one.urgent_after:.2f}",
                f"{one.all_after:.2f}",
            )
            for one in found
        ],
    )


@app.command()
def spread(
    divisions: Annotated[
        str, typer.Option(help="Division whose halls take part, from the real data")
    ] = "33",
    halls: Annotated[
        int, typer.Option(help="At most so many halls, with all above them; 0: all", min=0)
    ] = 0,
    json: Json = False,
) -> None:
    """One release from the highest hall to every hall of a division: what it costs each parent.

    In virtual time, in one process; a whole province takes minutes and some gigabytes.
    """
    from dataclasses import asdict

    from hallnet.bench.spread import measure
    from hallnet.cli.output import print_json, print_table
    from hallnet.simulate.scenario import whole

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = asdict(measure(whole(divisions, halls), say=say))
    if json:
        print_json(found)
    else:
        rows = [(name.replace("_", " "), f"{value:,}") for name, value in found.items()]
        print_table("", ("one release", ""), rows)


@app.command()
def latency(
    size: Annotated[int, typer.Option(help="Bytes of each message")] = 2048,
    messages: Annotated[int, typer.Option(help="Messages, one at a time", min=2)] = 300,
    json: Json = False,
) -> None:
    """How long one hop takes on an idle link, from township to county on two real exchanges.

    From the event of a service until the county has committed the message, and until the county's
    verdict is with the township.
    """
    import asyncio

    from hallnet.bench.latency import measure
    from hallnet.cli.output import print_json, print_table

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = asyncio.run(measure(messages, size, say)).as_data()
    if json:
        print_json({"size": size, "messages": messages, **found})
        return
    columns = ("", "p50", "p95", "p99", "max")
    print_table("ms", columns, [(name, *values.values()) for name, values in found.items()])


@app.command()
def soak(
    seconds: Annotated[float, typer.Option(help="How long", min=1)] = 600,
    size: Annotated[int, typer.Option(help="Bytes of each message")] = 2048,
    envelopes: Annotated[int, typer.Option(help="Envelopes in each round", min=1)] = 10_000,
    json: Json = False,
) -> None:
    """Two exchanges at full load for a while: whether rate and resident memory stay what they were."""
    import asyncio

    from hallnet.bench.soak import as_data, measure
    from hallnet.cli.output import print_json

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = as_data(asyncio.run(measure(seconds, envelopes, size, say)))
    if json:
        print_json({"size": size, **found})
        return
    for hall in ("township", "county"):
        typer.echo(
            f"memory of the {hall} at the end: {found[f'{hall}_growth']} of that at the start"
        )


@app.command()
def intake(
    cycles: Annotated[int, typer.Option(help="Life cycles that are timed", min=1)] = 4000,
    stored: Annotated[int, typer.Option(help="Cases stored before", min=0)] = 0,
    postgresql: Annotated[bool, typer.Option(help="On PostgreSQL instead of SQLite")] = False,
    overload: Annotated[bool, typer.Option(help="Ask twice as much as it can do")] = True,
    json: Json = False,
) -> None:
    """Life cycles of cases a second: file, accept, decide, close, by 100 clients over gRPC.

    Then lists, searches and counts, and twice the rate that was reached: what is accepted has to be there
    at the end, the rest is told when to come back.
    """
    import asyncio

    from hallnet.bench.intake import measure
    from hallnet.cli.output import print_json

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = asyncio.run(measure(cycles, stored, postgresql, say, overload)).as_data()
    if json:
        database = "postgresql" if postgresql else "sqlite"
        print_json({"database": database, "cycles": cycles, **found})


@app.command()
def year(
    cases: Annotated[int, typer.Option(help="How many of the 893,236 cases", min=1)] = 893_236,
    json: Json = False,
) -> None:
    """A county's year in the mix of a published one, by the intake's own rules; its report reconciles.

    And all its numbers anew from the events. Exit code 2 if one is different.
    """
    import asyncio

    from hallnet.bench.year import replay
    from hallnet.cli.numbers import print_numbers
    from hallnet.cli.output import print_json

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    found = asyncio.run(replay(cases, say))
    if json:
        print_json(
            {
                "cases": found.cases,
                "replayed_per_second": round(found.replayed_per_second, 1),
                "rebuilt_per_processor_second": round(found.rebuilt_per_processor_second, 1),
                "megabytes_at_most": found.megabytes_at_most,
                "numbers_different": found.numbers_different,
                "report": found.report,
            }
        )
    else:
        print_numbers(found.report)
    raise typer.Exit(2 if found.numbers_different else 0)


@app.command()
def sync(
    cases: Annotated[int, typer.Option(help="Cases that the two halls share", min=1)] = 1_000_000,
    differing: Annotated[int, typer.Option(help="In so many of them they differ", min=0)] = 10,
    json: Json = False,
) -> None:
    """What it costs two halls to find out in which of their shared cases the one lacks something.

    The rules and tables of branch-sync on two SQLite files; the messages are handed over directly, so
    that what is measured is the comparison: seconds, messages and their bytes.
    """
    from dataclasses import asdict

    from hallnet.bench.sync import measure
    from hallnet.cli.output import print_json, print_table

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    agreed, found = measure(cases, differing, say)
    data = {"agreeing": asdict(agreed), "differing": asdict(found)}
    if json:
        print_json({"cases": cases, "differing_in": differing, **data})
        return
    columns = ("", *data["agreeing"])
    rows = [
        (name, f"{cost['seconds']:.3f}", *list(cost.values())[1:]) for name, cost in data.items()
    ]
    print_table("", columns, rows)


@app.command()
def halls(
    halls: Annotated[int, typer.Option(help="Halls of the tree", min=3)] = 100,
    minutes: Annotated[float, typer.Option(help="How long people act", min=0.1)] = 5.0,
    seed: Annotated[int, typer.Option(help="What is drawn follows from it")] = 1,
    json: Json = False,
) -> None:
    """Real halls of Hangzhou on this machine: their memory at rest, and the promises while processes are killed.

    Each is a process with its own databases, with a message server where it has halls below. People file in
    townships, counties decide, results go back; processes of halls and message servers are killed meanwhile and
    start again. At the end cases, queues and journals are checked. Exit code 2 if a promise is broken.
    """
    import asyncio

    from hallnet.bench.halls import measure
    from hallnet.cli.output import print_json

    say = (lambda text: typer.echo(text, err=True)) if json else typer.echo
    report = asyncio.run(measure(halls, minutes, seed, say))
    violations = report.findings.violations
    if json:
        print_json(report.as_data())
    else:
        typer.echo(
            f"{report.halls} halls, {report.ended} cases ended, killed {dict(report.killed)}, "
            f"incidents {dict(report.findings.incidents)}, {len(violations)} violations"
        )
    raise typer.Exit(2 if violations else 0)
