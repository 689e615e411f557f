"""Small tables of embeddings, written row by row or drawn by seed."""

import numpy as np

from training.evaluation.embedding_table import EmbeddingTable


def row(name, identity, camera, *embedding, outfit=""):
    """One tracklet; its embedding is brought to length 1."""
    vector = np.asarray(embedding, dtype=np.float64)
    return name, identity, camera, outfit, vector / np.linalg.norm(vector)


def table(*rows):
    names, identities, cameras, outfits, embeddings = zip(*rows, strict=True)
    return EmbeddingTable(
        names=np.array(names),
        identities=np.array(identities, dtype=np.int64),
        cameras=np.array([np.nan if c is None else c for c in cameras], dtype=np.float64),
        outfits=np.array(outfits),
        embeddings=np.array(embeddings, dtype=np.float32),
    )


def drawn_table(seed, size, *, prefix, identities=4, cameras=3, unknown=0.1, dimension=4):
    """Junk, distractors, unknown cameras and outfits, and embeddings that often tie exactly.

    Entries are -1/2, 0, 1/2 and ±1: such vectors of length 1 and their products are exact.
    """
    rng = np.random.default_rng(seed)
    corners = rng.choice([-0.5, 0.5], (size, 4))
    axes = rng.choice([-1.0, 1.0], (size, 1)) * np.eye(4)[rng.integers(0, 4, size)]
    embeddings = np.zeros((size, dimension))
    embeddings[:, :4] = np.where(rng.random((size, 1)) < 0.7, corners, axes)
    known = rng.random(size) >= unknown
    return EmbeddingTable(
        names=np.array([f"{prefix}{number}" for number in range(size)], dtype=np.str_),
        identities=rng.integers(-1, identities + 1, size),
        cameras=np.where(known, rng.integers(1, cameras + 1, size), np.nan),
        outfits=rng.choice(["", "coat", "shirt"], size),
        embeddings=embeddings.astype(np.float32),
    )


def people_table(seed, *, identities, tracklets, cameras=3, dimension=16, spread=0.7, prefix="t"):
    """Tracklets scattered around a centre per identity; identities count from 1."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(1, identities + 1), tracklets)
    centres = rng.standard_normal((identities, dimension))
    noise = spread * rng.standard_normal((len(labels), dimension))
    embeddings = centres[labels - 1] + noise
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return EmbeddingTable(
        names=np.array([f"{prefix}{number}" for number in range(len(labels))], dtype=np.str_),
        identities=labels,
        cameras=rng.integers(1, cameras + 1, len(labels)).astype(np.float64),
        outfits=np.full(len(labels), "", dtype=np.str_),
        embeddings=embeddings.astype(np.float32),
    )
