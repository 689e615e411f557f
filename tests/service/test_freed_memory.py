"""What was freed is not found in the memory of the process any more."""

import subprocess
import sys

PROBE = """
import ctypes
from service.freed_memory import overwrite_freed_memory
if {overwrites}:
    assert overwrite_freed_memory()
size = 200_000
ctypes.pythonapi.PyMem_RawMalloc.restype = ctypes.c_void_p
blocks = [ctypes.pythonapi.PyMem_RawMalloc(ctypes.c_size_t(2000)) for _ in range(64)]
for block in blocks:
    ctypes.memset(block, 0x37, 2000)
for block in blocks[:63]:
    ctypes.pythonapi.PyMem_RawFree(ctypes.c_void_p(block))
middle = ctypes.string_at(blocks[30] + 500, 1000)
print(middle.count(b"7"))
"""


def left_of_a_freed_block(*, overwrites):
    code = PROBE.format(overwrites=overwrites)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return int(run.stdout)


def test_freed_bytes_are_overwritten_and_would_be_there_otherwise():
    assert left_of_a_freed_block(overwrites=True) == 0
    assert left_of_a_freed_block(overwrites=False) > 900
