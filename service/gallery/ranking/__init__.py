"""From similarities to an answer: rules of cameras and time, identities, re-ranking."""
