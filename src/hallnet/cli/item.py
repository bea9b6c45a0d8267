"""`hallnet item`: catalogues as files, before they are published."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import Json

if TYPE_CHECKING:
    from hallnet.case.item import Catalogue, ItemVersion

app = typer.Typer(help="Service items: check, compare, convert, print.", no_args_is_help=True)

FileOption = Annotated[
    Path | None,
    typer.Option("--file", help="YAML, JSON or CSV; the supplied items if left out"),
]


def read_items(file: Path | None) -> Catalogue:
    """The catalogue in a file, by the end of its name; raises CatalogueMalformed."""
    from hallnet.case.catalogue_file import read_catalogue, supplied_catalogue
    from hallnet.case.catalogue_table import read_table

    if file is None:
        return supplied_catalogue()
    text = file.read_text(encoding="utf-8")
    return read_table(text, file.name) if file.suffix == ".csv" else read_catalogue(text)


@app.command()
def check(file: FileOption = None, json: Json = False) -> None:
    """What stands against publishing a catalogue. Exit code 2 if something does."""
    from hallnet.case.catalogue_check import Weight, findings
    from hallnet.cli.output import print_json, print_table

    catalogue = read_items(file)
    found = findings(catalogue)
    blocked = any(finding.weight is Weight.BLOCKS for finding in found)
    if json:
        print_json(
            {
                "items": len(catalogue.items),
                "publishable": not blocked,
                "findings": [
                    {
                        "weight": finding.weight.value,
                        "rule": finding.rule,
                        "item_id": finding.item_id,
                        "version": finding.version,
                        "detail": finding.detail,
                    }
                    for finding in found
                ],
            }
        )
    else:
        print_table(
            f"{len(catalogue.items)} items",
            ("item", "version", "weight", "rule", "detail"),
            [(f.item_id, f.version, f.weight.value, f.rule, f.detail) for f in found],
        )
    sys.exit(2 if blocked else 0)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The catalogue before")],
    new: Annotated[Path, typer.Argument(help="The catalogue after")],
    json: Json = False,
) -> None:
    """What changed between two catalogues, in words."""
    from hallnet.case.item_words import changes
    from hallnet.cli.output import print_json

    before, after = _newest(read_items(old)), _newest(read_items(new))
    added = [item_id for item_id in after if item_id not in before]
    removed = [item_id for item_id in before if item_id not in after]
    changed = {
        item_id: [str(change) for change in changes(before[item_id], item)]
        for item_id, item in after.items()
        if item_id in before and before[item_id] != item
    }
    if json:
        print_json({"added": added, "removed": removed, "changed": changed})
        return
    for item_id in added:
        typer.echo(f"+ {item_id} {after[item_id].name}")
    for item_id in removed:
        typer.echo(f"- {item_id} {before[item_id].name}")
    for item_id, told in changed.items():
        typer.echo(
            f"~ {item_id} {after[item_id].name} {before[item_id].version}→{after[item_id].version}"
        )
        for sentence in told:
            typer.echo(f"    {sentence}")


@app.command()
def convert(
    to: Annotated[Path, typer.Argument(help="File to write: .yaml, .json or .csv")],
    file: FileOption = None,
) -> None:
    """Write a catalogue in another form; what is written can be read again."""
    from hallnet.case.catalogue_file import write_catalogue
    from hallnet.case.catalogue_table import write_table

    catalogue = read_items(file)
    if to.suffix == ".csv":
        text = write_table(catalogue)
    else:
        text = write_catalogue(catalogue, as_json=to.suffix == ".json")
    to.write_text(text, encoding="utf-8", newline="")
    typer.echo(f"{to}: {len(catalogue.items)} items")


@app.command()
def overlay(
    overlays: Annotated[Path, typer.Argument(help="Catalogue of a hall, with its overlays")],
    base: FileOption = None,
    to: Annotated[Path | None, typer.Option(help="Write the items that come of it here")] = None,
) -> None:
    """Try what overlays make of the items of a hall above (--file)."""
    from hallnet.case.catalogue_file import write_catalogue
    from hallnet.case.item_words import changes
    from hallnet.case.overlay import expanded

    above = read_items(base)
    merged = expanded(read_items(overlays), above.items)
    bases = {(item.item_id, item.version): item for item in above.items}
    for item in merged.items:
        if not item.base_version:
            continue
        typer.echo(f"{item.item_id} {item.version} {item.name}")
        for change in changes(bases[item.item_id, item.base_version], item):
            typer.echo(f"    {change}")
    if to is not None:
        to.write_text(write_catalogue(merged, as_json=to.suffix == ".json"), encoding="utf-8")


@app.command()
def guide(
    item_id: Annotated[str, typer.Argument(help="The item")],
    file: FileOption = None,
    version: Annotated[int, typer.Option(help="The newest if left out")] = 0,
    to: Annotated[Path | None, typer.Option(help="HTML file; standard output if left out")] = None,
) -> None:
    """The service guide of an item as a page to be shown and printed."""
    from hallnet.case.guide import guide as written
    from hallnet.case.problems import ItemUnknown

    versions = [
        item
        for item in read_items(file).items
        if item.item_id == item_id and version in (0, item.version)
    ]
    if not versions:
        raise ItemUnknown("item_id", item=item_id)
    page = written(max(versions, key=lambda item: item.edition))
    if to is None:
        typer.echo(page)
    else:
        to.write_text(page, encoding="utf-8")


def _newest(catalogue: Catalogue) -> dict[str, ItemVersion]:
    """The newest version of each item."""
    newest: dict[str, ItemVersion] = {}
    for item in catalogue.items:
        known = newest.get(item.item_id)
        if known is None or known.edition < item.edition:
            newest[item.item_id] = item
    return newest
