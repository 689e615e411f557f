"""Another model's embeddings of the training frames, computed once, to learn from."""
