"""What decides runs where no engine is installed, and every refusal has its check."""

import ast
import subprocess
import sys
from pathlib import Path

import pipeline.landing
from pipeline.contracts.checks import FILE_CHECKS

DECIDING = ("decision", "measure", "notices", "records", "thresholds", "trend")


def test_deciding_needs_no_engine() -> None:
    modules = ", ".join(f"pipeline.quality.{name}" for name in DECIDING)
    script = (
        f"import sys, {modules}, pipeline.quality.measuring.raw\n"
        "libraries = {'narwhals', 'polars', 'pyarrow', 'pyspark', 'deltalake', 'numpy'}\n"
        "print(sorted(libraries & set(sys.modules)))"
    )
    root = Path(next(iter(pipeline.landing.__path__))).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_every_refusal_is_a_declared_check() -> None:
    words = set()
    for folder in pipeline.landing.__path__:
        for file in Path(folder).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    place = {"FileRefusedError": 0, "Refusal": 2}.get(node.func.id)
                    word = node.args[place] if place is not None else None
                    if isinstance(word, ast.Constant):
                        words.add(word.value)
    assert words == set(FILE_CHECKS)
