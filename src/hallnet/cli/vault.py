"""`hallnet node vault`: changing the secrets under which people's data lie closed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.home import Part

app = typer.Typer(
    help="Change the secrets under which people's data lie closed in the databases.",
    no_args_is_help=True,
)


class Keeper(StrEnum):
    """A part with a database."""

    INTAKE = "intake"
    EXCHANGE = "exchange"
    BRANCH_SYNC = "branch-sync"
    NOTIFY = "notify"


PartOption = Annotated[
    list[Keeper] | None, typer.Option("--part", help="Of this part alone; by default of all")
]


@app.command()
def renew(home: HomeArgument, part: PartOption = None) -> None:
    """Make new secrets beside the old ones. They are used by services that start from then on.

    Then restart the node (each replica of each service), and run hallnet node vault reclose.
    """
    from hallnet.node.home import Home

    for keeper in _parts(part):
        Home(home).renew_secret(keeper)
        typer.echo(f"{keeper.value}: has a new secret")
    typer.echo("Restart the node, then run: hallnet node vault reclose")


@app.command()
def reclose(
    home: HomeArgument,
    part: PartOption = None,
    end: Annotated[
        bool,
        typer.Option(
            "--end",
            help="Remove the old secrets once nothing needs them; every service has restarted",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Close anew what lies closed under the old secrets, in small transactions, while the node runs.

    It may be broken off and run again. With --end the old secrets are removed after a pass that found
    nothing to do. Copies of the databases from before can then not be opened any more.
    """
    from hallnet.cli.output import print_json, print_table

    found = [_reclose(home, keeper, end) for keeper in _parts(part)]
    if json:
        print_json(found)
    else:
        columns = ["part", "closed values", "closed anew", "old secret"]
        print_table("Closed columns", columns, [list(item.values()) for item in found])


def _parts(part: list[Keeper] | None) -> list[Part]:
    from hallnet.node.home import KEEPERS, Part

    return [Part(keeper.value) for keeper in part] if part else list(KEEPERS)


def _reclose(folder: Path, part: Part, end: bool) -> dict[str, Any]:
    from hallnet.node.home import Home
    from hallnet.store import Database
    from hallnet.store.migrating import tables_of
    from hallnet.store.reclosing import reclose

    home, service = Home(folder), part.value.replace("-", "_")
    vault = home.vault(part)
    database = Database(home.database_url(part.value), service, vault)
    try:
        found = reclose(database, tables_of(f"hallnet.{service}"), vault)
        changed = found.changed
        if end and changed:
            # What was written meanwhile by a service that knew only the old secret shows now.
            found = reclose(database, tables_of(f"hallnet.{service}"), vault)
    finally:
        database.close()
    if end and not found.changed:
        home.forget_old_secret(part)
    return {
        "part": part.value,
        "values": found.values,
        "changed": changed,
        "old_secret": "kept" if home.has_old_secret(part) else "none",
    }
