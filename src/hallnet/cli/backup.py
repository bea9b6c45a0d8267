"""`hallnet node backup` and `hallnet node restore`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.assembly.backup import Manifest

app = typer.Typer()

TargetArgument = Annotated[Path, typer.Argument(help="Folder of the backup")]


@app.command()
def backup(
    home: HomeArgument,
    target: TargetArgument,
    check: Annotated[
        bool, typer.Option("--check", help="Read a backup that is there, and check all of it")
    ] = False,
    keys: Annotated[
        bool,
        typer.Option(help="With the keys of the home: then who has the backup reads everything"),
    ] = True,
    json: Json = False,
) -> None:
    """Copy a node with all its records as they are at one moment, while it runs.

    Put back with hallnet node restore. The folder has to be empty; every backup is whole.
    """
    from hallnet.assembly.backup import check_backup, write_backup
    from hallnet.node.clock import clock
    from hallnet.node.home import Home

    with _bar(shown=not json) as progress:
        if check:
            found = check_backup(target, progress)
        else:
            number = version("hallnet")
            found = write_backup(Home(home), target, clock(), number, keys, progress)
    _show(found, json)


@app.command()
def restore(
    target: TargetArgument,
    home: HomeArgument,
    json: Json = False,
) -> None:
    """Put a backup into a home whose node is stopped; records that are there are set aside.

    When it is started, the node asks its neighbours where its journal ended, goes on from there, and they
    send again what they had sent it since, and give back what it had said itself: hallnet node status and
    hallnet node recovery tell how it stands.
    """
    from hallnet.assembly.restoring import restore as put_back
    from hallnet.node.clock import clock

    with _bar(shown=not json) as progress:
        manifest, aside = put_back(target, home, clock(), progress)
    _show(manifest, json)
    if not json:
        if aside is not None:
            typer.echo(f"the records that were there: {aside}")
        typer.echo(f"it can run now: hallnet node run {home}")


@contextmanager
def _bar(shown: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar with an estimate, for people."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not shown) as bars:
        tasks = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield progress


def _show(manifest: Manifest, json: bool) -> None:
    from hallnet.cli.output import print_json, print_table

    found = {
        "address": manifest.address,
        "taken_at": manifest.taken_at.isoformat(),
        "version": manifest.version,
        "database": manifest.database,
        "has_keys": manifest.has_keys,
        "journal_size": manifest.journal_size,
        "files": len(manifest.files),
        "bytes": manifest.size,
    }
    if json:
        print_json(found)
    else:
        print_table("", ("", ""), list(found.items()))
