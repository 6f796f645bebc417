"""What glibc does with large blocks, in a process of its own: the setting cannot be taken back."""

from __future__ import annotations

import subprocess
import sys

import pytest

MAPPED = """
import ctypes
import numpy as np
from agent.allocator import LARGE, return_large_blocks

class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Mallinfo
{before}
np.empty(16 * LARGE, np.uint8)  # made and freed: glibc takes this size for usual from now on
before = libc.mallinfo2().hblks
block = np.empty(4 * LARGE, np.uint8)
print(libc.mallinfo2().hblks - before)
"""


def _mapped(before: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", MAPPED.replace("{before}", before)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_a_large_block_goes_back_to_the_system_even_after_a_larger_one() -> None:
    assert _mapped("") == "0", "what the setting is for"
    assert _mapped("assert return_large_blocks()") == "1"
    assert _mapped("import agent.rooms.preload") == "1", "calls are forked from a process that has it"
