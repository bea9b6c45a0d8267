"""Messages as people write them: their JSON form, as YAML or JSON."""

from __future__ import annotations

from typing import TypeVar

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message

from hallnet.codec import Codec, MessageMalformed
from hallnet.problems import Problem

REASON_SHOWN_MAX = 300
Content = TypeVar("Content")


def read_written(
    text: str,
    message: Message,
    codec: Codec[Content],
    problem: type[Problem],
    where: str = "file",
    expected: str = "mapping",
) -> Content:
    """What a text says, by the codec of its message.

    Raises `problem` at `where` with the `detail` why; that is `expected` if the text is no mapping at all.
    """
    try:
        document = yaml.safe_load(text)
        if not isinstance(document, dict):
            raise problem(where, detail=expected)
        return codec.from_message(json_format.ParseDict(document, message))
    except (
        yaml.YAMLError,
        json_format.ParseError,
        RecursionError,
        OverflowError,
        MessageMalformed,
    ) as error:
        raise problem(where, detail=str(error)[:REASON_SHOWN_MAX]) from error
