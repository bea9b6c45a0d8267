"""Reading the files that users name."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from hallnet.problems import Kind, Problem

Read = TypeVar("Read", bound=Message)


class FileUnusable(Problem):
    """A file that is not there, may not be read, or holds something else."""

    kind = Kind.INVALID
    reason = "FILE_UNUSABLE"
    zh = "文件{file}无法使用：{detail}"
    zh_remedy = "请核对文件路径、权限和来源"
    en = "The file {file} cannot be used: {detail}"
    en_remedy = "Check its path, its permissions and where it came from"


def read_message(file: Path, kind: type[Read]) -> Read:
    """The message in a file; raises FileUnusable, or OSError if the file cannot be read."""
    try:
        return kind.FromString(file.read_bytes())
    except DecodeError as error:
        raise FileUnusable(file=file, detail=f"not a {kind.DESCRIPTOR.name}") from error
