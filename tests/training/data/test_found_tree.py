from training.data.found_tree import draw_tree


def touch(root, *paths):
    for name in paths:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_folders_come_before_files_and_images_are_counted(tmp_path):
    touch(tmp_path / "set", "b/2.jpg", "b/1.jpg", "b/3.PNG", "a/list.txt", "readme.md")
    assert draw_tree(tmp_path / "set") == (
        "set/\n"
        "├── a/\n"
        "│   └── list.txt\n"
        "├── b/\n"
        "│   ├── 1.jpg\n"
        "│   └── … and 2 more images\n"
        "└── readme.md\n"
    )


def test_of_many_folders_the_first_are_drawn(tmp_path):
    touch(tmp_path / "set", *(f"{number:04d}/1.jpg" for number in range(1, 1301)))
    assert draw_tree(tmp_path / "set") == (
        "set/\n├── 0001/\n│   └── 1.jpg\n├── 0002/\n│   └── 1.jpg\n└── … and 1,298 more\n"
    )


def test_six_folders_are_all_drawn_and_no_deeper_than_five(tmp_path):
    touch(tmp_path / "set", *(f"{name}/a/b/c/d/e/f.txt" for name in "abcdef"))
    lines = draw_tree(tmp_path / "set").splitlines()
    assert sum(line.startswith(("├── ", "└── ")) for line in lines) == 6
    assert not any("more" in line or "f.txt" in line for line in lines)
    assert sum(line.endswith("── d/") and "    " in line for line in lines) == 6


def test_what_is_no_folder_is_said_in_words(tmp_path):
    touch(tmp_path, "file")
    assert draw_tree(tmp_path / "file") == f"{tmp_path / 'file'}: a file\n"
    assert draw_tree(tmp_path / "absent") == f"{tmp_path / 'absent'}: nothing at all\n"
