"""The CNN and Transformer backbones, cut to frame maps and tokens."""
