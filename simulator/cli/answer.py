"""Answers as people and programs want them: a table, CSV, JSON, Parquet, a picture."""

import csv
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pipeline.errors import CallError, LakehouseError
from simulator.cli import console
from simulator.cli.plot import print_plot
from simulator.cli.text import cell, count, path_for_user, plain

if TYPE_CHECKING:
    from simulator.sql.session import Result


class Format(StrEnum):
    """Forms of an answer, as words of a call."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def format_for(asked: Format | None, to: Path | None) -> Format:
    """Return the form of an answer: as asked for, else as the file's name tells.

    Raises:
        CallError: The form needs a file, or the file's name tells no form.
    """
    if asked is None:
        if to is None:
            return Format.TABLE
        ending = to.suffix.lower().lstrip(".")
        if ending not in {Format.CSV, Format.JSON, Format.PARQUET}:
            msg = f"The name {to} does not tell in which form the answer is wanted."
            raise CallError(msg, "Let it end in .csv, .json or .parquet, or give --format.")
        return Format(ending)
    if asked is Format.PARQUET and to is None:
        msg = "Parquet goes into a file."
        raise CallError(msg, "Give it with --to FILE.")
    if asked is Format.TABLE and to is not None:
        msg = "A table is for the terminal."
        raise CallError(msg, "Give --format csv, json or parquet, or leave --to out.")
    return asked


def give(
    result: "Result",
    form: Format,
    to: Path | None,
    *,
    limit: int,
    plot: bool = False,
    measure: str | None = None,
) -> None:
    """Give an answer in the form that is wanted.

    Args:
        result: The answer.
        form: Its form.
        to: The file to write; None for standard output.
        limit: Rows of a table to show; 0 for all.
        plot: Whether a picture is wanted in the place of the table.
        measure: The column that the picture shows; None for the first of numbers.

    Raises:
        LakehouseError: The file cannot be written.
    """
    if plot:
        print_plot(result.fields, list(result.rows()), measure)
    elif form is Format.TABLE:
        _print_table(result, limit)
    elif form is Format.CSV:
        _check_names(result)
        with _output(to) as file:
            _write_csv(result, file)
    elif form is Format.JSON:
        _check_names(result)
        with _output(to) as file:
            _write_json(result, file)
    elif to is not None:
        _check_names(result)
        _write_parquet(result, to)
    if to is not None:
        console.note(f"Written to {path_for_user(to)}.")


def _print_table(result: "Result", limit: int) -> None:
    rows = result.rows()
    shown = list(islice(rows, limit)) if limit else list(rows)
    rest = sum(1 for _ in rows)
    names = [field.name for field in result.fields]
    # A table's headings are told apart by their place where two are alike.
    headings = [n if names.count(n) == 1 else f"{n} ({i})" for i, n in enumerate(names, 1)]
    right = [h for h, f in zip(headings, result.fields, strict=True) if f.type.is_number]
    console.table(headings, [[_cell(value) for value in row] for row in shown], right=right)
    if rest:
        found = count(len(shown) + rest, "row")
        console.note(f"{len(shown):,} of {found}; --limit 0 shows all.")
    else:
        console.note(f"{count(len(shown), 'row')}.")


def _cell(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_cell(each) for each in value)}]"
    return cell(value)


def _check_names(result: "Result") -> None:
    names = [field.name for field in result.fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"Two columns of the answer are called {twice[0]}."
        raise CallError(msg, "Give one another name with AS.")


def _write_csv(result: "Result", file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([field.name for field in result.fields])
    for row in result.rows():
        writer.writerow([_flat(value) for value in row])


def _flat(value: object) -> object:
    if isinstance(value, list):
        return json.dumps(_as_json(value), ensure_ascii=False)
    return str(plain(value)).lower() if isinstance(value, bool) else plain(value)


def _write_json(result: "Result", file: IO[str]) -> None:
    names = [field.name for field in result.fields]
    columns = [{"name": field.name, "type": str(field.type)} for field in result.fields]
    rows = [
        {name: _as_json(value) for name, value in zip(names, row, strict=True)}
        for row in result.rows()
    ]
    utf = (getattr(file, "encoding", None) or "").lower().replace("-", "") == "utf8"
    document = {"columns": columns, "rows": rows}
    file.write(json.dumps(document, indent=2, ensure_ascii=not utf) + "\n")


def _as_json(value: object) -> object:
    return [_as_json(each) for each in value] if isinstance(value, list) else plain(value)


def _write_parquet(result: "Result", to: Path) -> None:
    import pyarrow.parquet as pq

    with _whole(to) as new, pq.ParquetWriter(new, result.reader.schema) as writer:
        for batch in result.batches():
            writer.write_batch(batch)


@contextmanager
def _output(to: Path | None) -> Iterator[IO[str]]:
    if to is None:
        yield sys.stdout
        return
    with _whole(to) as new, new.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _whole(to: Path) -> Iterator[Path]:
    """Write a file so that it is there whole or as it was before."""
    new = to.with_name(f".{to.name}.{os.getpid()}.new")
    try:
        yield new
        new.replace(to)
    except OSError as error:
        msg = f"{to} cannot be written: {error.strerror or error}."
        raise LakehouseError(msg, "Name a file in a folder with space.") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
