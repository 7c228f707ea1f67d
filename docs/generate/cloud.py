"""What the Pulumi program knows of the cloud: resources, roles, alarms, configuration."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.generate import stack
from docs.generate.markdown import code, mermaid, table
from docs.generate.pages import ROOT
from infra.alarms import alarms
from infra.config import NAMESPACE, Settings
from infra.duties import duties
from infra.names import Names
from infra.policies import UNBOUNDED
from infra.reading import read
from infra.rights import Duty

ENVIRONMENTS = ("dev", "test", "prod")


def _names() -> Names:
    return Names(read(stack.config(), stack.ENVIRONMENT), stack.ACCOUNT)


def _components() -> dict[str, list[stack.Resource]]:
    """Return the resources of every component, by its name."""
    found = stack.resources()
    kinds = {one.urn: one.kind for one in found if one.type.startswith("lakehouse:")}
    by_component: dict[str, list[stack.Resource]] = {kind: [] for kind in kinds.values()}
    for one in found:
        if one.parent in kinds and one.urn not in kinds:
            by_component[kinds[one.parent]].append(one)
    return by_component


def resources() -> str:
    """Return the components of a prod stack with what they consist of."""
    rows = []
    for component, within in _components().items():
        counts = Counter(one.kind for one in within)
        parts = [
            kind if number == 1 else f"{number} {kind}" for kind, number in sorted(counts.items())
        ]
        rows.append((f"**{component}**", str(len(within)), ", ".join(parts)))
    total = sum(len(within) for within in _components().values())
    return table(("component", "resources", "of these kinds"), [*rows, ("", str(total), "")])


def graph() -> str:
    """Return which component needs to know which."""
    components = _components()
    owner = {one.urn: name for name, within in components.items() for one in within}
    needs = {
        (owner[urn], name): None
        for name, within in components.items()
        for one in within
        for urn in one.needs
        if urn in owner and owner[urn] != name
    }
    lines = ["flowchart LR"]
    lines += [f'    {name}["{name}<br>{len(of)} resources"]' for name, of in components.items()]
    return mermaid([*lines, *(f"    {one} --> {other}" for one, other in needs)])


def alarm_table() -> str:
    """Return the alarms of a prod stack."""
    names = _names()
    return table(
        ("alarm", "severity", "means", "measured by"),
        [
            (
                f"[`{one.name}`](#{one.name})",
                one.severity,
                one.means.replace(f"{names.stem}-", ""),
                f"{one.namespace} {one.metric}",
            )
            for one in alarms(names)
        ],
    )


def roles() -> str:
    """Return every role: what it is for, who takes it on, what it may do."""
    found = duties(_names(), key="").values()
    return table(
        ("role", "for", "taken on by", "actions by service"),
        [(f"`{d.name}`", d.does, _trusted(d), ", ".join(_services(d))) for d in found],
    )


def _trusted(duty: Duty) -> str:
    principals = [s["Principal"] for s in duty.trust["Statement"] if s["Effect"] == "Allow"]
    named = [v for p in principals if isinstance(p, Mapping) for v in p.values()]
    flat = [one for v in named for one in ([v] if isinstance(v, str) else v)]
    people = r"^arn:aws:iam::\d+:root$"
    return code(sorted({re.sub(people, "people of the account", principal) for principal in flat}))


def _services(duty: Duty) -> list[str]:
    actions = [
        action
        for statement in duty.statements
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]
    counts = Counter(action.partition(":")[0] for action in dict.fromkeys(actions))
    return [f"{service} ({number})" for service, number in sorted(counts.items())]


def unbounded() -> str:
    """Return every permission that AWS lets nobody narrow down to a resource."""
    return table(
        ("statement", "actions on `*`", "why"),
        [(one.sid, code(one.actions, "<br>"), one.reason) for one in UNBOUNDED],
    )


def configuration() -> str:
    """Return every key of a stack's configuration, with what it means and its default."""
    rows = [(f"`{key}`", _value(default), meaning) for key, meaning, default in _keys(Settings)]
    return table(("key", "default", "meaning"), rows)


def environments() -> str:
    """Return what sets the environments apart: the keys that their files say something of."""
    said = {name: _said(name) for name in ENVIRONMENTS}
    rows = [
        (f"`{key}`", *(_value(said[name].get(key)) for name in said))
        for key, _, _ in _keys(Settings)
        if any(key in of_one for of_one in said.values())
    ]
    return table(("key", *ENVIRONMENTS), rows)


def _said(environment: str) -> dict[str, Any]:
    """Return what a stack's file says, with the keys of sections joined by dots."""
    text = (ROOT / f"Pulumi.{environment}.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)["config"]
    own = {k.removeprefix(f"{NAMESPACE}:"): v for k, v in config.items() if k.startswith(NAMESPACE)}
    flat: dict[str, Any] = {}
    for key, value in own.items():
        field = Settings.model_fields[key]
        if isinstance(value, Mapping) and _section(field) is not None:
            flat |= {f"{key}.{inner}": one for inner, one in value.items()}
        else:
            flat[key] = value
    return flat


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    meanings = _meanings(model)
    for name, field in model.model_fields.items():
        if name == "environment":  # It is the stack's name.
            continue
        section = _section(field)
        if section is not None:
            yield from _keys(section, f"{name}.")
        else:
            yield f"{prefix}{name}", meanings[name], field.get_default(call_default_factory=True)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section that a field holds, be it optional; None for a plain value."""
    kind = field.annotation
    kinds = get_args(kind) if get_origin(kind) in {Union, UnionType} else [kind]
    return next((k for k in kinds if inspect.isclass(k) and issubclass(k, BaseModel)), None)


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstring of a model says of its attributes."""
    _, _, said = inspect.cleandoc(model.__doc__ or "").partition("Attributes:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", said, re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in entries}


def _value(value: Any) -> str:
    match value:
        case None | () | []:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case Mapping():
            return "<br>".join(f"{key}: {_plain(inner)}" for key, inner in value.items())
        case _ if value is PydanticUndefined:
            return "needed"
        case _:
            return f"`{value}`"


def _plain(inner: Any) -> str:
    if isinstance(inner, Mapping):
        return ", ".join(f"{key} `{value}`" for key, value in inner.items())
    return f"`{inner}`"
