"""Tracklets: where they come from and how they become batches of clips."""
