import os

# Before torch is loaded: the networks of the tests are small, and threads that wait for each other
# on a busy machine cost them many times what they share.
os.environ.setdefault("OMP_NUM_THREADS", "1")
