"""Concurrent calls in, full batches for one backend out; knows nothing of HTTP or of a runtime."""
