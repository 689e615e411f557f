"""What the code of the service and the model never does, wherever it stands."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path.relative_to(ROOT)
    for package in ("service", "model")
    for path in (ROOT / package).rglob("*.py")
)
RUNS_WHAT_IT_READS = {"pickle", "marshal", "shelve", "dill", "joblib"}
CALLS = {"eval", "exec", "faiss.read_index", "faiss.write_index"}
"""FAISS trusts a file with every length in it."""


def complaints(tree: ast.AST) -> list[str]:
    """What is forbidden there, in the order of the code."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(f"{node.lineno}: assert is gone under python -O")
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else node.names
            names = [str(getattr(one, "name", one)) for one in modules]
            found += [
                f"{node.lineno}: {name} runs what it reads"
                for name in names
                if name.partition(".")[0] in RUNS_WHAT_IT_READS
            ]
        pickles = isinstance(node, ast.keyword) and node.arg == "allow_pickle"
        if pickles and ast.unparse(node.value) != "False":
            found.append(f"{node.lineno}: a pickle runs what it reads")
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
            found.append(f"{node.lineno}: {ast.unparse(node.func)}() is not for data from outside")
    return found


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_behaviour_hangs_on_an_assert_and_nothing_read_is_run(source):
    assert complaints(ast.parse((ROOT / source).read_text())) == []


@pytest.mark.parametrize(
    "line",
    [
        "assert stored",
        "import pickle",
        "import numpy, pickle",
        "from pickle import loads",
        "import joblib.memory",
        "faiss.read_index(path)",
        "index = faiss.write_index(index, path)",
        "eval(text)",
        "np.load(file, allow_pickle=True)",
    ],
)
def test_each_of_them_is_found(line):
    assert len(complaints(ast.parse(line))) == 1


def test_what_only_looks_like_it_is_not():
    innocent = "network.eval()\nnp.load(path, allow_pickle=False)\nfrom . import view"
    assert complaints(ast.parse(innocent)) == []
