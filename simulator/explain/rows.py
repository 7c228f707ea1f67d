"""Where delivered rows went: into silver, behind a later row, or into quarantine, and why."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from pipeline.contracts import ENTITIES, Entity, bronze, quarantine, silver
from pipeline.contracts.layers import HELD, REJECTED, RELEASED
from pipeline.contracts.meta import FILES, RUNS
from pipeline.engine import Engine
from pipeline.errors import CallError
from pipeline.portable import parse
from simulator.cli.text import did_you_mean, listed, utc
from simulator.explain.model import FileExplained, KeyExplained, Place, RowExplained
from simulator.explain.reasons import described

_SEQUENCE = ("batch_id", "source_file", "source_row")
_KEY = "key__"
Record = dict[str, Any]


def explain_key(engine: Engine, entity: Entity, key: int, limit: int) -> KeyExplained:
    """Explain a key: its silver row and every delivered row of it.

    Args:
        engine: The lake.
        entity: The entity.
        key: Value of its key.
        limit: The most rows to return, the last that arrived; 0 for all.

    Raises:
        CallError: Nothing of that key was ever delivered.
    """
    chain = _Chain(engine, entity, key)
    if not chain.delivered and chain.silver is None:
        msg = f"No row with {entity.key}={key} was delivered."
        hint = "A row whose key cannot be read is found by `explain file PATH:ROW`."
        raise CallError(msg, hint)
    kept = chain.delivered[-limit:] if limit else chain.delivered
    return KeyExplained(
        entity=entity.name,
        key={entity.key: key},
        silver=chain.silver,
        rows=[chain.explained(record) for record in kept],
        count=len(chain.delivered),
        feeds=_feeds(engine, entity, chain.silver),
    )


def explain_row(engine: Engine, path: str, row: int) -> list[RowExplained]:
    """Explain a row of a file; one explanation for each run that took such a file in.

    Raises:
        CallError: There is no such file or row.
    """
    found: list[RowExplained] = []
    for entity in ENTITIES:
        if not engine.exists(bronze(entity)):
            continue
        here = (pl.col("source_file") == path) & (pl.col("source_row") == row)
        for record in _records(engine, bronze(entity), here):
            key = _key_of(engine, entity, here & (pl.col("batch_id") == record["batch_id"]))
            found.append(_Chain(engine, entity, key, record).explained(record))
    if not found:
        _no_such_row(engine, path, row)
    return sorted(found, key=lambda each: each.place.batch_id)


def explain_file(engine: Engine, path: str) -> list[FileExplained]:
    """Explain what became of a file's rows; once for each run that took such a file in.

    Raises:
        CallError: There is no such file.
    """
    accepted = [f for f in _ledger(engine, path) if f["status"] == "accepted"]
    if not accepted:
        _no_such_row(engine, path, None)
    return [_file_explained(engine, file) for file in accepted]


def _file_explained(engine: Engine, file: Record) -> FileExplained:
    entity = next(each for each in ENTITIES if each.name == file["entity"])
    here = (pl.col("source_file") == file["path"]) & (pl.col("batch_id") == file["batch_id"])
    held = _records(engine, quarantine(entity), here, ("status", "reasons"))
    counts: dict[str, int] = {}
    for row in held:
        if row["status"] != RELEASED:
            for code in row["reasons"].split(";"):
                counts[code] = counts.get(code, 0) + 1
    by_status = {s: sum(r["status"] == s for r in held) for s in (REJECTED, HELD)}
    in_silver = len(_records(engine, silver(entity), here, ("source_row",)))
    return FileExplained(
        file=file["path"],
        batch_id=file["batch_id"],
        entity=entity.name,
        rows=file["rows"],
        silver=in_silver,
        superseded=file["rows"] - in_silver - by_status[REJECTED] - by_status[HELD],
        rejected=by_status[REJECTED],
        held=by_status[HELD],
        reasons=sorted(counts.items(), key=lambda item: (-item[1], item[0])),
    )


class _Chain:
    """Every delivered row of one key, in order of arrival, and what silver and quarantine say.

    Args:
        engine: The lake.
        entity: The entity.
        key: Value of its key; None when a row's text tells none.
        alone: The row that is asked for, when it has no key.
    """

    def __init__(
        self, engine: Engine, entity: Entity, key: int | None, alone: Record | None = None
    ) -> None:
        self._entity = entity
        self._key = key
        self._runs = _run_times(engine)
        self.silver: Record | None = None
        if key is None:
            self.delivered = [alone] if alone is not None else []
        else:
            of_key = pl.col(entity.key) == key
            self.silver = next(iter(_records(engine, silver(entity), of_key)), None)
            self.delivered = _delivered(engine, entity, key)
        self._quarantined = self._in_quarantine(engine)

    def _in_quarantine(self, engine: Engine) -> dict[tuple[Any, ...], Record]:
        files = sorted({record["source_file"] for record in self.delivered})
        rows = sorted({record["source_row"] for record in self.delivered})
        here = pl.col("source_file").is_in(files) & pl.col("source_row").is_in(rows)
        return {
            _sequence(record): record for record in _records(engine, quarantine(self._entity), here)
        }

    def explained(self, record: Record) -> RowExplained:
        """Return where one of the rows went."""
        held = self._quarantined.get(_sequence(record))
        raw = {name: record[name] for name in self._entity.column_names}
        status = held["status"] if held is not None else None
        released = held["resolved_batch_id"] if held is not None else None
        story: list[str] = [self._came(record)]
        by: Place | None = None
        if status in {REJECTED, HELD}:
            outcome = str(status)
            story.append(_QUARANTINED[outcome])
        else:
            if released is not None:
                story.append(f"It was held in quarantine and released {self._in_run(released)}.")
            outcome, by, what = self._place(record)
            story.append(what)
        return RowExplained(
            entity=self._entity.name,
            place=_place(record),
            key=self._key,
            outcome=outcome,
            story=story,
            raw=raw if record["raw_record"] is None else {},
            raw_record=record["raw_record"],
            reasons=described(self._entity, held["reasons"], raw) if held is not None else (),
            by=by,
            released=released,
        )

    def _place(self, record: Record) -> tuple[str, Place | None, str]:
        """Return what became of a valid row, the row that took its place, and a sentence."""
        table = f"silver.{self._entity.name}"
        if self.silver is not None and _sequence(record) == _sequence(self.silver):
            return "silver", None, f"It is the row of {table}."
        own = _sequence(record)
        later = [r for r in self.delivered if _sequence(r) > own and self._is_valid(r)]
        if later:
            by = _place(later[0])
            return "superseded", by, f"A later row of its key came in: {by}."
        if self.silver is None:  # Valid, last of its key, and not there: the lake is damaged.
            return "superseded", None, f"{table} has no row of its key: the lake is damaged."
        by = _place(self.silver)
        return "superseded", by, f"It repeats what {table} has from {by}: nothing changed."

    def _is_valid(self, record: Record) -> bool:
        held = self._quarantined.get(_sequence(record))
        return held is None or held["status"] == RELEASED

    def _came(self, record: Record) -> str:
        return f"It was taken in {self._in_run(record['batch_id'])}."

    def _in_run(self, batch_id: int) -> str:
        time = self._runs.get(batch_id)
        return f"in run {batch_id}" + (f" ({utc(time)} UTC)" if time is not None else "")


_QUARANTINED = {
    REJECTED: "It is in quarantine and can never be valid; a mended row may be delivered.",
    HELD: "It waits in quarantine; every run tries it again.",
}


def _delivered(engine: Engine, entity: Entity, key: int) -> list[Record]:
    """Return the bronze rows whose text tells a key, in order of arrival."""
    column = entity.column(entity.key)
    rows = engine.read(bronze(entity))
    typed = parse(rows, [column]).to_native().filter(pl.col(entity.key) == key)
    places = typed.select(*_SEQUENCE)
    found: list[Record] = (
        rows.to_native()
        .join(places, on=list(_SEQUENCE), how="semi", nulls_equal=True)
        .sort(*_SEQUENCE)
        .collect()
        .to_dicts()
    )
    return found


def _key_of(engine: Engine, entity: Entity, here: pl.Expr) -> int | None:
    rows = engine.read(bronze(entity)).to_native().filter(here)
    typed = parse(_narwhals(rows), [entity.column(entity.key)]).to_native()
    values = typed.select(entity.key).collect()[entity.key].to_list()
    return values[0] if values else None


def _narwhals(frame: pl.LazyFrame) -> Any:
    import narwhals.stable.v2 as nw

    return nw.from_native(frame)


def _records(
    engine: Engine, table: Any, condition: pl.Expr, columns: Sequence[str] = ()
) -> list[Record]:
    if not engine.exists(table):
        return []
    frame = engine.read(table).to_native().filter(condition)
    chosen = frame.select(*columns) if columns else frame
    found: list[Record] = chosen.collect().to_dicts()
    return found


def _sequence(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a row's place in the order of arrival; paths are compared by their bytes."""
    return record["batch_id"], record["source_file"].encode(), record["source_row"]


