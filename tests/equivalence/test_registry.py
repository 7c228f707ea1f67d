"""No transform without a property: what is added must be held on both engines, too."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from pipeline import transforms
from tests.equivalence import test_gold, test_silver


def public_functions(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for name, member in vars(module).items():
        is_own = getattr(member, "__module__", None) == module.__name__
        if is_own and callable(member) and not inspect.isclass(member) and name[0] != "_":
            yield member


def test_every_public_transform_has_a_property() -> None:
    found = {
        function
        for module in pkgutil.walk_packages(transforms.__path__, f"{transforms.__name__}.")
        for function in public_functions(importlib.import_module(module.name))
    }
    assert found == {*test_gold.PROPERTIES, *test_silver.PROPERTIES}


def test_every_property_is_a_test_of_its_module() -> None:
    for module in (test_gold, test_silver):
        for held_by in module.PROPERTIES.values():
            assert getattr(module, held_by.__name__) is held_by
            assert held_by.__name__.startswith("test_")
