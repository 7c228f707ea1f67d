"""What an examination of a lake finds, and what it is looked at with."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipeline.contracts import TABLES, Table
from pipeline.engine import DataFile
from simulator.cli.text import count, size
from simulator.engine import upkeep
from simulator.engine.polars_engine import PolarsEngine

# What every Parquet file begins and ends with.
_PARQUET = b"PAR1"


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    BROKEN = "broken"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True)
class Finding:
    """Something about a lake that is not as it should be.

    Attributes:
        severity: `broken`: rows are wrong, lost or cannot be read; `warning`: something was left
            undone; `advice`: the lake is whole and could be in better order.
        check: Name of the check that found it.
        where: Path below the lake's root: a table or a file.
        what: What is wrong, in one sentence.
        mend: What to do about it, in one sentence.
    """

    severity: Severity
    check: str
    where: str
    what: str
    mend: str


@dataclass(frozen=True)
class Opened:
    """A table of the lake whose log can be read.

    Attributes:
        table: Its contract.
        folder: Its folder.
        delta: Its latest version.
        files: The data files that this version names.
    """

    table: Table
    folder: Path
    delta: DeltaTable
    files: list[DataFile]

    def harm(self, file: DataFile) -> str:
        """Return what is wrong with one of the files, in a sentence; empty when nothing is."""
        path = self.folder / file.path
        if not path.is_file():
            return f"The file ({size(file.bytes)}) is missing, and its rows with it."
        found = path.stat().st_size
        if found != file.bytes:
            return f"The file has {count(found, 'byte')}; the log says {file.bytes:,}."
        with path.open("rb") as content:
            begins = content.read(len(_PARQUET))
            content.seek(-len(_PARQUET), os.SEEK_END)
            if not begins == content.read() == _PARQUET:
                return "The file is damaged: it is no Parquet file any more."
        return ""


class Patient:
    """A lake under examination; nothing is written to it.

    Args:
        root: Folder of the lake.
        now: The time of the examination.
    """

    def __init__(self, root: Path, now: datetime) -> None:
        self.root = root
        self.now = now
        self.engine = PolarsEngine(root)

    @cached_property
    def present(self) -> list[Table]:
        """The contracts of which the lake has a log, readable or not."""
        return [table for table in TABLES if (self.root / table.path / "_delta_log").is_dir()]

    @cached_property
    def _opening(self) -> tuple[list[Opened], dict[str, str]]:
        opened, failures = [], {}
        for table in self.present:
            folder = self.root / table.path
            try:
                delta = DeltaTable(folder)
                opened.append(Opened(table, folder, delta, upkeep.data_files(delta, table)))
            except (DeltaError, OSError, ValueError, KeyError) as error:
                failures[table.path] = " ".join(str(error).split())[:200]
        return opened, failures

    @property
    def opened(self) -> list[Opened]:
        """The tables whose log can be read."""
        return self._opening[0]

    @property
    def unreadable(self) -> dict[str, str]:
        """Why the logs of the other tables cannot be read, by path."""
        return self._opening[1]

    @cached_property
    def _whole(self) -> set[str]:
        return {o.table.path for o in self.opened if not any(map(o.harm, o.files))}

    def has(self, *tables: Table) -> bool:
        """Return whether the rows of all of these can be read."""
        return {table.path for table in tables} <= self._whole


@dataclass(frozen=True)
class Check:
    """One thing that is looked at.

    Attributes:
        name: Name, as findings carry it.
        question: What the check makes sure of.
        look: Yields what it finds.
        of_rows: Whether it reads rows, which fit together only when no run is half-way.
    """

    name: str
    question: str
    look: Callable[[Patient], Iterator[Finding]]
    of_rows: bool = False
