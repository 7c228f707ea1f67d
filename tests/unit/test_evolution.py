"""What contracts may change on a lake that has rows, and what is refused with the way out."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.contracts import TABLES, Table
from pipeline.contracts.fingerprint import describe, differences, fingerprint
from pipeline.contracts.meta import ROW_ACCOUNTS
from pipeline.contracts.model import Column
from pipeline.contracts.types import COUNT, INTEGER, KEY, TEXT, money
from pipeline.engine import Engine
from pipeline.errors import LakeError
from pipeline.runner.evolution import check_evolution
from simulator.engine.polars_engine import PolarsEngine
from tests.engine_contract import account

THING = Table(
    layer="silver",
    name="things",
    description="One row per thing.",
    columns=(
        Column("id", KEY, "Identifies it."),
        Column("price", money(10), "What it costs."),
        Column("note", TEXT, "What was noted.", required=False),
    ),
    key=("id",),
)


def changed(new: Table, old: Table = THING) -> list[tuple[str, bool]]:
    """Return the sentences of what has changed, each with whether it breaks."""
    return [(c.sentence, c.is_breaking) for c in differences(describe([old]), describe([new]))]


def with_columns(*columns: Column) -> Table:
    """Return the table with other columns."""
    return replace(THING, columns=columns)


IDENTITY, PRICE, NOTE = THING.columns


class TestDifferences:
    """Each kind of change, by hand."""

    def test_the_same_contracts_differ_in_nothing(self) -> None:
        """Also after the way through a file; their fingerprint is the same on every machine."""
        kept = json.loads(json.dumps(describe(TABLES)))

        assert differences(kept, describe(TABLES)) == []
        assert fingerprint(kept) == fingerprint(describe(reversed(TABLES)))
        assert fingerprint(describe([])) == (
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        )

    def test_what_rows_do_not_hang_on_may_change(self) -> None:
        """Meaning, rules, clustering, retention, file size, the order of columns."""
        told = replace(PRICE, description="Other words.", unit="cents", minimum=5)
        other = replace(
            with_columns(NOTE, told, IDENTITY),
            description="Other words.",
            zorder_by=("id",),
            retention_days=1,
            target_file_mb=1,
        )

        assert changed(other) == []
        assert fingerprint(describe([other])) != fingerprint(describe([THING]))
        assert fingerprint(describe([with_columns(IDENTITY, told, NOTE)])) == fingerprint(
            describe([THING])
        )

    def test_an_optional_column_and_a_table_are_simply_added(self) -> None:
        """Compatible: rows from before have null there."""
        colour = Column("colour", TEXT, "Its colour.", required=False)

        sentence = (
            "Column colour of silver/things is not there in the lake, and optional string in "
            "the contract."
        )
        assert changed(with_columns(IDENTITY, colour, PRICE, NOTE)) == [(sentence, False)]
        (added,) = differences({}, describe([THING]))
        assert (
            added.sentence
            == "Table silver/things is not there in the lake, and new in the contract."
        )
        assert not added.is_breaking

    def test_a_required_column_may_become_optional_and_not_the_other_way(self) -> None:
        """Rows from before may lack what is required only now."""
        sentence = (
            "Column price of silver/things is required decimal(10,2) in the lake, and optional "
            "decimal(10,2) in the contract."
        )
        assert changed(with_columns(IDENTITY, replace(PRICE, required=False), NOTE)) == [
            (sentence, False)
        ]
        sentence = (
            "Column note of silver/things is optional string in the lake, and required string "
            "in the contract."
        )
        assert changed(with_columns(IDENTITY, PRICE, replace(NOTE, required=True))) == [
            (sentence, True)
        ]

    @pytest.mark.parametrize(
        ("new", "sentence"),
        [
            pytest.param(
                with_columns(IDENTITY, PRICE),
                "Column note of silver/things is optional string in the lake, and not there in the "
                "contract.",
                id="removed column",
            ),
            pytest.param(
                with_columns(IDENTITY, replace(PRICE, type=money(12)), NOTE),
                "Column price of silver/things is decimal(10,2) in the lake, and decimal(12,2) in "
                "the contract.",
                id="wider decimal",
            ),
            pytest.param(
                with_columns(replace(IDENTITY, type=INTEGER), PRICE, NOTE),
                "Column id of silver/things is bigint in the lake, and int in the contract.",
                id="other type",
            ),
            pytest.param(
                with_columns(IDENTITY, PRICE, NOTE, Column("size", COUNT, "Its size.")),
                "Column size of silver/things is not there in the lake, and required bigint in the "
                "contract.",
                id="new required column",
            ),
            pytest.param(
                replace(THING, partition_by=("note",)),
                "Table silver/things is partitioned by nothing in the lake, and partitioned by "
                "note in the contract.",
                id="partitions",
            ),
            pytest.param(
                replace(THING, key=("id", "note")),
                "Table silver/things is identified by id in the lake, and identified by id, note "
                "in the contract.",
                id="key",
            ),
        ],
    )
    def test_what_rows_cannot_follow_breaks(self, new: Table, sentence: str) -> None:
        """One change each, and a way out."""
        assert changed(new) == [(sentence, True)]
        (change,) = differences(describe([THING]), describe([new]))
        assert "new lake from the same files" in change.way_out

    def test_a_table_that_is_gone_breaks(self) -> None:
        """Its rows would be left where no run restores them."""
        (change,) = differences(describe([THING]), {})

        assert change.is_breaking
        assert change.sentence == (
            "Table silver/things is there in the lake, and not there in the contract."
        )


class TestCheck:
    """The same on a lake."""

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        """Return an engine on a lake that has one table, empty."""
        engine = PolarsEngine(tmp_path / "lake")
        engine.create([ROW_ACCOUNTS])
        yield engine
        engine.close()

    @pytest.fixture
    def stricter(self) -> Table:
        """Return the table with one more column, required."""
        more = Column("late", COUNT, "Rows that came late.")
        return replace(ROW_ACCOUNTS, columns=(*ROW_ACCOUNTS.columns, more))

    def test_a_required_column_is_new_only_without_rows(
        self, engine: Engine, stricter: Table
    ) -> None:
        """An empty table has no row that could lack it."""
        remembered = describe([ROW_ACCOUNTS])
        assert [c.column for c in check_evolution(engine, [stricter], remembered, "L")] == ["late"]
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)

        with pytest.raises(LakeError) as refused:
            check_evolution(engine, [stricter], remembered, "L")
        assert str(refused.value) == (
            "The lake L cannot follow its contracts. Column late of meta/row_accounts is not there "
            "in the lake, and required bigint in the contract. Declare it with required=False, or "
            "build a new lake from the same files."
        )
        assert engine.version(ROW_ACCOUNTS) == 1

    def test_a_breaking_change_is_refused_even_without_rows(self, engine: Engine) -> None:
        """The table's own schema could not follow."""
        renamed = replace(ROW_ACCOUNTS, partition_by=("entity",))

        with pytest.raises(LakeError, match="partitioned by entity in the contract"):
            check_evolution(engine, [renamed], describe([ROW_ACCOUNTS]), "L")

    @pytest.mark.parametrize("kept", [{"meta/row_accounts": 3}, {"meta/row_accounts": {}}, [1]])
    def test_what_cannot_be_understood_is_said(self, engine: Engine, kept: object) -> None:
        """Somebody's edit of the file is no traceback."""
        with pytest.raises(LakeError, match="remembers of its contracts cannot be understood"):
            check_evolution(engine, [ROW_ACCOUNTS], kept, "L")  # type: ignore[arg-type] # The test.
