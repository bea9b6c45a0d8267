"""`hallnet`: the commands and how their problems are told.

The modules of the commands load what they need inside the functions: `--help` answers at once.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from hallnet.cli import (
    account,
    bench,
    case,
    check,
    hall,
    item,
    node,
    numbers,
    personal,
    release,
    replica,
    rollup,
    simulate,
    tools,
    trust,
    window,
)
from hallnet.cli.language import in_users_language
from hallnet.problems import Problem, Reported

app = typer.Typer(
    name="hallnet",
    help="The network of government service halls. Start with: hallnet demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(node.app, name="node")
app.add_typer(account.app, name="account")
app.add_typer(release.app, name="release")
app.add_typer(item.app, name="item")
app.add_typer(replica.app, name="replica")
app.add_typer(rollup.app, name="rollup")
app.add_typer(case.app, name="case")
app.add_typer(window.app, name="window")
app.add_typer(personal.app, name="personal")
app.add_typer(numbers.app, name="numbers")
app.add_typer(hall.app, name="hall")
app.add_typer(trust.app, name="trust")
app.add_typer(bench.app, name="bench")
for command in (*tools.COMMANDS, check.check, *simulate.COMMANDS):
    app.command()(command)


def main() -> None:
    """Run the command; a problem is one clear message and exit code 1, never a traceback."""
    try:
        app()
    except (Problem, Reported) as problem:
        _tell(problem)
    except OSError as error:
        if error.filename is None:
            raise
        from hallnet.cli.files import FileUnusable

        _tell(FileUnusable(file=error.filename, detail=error.strerror))


def _tell(problem: Problem | Reported) -> NoReturn:
    where = f" ({problem.where})" if problem.where else ""
    typer.secho(f"{problem.reason}{where}\n{in_users_language(problem)}", fg="red", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
