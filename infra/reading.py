"""Reading a stack's configuration: every fault is one sentence, before anything is planned."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from infra.config import NAMESPACE, ConfigError, Job, Section, Settings


def read(values: Mapping[str, str], stack: str) -> Settings:
    """Return the settings that a stack's configuration holds.

    Args:
        values: Values by full key, e.g. `lakehouse:region`; structured ones as JSON.
        stack: Name of the stack.

    Raises:
        ConfigError: A value is wrong, missing or unknown; the first one is told.
    """
    where = f"Pulumi.{stack}.yaml"
    given: dict[str, Any] = {"environment": stack}
    for key, text in values.items():
        namespace, _, name = key.partition(":")
        if namespace == "aws":
            msg = (
                f"{where}: {key} is not read. Give region and account as lakehouse:region and "
                "lakehouse:account, and credentials in the environment (AWS_PROFILE)."
            )
            raise ConfigError(msg)
        if namespace == NAMESPACE:
            given[name] = _value(text)
    if values.get(f"{NAMESPACE}:environment") is not None:
        msg = f"{where}: lakehouse:environment cannot be set; it is the stack's name, {stack}."
        raise ConfigError(msg)
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise ConfigError(_sentence(error, where)) from None


def _value(text: str) -> Any:
    """Return a value: structured ones come as JSON, all others as text."""
    if text[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _sentence(error: ValidationError, where: str) -> str:
    """Return the first fault as one sentence, and how many there are besides."""
    first, *others = error.errors(include_url=False)
    key = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ").rstrip(".")
    more = f" ({len(others)} more after that.)" if others else ""
    if key == "environment":
        return f"The stack's name {first['input']!r} cannot be used: {_lower(said)}.{more}"
    if first["type"] == "missing":
        example = f"pulumi config set --path {NAMESPACE}:{key} VALUE"
        return f"{where}: {NAMESPACE}:{key} is missing. Set it there, or: {example}{more}"
    if first["type"] == "extra_forbidden":
        known = ", ".join(_siblings(first["loc"][:-1]))
        return f"{where}: {NAMESPACE}:{key} is unknown. Known here: {known}.{more}"
    if not key:
        return f"{where}: {said}.{more}"
    return f"{where}: {NAMESPACE}:{key} is {first['input']!r}: {_lower(said)}.{more}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _siblings(path: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are known at a place of the schema."""
    model: Any = Settings
    for part in path:
        annotation = model.model_fields[part].annotation if part in model.model_fields else Job
        found = [kind for kind in (annotation, *_arguments(annotation)) if _is_section(kind)]
        model = found[0] if found else model
    return sorted(name for name in model.model_fields if name != "environment")


def _arguments(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)
