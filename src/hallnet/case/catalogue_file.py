"""Catalogues as files: the JSON form of hallnet.wire.case.v1.Catalogue, written as YAML or JSON."""

from __future__ import annotations

import json
from importlib.resources import files

import yaml
from google.protobuf import json_format

from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.case.problems import CatalogueMalformed
from hallnet.case.written import read_written
from hallnet.wire.case.v1 import item_pb2 as wire

LINE_WIDTH = 115


def read_catalogue(text: str) -> Catalogue:
    """Read the JSON form of a Catalogue, as YAML or JSON; raises CatalogueMalformed."""
    return read_written(text, wire.Catalogue(), CATALOGUE, CatalogueMalformed, "catalogue", "items")


def write_catalogue(catalogue: Catalogue, as_json: bool = False) -> str:
    """What `read_catalogue` reads: YAML for people, JSON for programs."""
    document = json_format.MessageToDict(
        CATALOGUE.to_message(catalogue), preserving_proto_field_name=True
    )
    if as_json:
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=LINE_WIDTH)


def supplied_catalogue() -> Catalogue:
    """The 45 real items that come with hallnet; see `data/SOURCE.md`."""
    text = (files("hallnet.case") / "data" / "items.yaml").read_text(encoding="utf-8")
    return read_catalogue(text)
