"""What the installed SDK of the AWS provider knows of a kind of resource: its input properties.

The provider proper refuses a property it does not know, or a value of the wrong type. So does the
emulator, from the declarations that the SDK was generated with.
"""

import importlib
import inspect
import types
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import pulumi
from pulumi._types import input_type_py_to_pulumi_names, is_input_type
from pulumi.runtime.rpc import UNKNOWN

_MODULES = {"lambda": "lambda_"}  # Words that Python keeps for itself.


def faults(token: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each property that the SDK does not know as it is, and what is wrong with it.

    Args:
        token: Kind of resource, as `aws:glue/job:Job`.
        properties: Input properties with their names in camel case.
    """
    yield from _structure(_arguments(token), properties, "")


def _arguments(token: str) -> type:
    """Return the class of the SDK that holds a kind's input properties."""
    _, path, name = token.split(":")
    module = path.split("/", maxsplit=1)[0]
    package = importlib.import_module(f"pulumi_aws.{_MODULES.get(module, module)}")
    # The first is the name when a type of the service has the other one.
    found = getattr(package, f"{name}InitArgs", None) or getattr(package, f"{name}Args")
    assert isinstance(found, type)  # noqa: S101 - what the SDK's generator guarantees
    return found


@cache
def _declared(arguments: type) -> dict[str, tuple[Any, bool]]:
    """Return the type of each property, and whether it has to be given."""
    scope = {"Output": pulumi.Output, "T": Any}
    make = inspect.getattr_static(arguments, "__init__")
    hints = get_type_hints(make, localns=scope)
    signature = inspect.signature(make).parameters
    return {
        public: (hints[name], signature[name].default is inspect.Parameter.empty)
        for name, public in input_type_py_to_pulumi_names(arguments).items()
    }


def _structure(arguments: type, given: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    declared = _declared(arguments)
    for name, value in given.items():
        path = f"{at}{name}"
        if name not in declared:
            known = ", ".join(sorted(declared))
            yield path, f"There is no property {name}. {arguments.__name__} has {known}."
        else:
            yield from _value(declared[name][0], value, path)
    for name, (_, required) in declared.items():
        if required and given.get(name) is None:
            yield f"{at}{name}", f"The property {name} is missing, and has to be given."


def _value(declared: Any, given: Any, path: str) -> Iterator[tuple[str, str]]:
    if given is None or given == UNKNOWN:
        return
    choices = [*_choices(declared)]
    if Any in choices:
        return
    structures = [choice for choice in choices if is_input_type(choice)]
    if structures and isinstance(given, dict):
        yield from _structure(structures[0], given, f"{path}.")
        return
    for choice in choices:
        origin = get_origin(choice)
        if isinstance(given, list) and origin in _LISTS:
            for index, element in enumerate(given):
                yield from _value(get_args(choice)[0], element, f"{path}[{index}]")
            return
        if isinstance(given, dict) and origin in _MAPS:
            for key, element in given.items():
                yield from _value(get_args(choice)[1], element, f"{path}.{key}")
            return
        if _is_plain(choice, given):
            return
    yield path, f"{given!r} is not what {path} takes: {', '.join(map(_named, choices))}."


_SIGNATURE = "4dabf18193072939515e22adb298388d"  # Of assets and archives, as messages.
_LATER = (pulumi.Output, Awaitable)
_LISTS = (list, Sequence)
_MAPS = (dict, Mapping)


def _choices(declared: Any) -> Iterator[Any]:
    """Yield what a value may be, the ways to hand it over later left out."""
    if get_origin(declared) in {Union, types.UnionType}:
        for choice in get_args(declared):
            yield from _choices(choice)
    elif get_origin(declared) not in _LATER and declared is not type(None):
        yield declared


def _is_plain(choice: Any, given: Any) -> bool:
    if not isinstance(choice, type):
        return False
    if issubclass(choice, str):
        return isinstance(given, str)
    if choice is bool:
        return isinstance(given, bool)
    if choice is int:
        return _is_number(given) and given == int(given)
    if choice is float:
        return _is_number(given)
    return issubclass(choice, pulumi.Asset | pulumi.Archive) and _SIGNATURE in given


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _named(choice: Any) -> str:
    return choice.__name__ if isinstance(choice, type) else str(choice)
