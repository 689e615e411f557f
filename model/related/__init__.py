"""Models that DCCT is compared with, on the same `TrackletFeatures`."""
