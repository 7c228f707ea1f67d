"""Property values as Pulumi has them, fitted to the request of an AWS operation.

The two name the same things: `maxConcurrentRuns` here, `MaxConcurrentRuns` there. So a request is
made by the operation's own declaration, which boto3 carries with it, and a value that has no place
in it is an error, not dropped.
"""

import re
from collections.abc import Mapping
from typing import Any


class MisfitError(ValueError):
    """A property has no place in the request."""


def fitted(shape: Any, given: Any, names: Mapping[str, str | None], at: str = "") -> Any:
    """Return a value as this shape of botocore wants it.

    Args:
        shape: Declaration of the value, a shape of botocore.
        given: Value as Pulumi has it; names in structures are in camel case.
        names: Member for a property whose name says something else, by the property's path without
            indices (`rules.transitions.days`); None for what is told to AWS in another way.
        at: Path of this value.

    Raises:
        MisfitError: A property has no member of its name.
    """
    if shape.type_name == "structure":
        return _structure(shape, given, names, at)
    if shape.type_name == "list":
        # Where the provider allows one element only, Pulumi leaves the list away.
        elements = given if isinstance(given, list) else [given]
        return [fitted(shape.member, element, names, at) for element in elements]
    if shape.type_name == "map":
        return {key: fitted(shape.value, value, {}, at) for key, value in given.items()}
    if shape.type_name in {"integer", "long"}:
        return int(given)
    if shape.type_name in {"float", "double"}:
        return float(given)
    if shape.type_name == "boolean":
        return given if isinstance(given, bool) else given == "true"
    if shape.type_name == "string":
        return _text(given)
    return given


def _structure(shape: Any, given: Any, names: Mapping[str, str | None], at: str) -> dict[str, Any]:
    found = {}
    members = {_plain(name): name for name in shape.members}
    for key, value in given.items():
        path = f"{at}.{key}" if at else key
        if path in names:
            member = names[path]
        else:
            # Lists are named in the plural at one side, sometimes.
            alike = (key, key.removesuffix("s"), f"{key}s")
            member = next((members[_plain(k)] for k in alike if _plain(k) in members), None)
            if member is None:
                raise MisfitError(
                    f"{path} has no place in {shape.name}: it has {sorted(shape.members)}"
                )
        if member is not None and value is not None:
            found[member] = fitted(shape.members[member], value, names, path)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _text(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, float) and given.is_integer():
        return str(int(given))
    return str(given)
