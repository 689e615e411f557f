"""Small tables of a user's own data, as the tests of the manifest write them."""

HEADER = "frame,identity,camera,tracklet,split"
EXAMPLE = """\
frame,identity,camera,tracklet,split,timestamp
a/1.jpg,ann,door,ann-1,train,
a/2.jpg,ann,door,ann-1,train,
b/1.jpg,bob,,bob-1,query,2026-01-31T08:00:00
b/2.jpg,bob,yard,bob-2,gallery,2026-01-31T09:00:01
b/3.jpg,bob,yard,bob-2,gallery,2026-01-31T09:00:00
"""


def write_table(folder, text, name="manifest.csv"):
    """The table as given, and an empty file for every frame it names."""
    for line in text.splitlines()[1:]:
        frame = folder / line.split(",")[0]
        frame.parent.mkdir(parents=True, exist_ok=True)
        frame.touch()
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
