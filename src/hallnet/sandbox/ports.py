"""Free ports of 127.0.0.1 for servers that are started a moment later.

Ports below the range from which the system takes ports for outgoing connections, so that no connection
takes one away; and each is reserved among the sandboxes of the machine for as long as its process lives.
"""

from __future__ import annotations

import random
import socket
import sys

LOOPBACK = "127.0.0.1"
FIRST, LAST = 15_000, 32_000
TRIES_MAX = 500

_reserved: list[socket.socket] = []


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on and no other sandbox was given."""
    found: list[int] = []
    for _ in range(TRIES_MAX):
        if len(found) == count:
            return found
        port = random.randrange(FIRST, LAST)
        if _reserve(port) and _is_free(port):
            found.append(port)
    raise OSError(f"no {count} free ports between {FIRST} and {LAST}")


def free_port() -> int:
    return free_ports(1)[0]


def _reserve(port: int) -> bool:
    if sys.platform != "linux":
        return True
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        # A name in Linux' abstract space: it vanishes with the process.
        mark.bind(f"\0hallnet-sandbox-port-{port}")
    except OSError:
        mark.close()
        return False
    _reserved.append(mark)
    return True


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
