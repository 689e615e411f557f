"""Tracklets in, ranked identities out."""
