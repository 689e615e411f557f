"""The layout of OpenAI's CLIP files, made from timm's: the other way round than timm converts."""

_NAMES = (
    ("patch_embed.proj", "conv1"),
    ("pos_embed", "positional_embedding"),
    ("cls_token", "class_embedding"),
    ("norm_pre", "ln_pre"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
    ("attn.proj", "attn.out_proj"),
    ("qkv.", "in_proj_"),
    ("norm1", "ln_1"),
    ("norm2", "ln_2"),
    ("blocks.", "transformer.resblocks."),
)


def to_clip(state):
    """The visual tower of CLIP, from the state of a timm network."""
    renamed = {}
    for key, value in state.items():
        clip = key
        for ours, theirs in _NAMES:
            clip = clip.replace(ours, theirs)
        clip = clip.replace("norm.", "ln_post.") if clip.startswith("norm.") else clip
        flat = {"positional_embedding": value.squeeze(0), "class_embedding": value.flatten()}
        renamed[clip] = flat.get(clip, value)
    return renamed
