"""The searchable copy of a gallery in memory, derived from its store and disposable."""
