"""Uploaded bytes in, `uint8` frames out."""
