"""The commands of `reid-train`, a file per noun. Nothing heavy is imported before one runs."""
