"""Reading a statement: Athena's grammar, less what sqlglot accepts from other dialects besides."""

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokenizer_core import Token, TokenType

from simulator.sql.errors import QueryError

_KEPT = ("CAST", "TRY_CAST", "EXTRACT")


class _Parser(TrinoParser):
    """Leaves every function as it is called, so that it can be held against Athena's own list."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: TrinoParser.FUNCTION_PARSERS[name] for name in _KEPT
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": TrinoParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }


class Athena3(Trino):
    """Athena's engine 3 for questions; statements that change anything are not its concern."""

    Parser = _Parser


_BEGINS = {TokenType.SELECT, TokenType.WITH, TokenType.VALUES, TokenType.L_PAREN}
# Tokens that sqlglot takes from other dialects, with what Athena says instead.
_FOREIGN = {
    TokenType.DCOLON: ("Athena has no `::`", "Write CAST(x AS type)."),
    TokenType.L_BRACE: ("Athena has no braces", ""),
    TokenType.ILIKE: ("Athena has no ILIKE", "Write LOWER(x) LIKE 'pattern'."),
    TokenType.GLOB: ("Athena has no GLOB", "Use LIKE."),
    TokenType.PIVOT: ("Athena has no PIVOT", "Sum over CASE expressions."),
    TokenType.UNPIVOT: ("Athena has no UNPIVOT", "Use UNION ALL."),
    TokenType.PLACEHOLDER: ("A parameter `?` has no value here", "Write the value."),
    TokenType.PARAMETER: ("Athena has no variables", "Write the value."),
    TokenType.ARROW: ("`->` is not offered here", ""),
    TokenType.DARROW: ("Athena has no `->>`", ""),
}
# Words that are names to sqlglot here, and clauses to others.
_FOREIGN_WORDS = {
    "QUALIFY": ("Athena has no QUALIFY", "Put the query into a subquery and use WHERE."),
    "PIVOT": ("Athena has no PIVOT", "Sum over CASE expressions."),
    "UNPIVOT": ("Athena has no UNPIVOT", "Use UNION ALL."),
}
_CHANGES = {
    "ALTER", "ANALYZE", "ATTACH", "CALL", "COPY", "CREATE", "DELETE", "DETACH", "DROP", "EXPORT",
    "GRANT", "IMPORT", "INSERT", "INSTALL", "LOAD", "MERGE", "MSCK", "OPTIMIZE", "PRAGMA",
    "REPLACE", "REVOKE", "SET", "TRUNCATE", "UNLOAD", "UPDATE", "USE", "VACUUM",
}  # fmt: skip


def parse(text: str) -> exp.Expr:
    """Return a question as a tree.

    Raises:
        QueryError: It is none, or not in Athena's dialect.
    """
    try:
        tokens = Athena3().tokenize(text)
    except TokenError as error:
        msg = f"The statement cannot be read: {str(error).splitlines()[0].rstrip('.')}."
        raise QueryError(msg, "Look for a quote that is not closed.") from error
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    _check_beginning(tokens)
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        _check_token(before, token, after)
    _check_limits(tokens)
    try:
        trees = Athena3().parser().parse(tokens, text)
    except ParseError as error:
        raise _syntax_error(error, tokens) from error
    if len(trees) != 1 or trees[0] is None:
        msg = "This is more than one statement."
        raise QueryError(msg, "Ask one at a time.")
    return trees[0]


def statements(text: str) -> list[str]:
    """Return the statements of a text, split at their semicolons; the last may lack one.

    Raises:
        QueryError: The text cannot be read.
    """
    try:
        tokens = Athena3().tokenize(text)
    except TokenError as error:
        msg = f"The statement cannot be read: {str(error).splitlines()[0].rstrip('.')}."
        raise QueryError(msg, "Look for a quote that is not closed.") from error
    ends = [t.start for t in tokens if t.token_type is TokenType.SEMICOLON] + [len(text)]
    starts = [0, *(end + 1 for end in ends)]
    parts = (text[start:end].strip() for start, end in zip(starts, ends, strict=False))
    return [part for part in parts if part and Athena3().tokenize(part)]


