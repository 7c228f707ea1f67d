"""Planting an error: a module is compiled from another text than the one in its file.

No file is touched, so other processes, Spark's workers among them, run the code as it is.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parents[3]

# What is loaded anew for every mutant, and what of it stays: this package, and where it stands.
_ANEW = ("pipeline", "simulator", "tests")
_HERE = __package__ or "tests.equivalence.mutants"


class StaleMutantError(Exception):
    """The text that a mutant replaces is not, or not only once, in its module."""


@dataclass(frozen=True)
class Mutant:
    """An error as somebody could make it.

    Attributes:
        name: A few words with hyphens.
        slip: What somebody got wrong, in a sentence.
        module: The module that the error is planted in.
        text: What is replaced; it occurs exactly once in the module.
        error: What stands there instead.
        tests: Paths of tests as pytest takes them, below the folder `tests`; one of them fails.
    """

    name: str
    slip: str
    module: str
    text: str
    error: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The module's file."""
        return ROOT / f"{self.module.replace('.', '/')}.py"

    def source(self) -> str:
        """Return the module's text with the error in it.

        Raises:
            StaleMutantError: The text to be replaced is not there exactly once.
        """
        sound = self.path.read_text(encoding="utf-8")
        times = sound.count(self.text)
        if times != 1:
            msg = f"{self.name}: its text occurs {times} times in {self.module}, expected once"
            raise StaleMutantError(msg)
        return sound.replace(self.text, self.error)


class _Loader(SourceFileLoader):
    """Compiles a given text as if it stood in the file."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._source = mutant.source()

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader has one module
        """Return the code of the given text; what is cached of the file does not count."""
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds the one module, and no other."""

    def __init__(self, mutant: Mutant) -> None:
        self._module = mutant.module
        self._loader = _Loader(mutant)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how the module is loaded, None for any other."""
        if fullname != self._module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = self._loader
        return spec


@contextmanager
def planted(mutant: Mutant | None) -> Iterator[None]:
    """Let everything that is imported from now on find the error; None plants nothing.

    Raises:
        StaleMutantError: See `Mutant.source`.
    """
    finders = [_Finder(mutant)] if mutant else []
    _forget()
    sys.meta_path[:0] = finders
    try:
        yield
    finally:
        for finder in finders:
            sys.meta_path.remove(finder)
        _forget()


def _forget() -> None:
    """Unload the project, apart from this package and those that it stands in."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _ANEW]:
        if f"{_HERE}.".startswith(f"{name}.") or name.startswith(f"{_HERE}."):
            continue
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        # `from parent import child` would still find it there.
        if parent in sys.modules and hasattr(sys.modules[parent], child):
            delattr(sys.modules[parent], child)
