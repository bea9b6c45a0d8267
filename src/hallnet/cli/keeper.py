"""`hallnet trust keeper`: several persons hold a root together, and sign one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hallnet.cli.options import SUITE_HELP, PassphraseFile
from hallnet.cli.passphrases import passphrase_from, passphrase_of

app = typer.Typer(
    help="Keepers of a root: each has a key of her own; on a machine that is on no network.",
    no_args_is_help=True,
)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="New folder for keeper.key and keeper.pub")],
    name: Annotated[str, typer.Option(help="Who keeps it, for the record")],
    passphrase_file: PassphraseFile = None,
    without_passphrase: Annotated[
        bool, typer.Option("--without-passphrase", help="For trials: the key lies open")
    ] = False,
    suite: Annotated[int, typer.Option(help=SUITE_HELP, min=1, max=2)] = 1,
) -> None:
    """Make the key of one keeper, on a medium of her own.

    keeper.pub goes to who makes the root (hallnet trust root new --keeper); keeper.key to nobody.
    """
    from hallnet.node.keeping import create_keeper
    from hallnet.node.rootkeys import spoken_key

    passphrase = (
        None if without_passphrase else passphrase_from(passphrase_file, f"of {name}", True)
    )
    keeper = create_keeper(folder, name, passphrase, suite)
    typer.echo(f"{keeper.name}  {spoken_key(keeper.signing_key)}")
    typer.echo(f"{folder}/keeper.key, {folder}/keeper.pub")


@app.command()
def show(draft: Annotated[Path, typer.Argument(help="Draft of a statement of a root")]) -> None:
    """What a draft says, and how many have signed it; every signature in it is checked."""
    from hallnet.node.keeping import described, open_draft

    for line in described(open_draft(draft)):
        typer.echo(line)


@app.command()
def sign(
    draft: Annotated[Path, typer.Argument(help="Draft of a statement of a root")],
    folder: Annotated[
        Path,
        typer.Argument(help="Folder with keeper.key, or with root.key of a root without keepers"),
    ],
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, for scripts")] = False,
) -> None:
    """Show what a draft says and sign it; the last one who has to sign makes it final."""
    from hallnet.node.keeping import described, open_draft, sign_draft

    for line in described(open_draft(draft)):
        typer.echo(line)
    if not yes:
        typer.confirm("sign this?", abort=True)
    signed, out = sign_draft(draft, folder, passphrase_of(folder, passphrase_file))
    typer.echo(described(signed)[-1])
    typer.echo(f"{out}: finished" if out else f"{draft}: goes to the next keeper")


def tell_draft(draft: Path) -> None:
    """Say what is to be done with a new draft."""
    from hallnet.node.keeping import described, open_draft

    for line in described(open_draft(draft)):
        typer.echo(line)
    typer.echo(f"{draft}: to be signed by keepers, one after the other: hallnet trust keeper sign")
