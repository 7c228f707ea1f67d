"""Whether policies allow a call, decided as IAM decides within one account.

There is no library that is kept up and does it: linters read policies, and moto's own evaluation
takes a condition that does not hold for a denial. This is the part of the rules that this project's
policies use; a word that it does not know is an error, never a silent yes or no.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import translate
from functools import cache
from operator import eq
from typing import Any

Context = Mapping[str, str]


class UnknownRuleError(ValueError):
    """A policy uses something that is not decided here."""


def allows(
    policies: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context
) -> bool:
    """Return whether a call is allowed: some statement allows it, and none denies it.

    Args:
        policies: Policy documents of the caller.
        action: What is done, as `s3:GetObject`.
        resource: ARN of what it is done to.
        context: What conditions may ask about the call, by key.

    Raises:
        UnknownRuleError: A policy cannot be decided.
    """
    allowed = False
    for policy in policies:
        for statement in policy["Statement"]:
            if _concerns(statement, action, resource, context):
                if statement["Effect"] == "Deny":
                    return False
                allowed = True
    return allowed


_KNOWN = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}


def _concerns(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    unknown = set(statement) - _KNOWN
    if unknown or statement["Effect"] not in {"Allow", "Deny"}:
        msg = (
            f"A statement has {sorted(unknown) or statement['Effect']}, which is not decided here."
        )
        raise UnknownRuleError(msg)
    return (
        any(_like(pattern.lower(), action.lower()) for pattern in _list(statement["Action"]))
        and any(_like(pattern, resource) for pattern in _list(statement["Resource"]))
        and all(
            _holds(operator, key, _list(wanted), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    """Return whether a condition holds; one about something that the call lacks does not."""
    value = next((context[k] for k in context if k.lower() == key.lower()), None)
    if operator == "Null":
        return (value is None) == (wanted[0].lower() == "true")
    plain = operator.removesuffix("IfExists")
    if value is None and plain != operator:
        return True
    negated = plain.replace("Not", "")
    if negated not in _OPERATORS:
        msg = f"The condition {operator} is not decided here."
        raise UnknownRuleError(msg)
    if value is None:
        return negated != plain
    found = any(_OPERATORS[negated](one, value) for one in wanted)
    return found if negated == plain else not found


def _list(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # IAM knows `*` and `?`; brackets are themselves.
    return re.compile(translate(pattern.replace("[", "[[]")))


def _like(pattern: str, value: str) -> bool:
    return _pattern(pattern).match(value) is not None


# Operators by what is wanted and what is there.
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "StringEquals": eq,
    "StringLike": _like,
}
