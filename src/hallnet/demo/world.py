"""The halls, people and papers of the demo. Divisions and items are real, people are invented."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import dataclass

from hallnet.sandbox.network import NodeSpec

PROVINCE = "33"
HANGZHOU = "3301"
JIAXING = "3304"
YUHANG = "330110"
CHUNAN = "330127"
HAIYAN = "330424"
WENCHANG = "330127101"
CANGQIAN = "330110012"
SOCIAL_INSURANCE = "330110-shebao"
VILLAGE = "330127101219"
"""下潘村: a village point under 文昌镇."""

CLERK = "clerk"
CHIEF = "chief"
AGENT = "agent"
PASSWORD = "hallnet-demo-1"  # noqa: S105  the demo's own, said on the screen


def levels(database_url: dict[str, str]) -> list[list[NodeSpec]]:
    """The halls, level by level; those from county up keep their records in PostgreSQL."""

    def hall(address: str, name: str, **more: object) -> NodeSpec:
        url = database_url.get(address, "sqlite")
        return NodeSpec(address, name, database_url=url, **more)  # type: ignore[arg-type]

    return [
        [hall(PROVINCE, "浙江省政务服务中心", has_children=True)],
        [
            hall(HANGZHOU, "杭州市政务服务中心", has_children=True),
            hall(JIAXING, "嘉兴市政务服务中心", has_children=True),
        ],
        [
            hall(YUHANG, "余杭区政务服务中心", has_children=True, portal=True),
            hall(CHUNAN, "淳安县政务服务中心", has_children=True, portal=True, split=True),
            hall(HAIYAN, "海盐县政务服务中心", has_children=True),
        ],
        [
            hall(WENCHANG, "文昌镇便民服务中心", portal=True, cuttable=True),
            hall(CANGQIAN, "仓前街道便民服务中心"),
            hall(SOCIAL_INSURANCE, "余杭区社会保险分厅", branch_field="社保"),
        ],
    ]


POSTGRESQL_HALLS = (PROVINCE, HANGZHOU, JIAXING, YUHANG, CHUNAN, HAIYAN)


@dataclass(frozen=True, slots=True)
class Villager:
    """Somebody who applies."""

    name: str
    number: str
    phone: str


_GIVEN = "芳秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂林"
_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def villager(seed: int) -> Villager:
    """An invented person with a number whose check digit is right."""
    chance = random.Random(seed)
    name = chance.choice(_FAMILY) + "".join(chance.sample(_GIVEN, 2))
    born = f"{chance.randint(1938, 1999)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    body = f"330127{born}{chance.randint(1, 998):03}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return Villager(name, body + "10X98765432"[total % 11], f"139{chance.randint(0, 99999999):08}")


def scan(seed: int, width: int = 320, height: int = 220) -> bytes:
    """A picture as a scanner makes it: a grey page with lines of writing, as PNG."""
    chance = random.Random(seed)
    rows = bytearray()
    for y in range(height):
        line = bytearray(chance.randint(238, 255) for _ in range(width))
        if y % 20 in (8, 9, 10, 11):
            end = chance.randint(width // 2, width - 20)
            for x in range(20, end):
                line[x] = chance.randint(20, 200)
        rows += b"\0" + line
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(bytes(rows), 6)),
            (b"IEND", b""),
        )
    )