def _check_beginning(tokens: list[Token]) -> None:
    if not tokens:
        msg = "There is no statement."
        raise QueryError(msg, "Write for instance SELECT * FROM gold.daily_sales.")
    first = tokens[0]
    word = first.text.upper().split()[0] if first.text.split() else first.text
    if word in _CHANGES:
        msg = f"{word} is not allowed: the tables are only read here."
        raise QueryError(msg, "A run changes them: lakehouse simulate.", _place(first))
    if first.token_type is TokenType.FROM:
        msg = "A statement cannot begin with FROM in Athena."
        raise QueryError(msg, "Write SELECT * FROM.", _place(first))
    _check_token(None, first, None)
    if first.token_type not in _BEGINS:
        msg = f"Expected SELECT or WITH, got {first.text}."
        raise QueryError(msg, "", _place(first))


def _check_token(before: Token | None, token: Token, after: Token | None) -> None:
    kind = token.token_type
    foreign = _FOREIGN.get(kind)
    if foreign is None and not token.text.startswith('"') and kind is not TokenType.STRING:
        foreign = _FOREIGN_WORDS.get(token.text.upper())
    if foreign is not None:
        what, hint = foreign
        raise QueryError(f"{what}.", hint, _place(token))
    if token.text in {"==", "<=>", "!<", "!>"}:
        raise QueryError(f"Athena has no {token.text}.", "Use =, <, > or <>.", _place(token))
    if kind is TokenType.SLASH and before is not None and before.token_type is TokenType.SLASH:
        msg = "Athena has no //."
        raise QueryError(msg, "`/` of whole numbers gives a whole number.", _place(token))
    if kind is TokenType.INTERVAL and after is not None and after.token_type is TokenType.NUMBER:
        msg = "Athena wants the number of an interval in quotes."
        raise QueryError(msg, f"Write INTERVAL '{after.text}' DAY.", _place(token))
    if kind is TokenType.VAR and token.text.startswith(("$", "@")):
        raise QueryError(f"{token.text} has no value here.", "Write the value.", _place(token))
    if kind is TokenType.L_BRACKET and (before is None or before.text.upper() != "ARRAY"):
        msg = "Brackets are for ARRAY[...] only."
        raise QueryError(msg, "Use ELEMENT_AT for an element of an array.", _place(token))
    if kind is TokenType.FROM and before is not None and before.token_type is TokenType.L_PAREN:
        msg = "A query cannot begin with FROM in Athena."
        raise QueryError(msg, "Write SELECT * FROM.", _place(token))
    if (
        kind is TokenType.COMMA
        and after is not None
        and after.token_type in {TokenType.FROM, TokenType.R_PAREN, TokenType.R_BRACKET}
    ):
        raise QueryError("There is nothing after this comma.", "", _place(token))


def _check_limits(tokens: list[Token]) -> None:
    """Refuse LIMIT before OFFSET: Athena has them the other way round."""
    limited: list[bool] = [False]
    for token in tokens:
        match token.token_type:
            case TokenType.L_PAREN:
                limited.append(False)
            case TokenType.R_PAREN if len(limited) > 1:
                limited.pop()
            case TokenType.LIMIT | TokenType.FETCH:
                limited[-1] = True
            case TokenType.OFFSET if limited[-1]:
                msg = "In Athena OFFSET comes before LIMIT."
                raise QueryError(msg, "Write OFFSET 10 LIMIT 5.", _place(token))
            case _:
                pass


def _syntax_error(error: ParseError, tokens: list[Token]) -> QueryError:
    first = error.errors[0] if error.errors else {}
    word = " ".join(str(first.get("highlight") or "").split())
    line, column = first.get("line"), first.get("col")
    if not word or line is None or column is None:
        last = tokens[-1]
        said = str(first.get("description") or "it cannot be understood").splitlines()[0]
        said = said.partition(" for <class")[0].rstrip(".")
        msg = f"Something is missing near {last.text!r}: {said}."
        return QueryError(msg, "Look at the end of the statement.", _place(last))
    place = (int(line), max(1, int(column) - len(word) + 1))
    return QueryError(f"{word!r} is not expected here.", "Look at what stands before it.", place)


def _place(token: Token) -> tuple[int, int]:
    return token.line, max(1, token.col - (token.end - token.start))
