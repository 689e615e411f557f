"""From frames to the embedding of a tracklet: artifact, runtime, batching and pooling."""
