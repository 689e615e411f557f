import os

from hypothesis import settings

# Before torch is loaded: the networks of the tests are small, and threads that wait for each other
# on a busy machine cost them many times what they share.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure: speed is measured in benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
