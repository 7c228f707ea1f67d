"""The rooms of the code in their order, from the walls that are declared in pyproject.toml."""

import ast
import tomllib
from pathlib import Path

from docs.generate.markdown import table
from docs.generate.pages import ROOT


def rooms() -> str:
    """Return every room of the pipeline from top to bottom, with what its docstring says.

    Raises:
        StopIteration: The walls have no layers of the pipeline any more.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    walls = project["tool"]["importlinter"]["contracts"]
    layers = next(wall["layers"] for wall in walls if wall["id"] == "pipeline-layers")
    # In parentheses: may be absent.
    names = [name.strip("()") for name in layers]
    places = [(name, ROOT / "pipeline" / name) for name in names]
    return table(
        ("room", "what it is"),
        [(_link(path), _first_line(path)) for _, path in places if _module(path).is_file()],
    )


def _module(path: Path) -> Path:
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _link(path: Path) -> str:
    place = path if path.is_dir() else path.with_suffix(".py")
    name = place.relative_to(ROOT).as_posix()
    return f"[`{name}`](../{name})"


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(_module(path).read_text(encoding="utf-8")))
    return (docstring or "").split("\n\n", 1)[0].replace("\n", " ")
