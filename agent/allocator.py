"""Sound comes and goes in large blocks; without this, a process keeps the room they took.

glibc maps a large block apart and unmaps it when it is freed, but each time that happens it raises the size that counts
as large, up to 32 MB. From then on buffers of sound lie among small objects, and what they leave behind stays with the
process: tens of MB, more after every long answer.
"""

from __future__ import annotations

import ctypes
import sys

LARGE = 2**20  # bytes; half a minute of sound for the recogniser has 1.8 MB
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h; once it is set, it stays


def return_large_blocks() -> bool:
    """From now on, in this process and those forked from it. False where the C library has no such setting."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and mallopt(_MMAP_THRESHOLD, LARGE) == 1