def _place(record: Mapping[str, Any]) -> Place:
    return Place(record["source_file"], record["source_row"], record["batch_id"])


def _run_times(engine: Engine) -> dict[int, datetime]:
    runs = _records(engine, RUNS, pl.col("batch_id").is_not_null(), ("batch_id", "started_at"))
    return {run["batch_id"]: run["started_at"] for run in runs}


def _feeds(engine: Engine, entity: Entity, row: Record | None) -> list[str]:
    """Return the gold rows that a silver row counts in, as `explain` takes them."""
    if row is None:
        return []
    match entity.name:
        case "orders":
            return [
                f"gold.daily_sales date={row['date']}",
                f"gold.customer_insights user_id={row['user_id']}",
            ]
        case "order_items":
            product = pl.col("product_id") == row["product_id"]
            products = silver(next(each for each in ENTITIES if each.name == "products"))
            named = _records(engine, products, product, ("department",))
            departments = [_department(p["department"]) for p in named]
            return [f"gold.product_performance product_id={row['product_id']}", *departments]
        case _:
            return [
                f"gold.product_performance product_id={row['product_id']}",
                _department(row["department"]),
            ]


def _department(name: str) -> str:
    return f"gold.department_analytics {shlex.quote(f'department={name}')}"


def _ledger(engine: Engine, path: str) -> list[Record]:
    columns = ("batch_id", "entity", "path", "status", "sha256", "rows")
    return sorted(
        _records(engine, FILES, pl.col("path") == path, columns), key=lambda f: f["batch_id"]
    )


def _no_such_row(engine: Engine, path: str, row: int | None) -> None:
    """Say why there is nothing to explain.

    Raises:
        CallError: Always.
    """
    known = _ledger(engine, path)
    accepted = [file for file in known if file["status"] == "accepted"]
    if accepted:
        rows = listed([f"{file['rows']:,}" for file in accepted])
        msg = f"{path} has no row {row}: it has {rows} data rows."
        raise CallError(msg, "Rows are counted from 1, without header and blank lines.")
    if known:
        same = pl.col("sha256") == known[0]["sha256"]
        first = [f for f in _records(engine, FILES, same) if f["status"] == "accepted"]
        where = f" as {first[0]['path']} in run {first[0]['batch_id']}" if first else ""
        msg = f"{path} was not taken in: the same bytes had come in before{where}."
        raise CallError(msg, "Explain that file instead.")
    paths = [file["path"] for file in _records(engine, FILES, pl.lit(value=True), ("path",))]
    msg = f"No run has taken in a file {path}.{did_you_mean(path, paths)}"
    hint = "Give the path below the landing zone. Refused files have no rows in the lake; "
    raise CallError(msg, hint + "the run that refused them says why.")
