"""Keeps the interpreter from holding the event loop up, whose answers to probes must be quick.

The service has a thread for each lane, for decoding and for searches, and a hundred thousand
objects that live as long as it does.
"""

import gc
import sys

_SWITCH_S = 1e-3
"""The default of 5 ms, times a few busy threads, is as long as a probe may take altogether."""


def keep_pauses_short() -> None:
    """Call once, when what lives as long as the process has been made.

    The collector looks at all objects about once in ten seconds of uploads, which stops every
    thread for tens of milliseconds. It then only looks at those that are made from now on.
    """
    sys.setswitchinterval(_SWITCH_S)
    gc.freeze()
