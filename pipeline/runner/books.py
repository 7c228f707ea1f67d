"""The books of a run: every row accounted for, and what the run did, in the lake's own tables."""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import ENTITIES, TABLES, quarantine, silver
from pipeline.contracts.layers import RELEASED
from pipeline.contracts.meta import (
    FILES,
    QUALITY_METRICS,
    QUALITY_SCORES,
    ROW_ACCOUNTS,
    RUN_VERSIONS,
    RUNS,
)
from pipeline.engine import Engine
from pipeline.errors import BalanceError
from pipeline.quality.decision import alerts, scores
from pipeline.quality.records import metric_records, score_records
from pipeline.runner.planning import ledger_records
from pipeline.runner.report import Balance, EntityAccount, TableNote
from pipeline.runner.state import RunState


class Books:
    """Keeps the books of one run.

    Args:
        engine: Engine bound to the lake.
        state: The run.
    """

    def __init__(self, engine: Engine, state: RunState) -> None:
        self._engine = engine
        self._state = state
        self._report = state.report

    def last_as_of(self) -> date | None:
        """Return the date that the last run saw customers from."""
        if not self._engine.exists(RUNS):
            return None
        runs = self._engine.fetch(self._engine.read(RUNS).select("started_at", "as_of"))
        latest = max(runs, key=lambda run: run["started_at"], default=None)
        return None if latest is None else latest["as_of"]

    def close(self) -> None:
        """Record the run; the ledger last, for it is what makes files known.

        Raises:
            BalanceError: A row was lost or doubled.
        """
        self._hold_balance()
        self._record()
        self.note_tables()

    def note_nothing(self) -> None:
        """Tell of a run that found nothing to do.

        Raises:
            BalanceError: A row was lost or doubled.
        """
        self._report.as_of = self._state.last_as_of
        self._report.entities = {entity.name: EntityAccount() for entity in ENTITIES}
        self.balance()
        self._hold_balance()
        self.note_tables()

    def balance(self) -> None:
        """Draw the equation of every entity over all runs."""
        superseded, waiting = self._superseded_before(), self._quarantined()
        for entity in ENTITIES:
            account = self._report.entities[entity.name]
            account.balance = Balance(
                files=self._state.rows_before.get(entity.name, 0) + account.rows_read,
                silver=self._engine.row_count(silver(entity)),
                superseded=superseded.get(entity.name, 0) + account.superseded,
                quarantined=waiting.get(entity.name, 0),
            )

    def _hold_balance(self) -> None:
        """Fail the run when a row was lost or doubled, whatever the thresholds say."""
        for name, account in self._report.entities.items():
            b = account.balance
            if b is not None and not b.holds:
                msg = (
                    f"The rows of {name} do not balance: {b.files} in accepted files, but "
                    f"{b.silver} in silver + {b.superseded} superseded + {b.quarantined} in "
                    "quarantine."
                )
                raise BalanceError(msg, "The run was undone; report this with the files.")

    def _superseded_before(self) -> dict[str, int]:
        accounts = self._engine.read(ROW_ACCOUNTS, self._state.pinned.get(ROW_ACCOUNTS.path))
        sums = accounts.group_by("entity").agg(nw.col("superseded").sum())
        return {row["entity"]: int(row["superseded"]) for row in self._engine.fetch(sums)}

    def _quarantined(self) -> dict[str, int]:
        """Count the rows that wait, by entity; entities without such rows are left out."""
        waiting = nw.concat(
            [
                self._engine.read(quarantine(entity))
                .filter(nw.col("status") != RELEASED)
                .with_columns(nw.lit(entity.name).alias("entity"))
                .select("entity")
                for entity in ENTITIES
            ]
        )
        counts = waiting.group_by("entity").agg(nw.len().alias("rows"))
        return {row["entity"]: int(row["rows"]) for row in self._engine.fetch(counts)}

    def _record(self) -> None:
        engine, state, report = self._engine, self._state, self._report
        batch_id, run_time = state.batch_id, report.run_time
        records = {
            ROW_ACCOUNTS: self._accounts() if state.plan.accepted else [],
            QUALITY_METRICS: metric_records(report.verdicts, batch_id, run_time),
            QUALITY_SCORES: score_records(scores(report.verdicts), batch_id, run_time),
            RUN_VERSIONS: self._versions(),
            RUNS: [self._run_record()],
            FILES: ledger_records(state.plan, state.rows, batch_id, run_time),
        }
        for table, rows in records.items():
            engine.append_records(table, rows, batch_id)

    def _versions(self) -> list[dict[str, Any]]:
        return [
            {"batch_id": self._state.batch_id, "table_path": path, "version": version}
            for path, version in self._state.pinned.items()
        ]

    def _accounts(self) -> list[dict[str, Any]]:
        counted = [column.name for column in ROW_ACCOUNTS.columns[2:]]
        return [
            {
                "batch_id": self._state.batch_id,
                "entity": name,
                **{column: getattr(account, column) for column in counted},
            }
            for name, account in self._report.entities.items()
        ]

    def _run_record(self) -> dict[str, Any]:
        report = self._report
        return {
            "batch_id": report.batch_id,
            "started_at": report.run_time,
            "status": "succeeded",
            "engine": report.engine,
            "as_of": report.as_of,
            "accepted_files": len(report.accepted),
            "duplicate_files": len(report.duplicates),
            "refused_files": len(report.refused),
            "run_id": self._state.run_id,
            "duration_ms": round(1000 * sum(note.seconds for note in report.trace)),
            "alerts": len(alerts(report.verdicts)),
        }

    def note_tables(self) -> None:
        """Note version and rows of every table, and whether the run wrote to it."""
        for table in TABLES:
            version = self._engine.version(table)
            if version is not None:
                before = self._state.versions.get(table.path, version)
                self._report.tables[table.path] = TableNote(
                    version=version, rows=self._engine.row_count(table), written=version != before
                )
