"""The networks of video person re-identification, and the contract of their export."""
