"""Catalogues as files: the JSON form of hallnet.wire.case.v1.Catalogue, written as YAML or JSON."""

from __future__ import annotations

import json
from importlib.resources import files

import yaml
from google.protobuf import json_format

from hallnet.case.item import CATALOGUE, Catalogue
from hallnet.case.problems import CatalogueMalformed
from hallnet.codec import MessageMalformed
from hallnet.wire.case.v1 import item_pb2 as wire

LINE_WIDTH = 115


def read_catalogue(text: str) -> Catalogue:
    """Read the JSON form of a Catalogue, as YAML or JSON; raises CatalogueMalformed."""
    try:
        document = yaml.safe_load(text)
        if not isinstance(document, dict):
            raise CatalogueMalformed("catalogue", detail="items")
        message = json_format.ParseDict(document, wire.Catalogue())
        return CATALOGUE.from_message(message)
    except (
        yaml.YAMLError,
        json_format.ParseError,
        RecursionError,
        OverflowError,
        MessageMalformed,
    ) as error:
        raise CatalogueMalformed("catalogue", detail=str(error)[:300]) from error


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
