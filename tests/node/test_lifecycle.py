"""The life of a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

_OWN_PAGES = """
import ctypes
from hallnet.node import lifecycle

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
{before}
long = bytearray(16 * lifecycle.OWN_PAGES_FROM_BYTES)
del long
before = libc.mallinfo2().hblkhd
batches = [bytearray(lifecycle.OWN_PAGES_FROM_BYTES) for _ in range(100)]
print(libc.mallinfo2().hblkhd - before > 50 * lifecycle.OWN_PAGES_FROM_BYTES)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux")
@pytest.mark.parametrize(
    ("before", "has"), [("lifecycle.spare_the_memory()", "True"), ("", "False")]
)
def test_what_a_batch_took_goes_back_to_the_system(before: str, has: str) -> None:
    """Also after something longer was freed, at which the C library by itself keeps what follows."""
    command = [sys.executable, "-c", _OWN_PAGES.format(before=before)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == has
