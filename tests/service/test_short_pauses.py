import subprocess
import sys

CODE = """
import gc, sys
from service.short_pauses import keep_pauses_short
made_before = [[] for _ in range(1000)]
keep_pauses_short()
made_after = [[] for _ in range(10)]
looked_at = {id(thing) for thing in gc.get_objects()}
assert not any(id(thing) in looked_at for thing in made_before)
assert all(id(thing) in looked_at for thing in made_after)
print(sys.getswitchinterval())
"""


def test_what_was_made_before_is_not_looked_at_again_and_threads_take_turns_each_millisecond():
    """In a process of its own: it cannot be undone."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == "0.001\n"
