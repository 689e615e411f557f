"""The durable store of tracklets and the exact index that is derived from it."""
