"""What keeps the index of one process equal to the store, and proves that it is."""
