"""Errors in one engine: in its primitives, its tables, its session, and the parser of files."""

from tests.equivalence.mutants.planting import Mutant


def _primitives(test: str, *parameters: str) -> tuple[str, ...]:
    return tuple(f"equivalence/test_primitives.py::{test}[{p}]" for p in parameters)


def _read(kind: str, *, zone: str = "UTC") -> tuple[str, ...]:
    test = "test_both_engines_read_what_the_contract_says"
    return _primitives(test, f"{zone}-ansi=true-{kind}")


def _hostile(kind: str) -> tuple[str, ...]:
    return _primitives("test_both_engines_read_hostile_text_alike", f"UTC-ansi=true-{kind}")


def _of_spark(*names: str) -> tuple[str, ...]:
    return tuple(f"equivalence/test_engine.py::TestSparkEngine::{name}" for name in names)


def _of_polars(*names: str) -> tuple[str, ...]:
    return tuple(f"unit/test_engine.py::TestPolarsEngine::{name}" for name in names)


_POLARS = "pipeline.portable.polars"
_SPARK = "pipeline.portable.spark"
_POLARS_ENGINE = "simulator.engine.polars_engine"
_SPARK_ENGINE = "pipeline.spark.engine"
_SESSION = "pipeline.spark.session"

MUTANTS = (
    # --- Primitives on Polars ---
    Mutant(
        "nine-digits",
        "An amount may have nine digits before the point.",
        _POLARS,
        'r"^([+-]?)0*([0-9]{1,8})',
        'r"^([+-]?)0*([0-9]{1,9})',
        _read("money"),
    ),
    Mutant(
        "offset-the-wrong-way",
        "The offset of a time zone is added instead of taken off.",
        _POLARS,
        "- offset * 60 * _MICROSECONDS",
        "+ offset * 60 * _MICROSECONDS",
        _read("timestamp"),
    ),
    Mutant(
        "unicode-blanks",
        "Every blank that Unicode knows is trimmed.",
        _POLARS,
        'text.gather(left).fill_null("").str.strip_chars(_SPACE)',
        'text.gather(left).fill_null("").str.strip_chars()',
        _read("key"),
    ),
    Mutant(
        "year-zero",
        "The year 0000, which the engine's calendar has, is a year.",
        _POLARS,
        "return instant.set(before_common_era, None).cast(_UTC)",
        "return instant.cast(_UTC)",
        _read("timestamp"),
    ),
    Mutant(
        "last-of-equals",
        "Of equally frequent values the highest is taken.",
        _POLARS,
        ".mode().min()",
        ".mode().max()",
        _primitives("test_both_engines_find_the_same_most_frequent_values", "UTC-ansi=true"),
    ),
    # --- Primitives on Spark ---
    Mutant(
        "dollar-before-newline",
        "The end of a text is asked for by `$`, which in Java stands before a line end, too.",
        _SPARK,
        r'(?:\.0{{1,6}})?)?)?\z"',
        r'(?:\.0{{1,6}})?)?)?$"',
        _hostile("date"),
    ),
    Mutant(
        "float-cents",
        "An amount becomes cents by way of a floating point number.",
        _SPARK,
        "(amount.cast(st.DecimalType(10, 2)) * _CENTS)",
        "(amount.cast(st.DoubleType()) * _CENTS)",
        _hostile("money"),
    ),
    Mutant(
        "only-spaces",
        "Spaces are trimmed, tabs and line ends are not.",
        _SPARK,
        "sf.btrim(text, sf.lit(_SPACE))",
        "sf.trim(text)",
        _read("label"),
    ),
    Mutant(
        "half-a-second",
        "The digits after the second are filled up from the left: .5 is five microseconds.",
        _SPARK,
        "sf.rpad(sf.regexp_extract(",
        "sf.lpad(sf.regexp_extract(",
        _hostile("timestamp"),
    ),
    Mutant(
        "local-time",
        "A time without a zone is one of the session's zone.",
        _SPARK,
        """_try_cast(f"concat({name}, 'Z')", "TIMESTAMP")""",
        '_try_cast(name, "TIMESTAMP")',
        _read("timestamp", zone="America/New_York"),
    ),
    Mutant(
        "capital-sharp-s",
        "Departments are put into upper case by Unicode's rules.",
        _SPARK,
        "sf.translate(single, _LOWER, _LOWER.upper())",
        "sf.upper(single)",
        _read("label"),
    ),
    Mutant(
        "wrapped-number",
        "A number that does not fit 32 bits is cast all the same.",
        _SPARK,
        "return _within(value, -_INT_LIMIT, _INT_LIMIT - 1, value.cast(kept), column)",
        "return value.cast(kept)",
        _primitives(
            "test_a_value_that_does_not_fit_fails_on_both_engines",
            "UTC-ansi=false-small-2147483648",
        ),
    ),
    Mutant(
        "first-of-equals",
        "Of equally frequent values the first one found is taken.",
        _SPARK,
        'sf.min(sf.struct("rarity", value))\n'
        "    return counted.groupBy(by).agg(first[value].alias(value))",
        'sf.min_by(value, "rarity")\n    return counted.groupBy(by).agg(first.alias(value))',
        ("equivalence/test_gold.py::test_favorites_are_what_was_bought_most",),
    ),
    Mutant(
        "half-a-neighbourhood",
        "Keys that lie 32 apart are taken for one.",
        _SPARK,
        "{column} & 63 AS",
        "{column} & 31 AS",
        _primitives("test_both_engines_count_the_same_keys", "UTC-ansi=true-keys2-expected2"),
    ),
    Mutant(
        "days-since",
        "Days are counted from the day asked about to the order.",
        _SPARK,
        "sf.datediff(sf.lit(day), sf.col(column))",
        "sf.datediff(sf.col(column), sf.lit(day))",
        ("equivalence/test_gold.py::test_orders_are_summed_by_customer",),
    ),
    # --- Spark's session and engine ---
    Mutant(
        "session-in-new-york",
        "The session has the time zone of the place that it runs in.",
        _SESSION,
        '"spark.sql.session.timeZone": "UTC"',
        '"spark.sql.session.timeZone": "America/New_York"',
        ("equivalence/test_silver.py::test_silver_rows_know_day_and_hour[orders]",),
    ),
    Mutant(
        "int96",
        "Instants are written as Spark wrote them once.",
        _SESSION,
        '"TIMESTAMP_MICROS"',
        '"INT96"',
        _of_spark("test_instants_at_rest_are_microseconds_and_no_int96"),
    ),
    Mutant(
        "deletion-vectors",
        "Tables are made with a feature that not every reader knows.",
        _SESSION,
        '"spark.databricks.delta.properties.defaults.enableDeletionVectors": "false"',
        '"spark.databricks.delta.properties.defaults.enableDeletionVectors": "true"',
        _of_spark("test_every_table_is_one_that_all_engines_read"),
    ),
    Mutant(
        "instants-of-this-machine",
        "Instants are fetched in the time zone of the process.",
        _SPARK_ENGINE,
        "else _EPOCH + timedelta(microseconds=microseconds)",
        "else datetime.fromtimestamp(microseconds // 10**6).replace(tzinfo=UTC)",
        _of_spark("test_records_are_given_in_the_types_that_transforms_use"),
    ),
    Mutant(
        "half-a-key",
        "A merge matches rows by the first column of their key.",
        _SPARK_ENGINE,
        "for column in table.key)",
        "for column in table.key[:1])",
        _of_spark("test_merge_replaces_known_keys_and_inserts_the_others"),
    ),
    Mutant(
        "retry-appends-again",
        "What a retried run appends is not marked with its number.",
        _SPARK_ENGINE,
        '        .option("txnAppId", operation)\n        .option("txnVersion", batch_id)\n',
        "",
        _of_spark("test_appending_for_the_same_batch_again_changes_nothing"),
    ),
    Mutant(
        "one-application-for-all",
        "A merge is noted as an append.",
        _SPARK_ENGINE,
        "_APPLICATION: Operation.MERGE",
        "_APPLICATION: Operation.APPEND",
        _of_spark("test_a_batch_may_append_merge_and_overwrite"),
    ),
    Mutant(
        "forgotten-removals",
        "Vacuum looks at the latest version alone.",
        "pipeline.spark.upkeep",
        "version > since",
        "version < since",
        _of_spark("test_vacuum_keeps_every_version_from_the_one_it_is_given"),
    ),
    Mutant(
        "frame-moves-on",
        "A frame is of the latest version when it is evaluated.",
        _SPARK_ENGINE,
        'reader = reader.option("versionAsOf", version)',
        "pass",
        _of_spark(
            "test_a_frame_stays_on_the_version_it_was_read_from",
            "test_a_table_may_be_overwritten_by_what_is_read_from_it",
        ),
    ),
    Mutant(
        "dates-without-rows-stay",
        "Only those dates are overwritten that there are rows for.",
        _SPARK_ENGINE,
        'writer = writer.option("replaceWhere", f"date IN ({days})")',
        'writer = writer.option("partitionOverwriteMode", "dynamic")',
        _of_spark("test_overwriting_dates_leaves_the_others_and_removes_what_has_no_rows"),
    ),
    Mutant(
        "evaluated-twice",
        "A checkpoint is only a promise.",
        _SPARK_ENGINE,
        "return rows.localCheckpoint(eager=True)",
        "return rows",
        _of_spark("test_a_checkpoint_is_evaluated_once"),
    ),
    Mutant(
        "kept-too-long",
        "Rows of a version stay in memory when the table goes and its numbers come again.",
        _SPARK_ENGINE,
        "        self._kept.clear()\n",
        "",
        _of_spark("test_a_table_that_went_and_came_again_is_read_anew"),
    ),
    # --- The engine on Polars ---
    Mutant(
        "same-batch-is-another",
        "Only what earlier runs have appended is passed over, not what this one has.",
        _POLARS_ENGINE,
        "last >= batch_id",
        "last > batch_id",
        _of_polars("test_appending_for_the_same_batch_again_changes_nothing"),
    ),
    Mutant(
        "frame-follows-the-table",
        "A frame is read from the object that writes move on.",
        _POLARS_ENGINE,
        "            self._read.add(table.path)\n",
        "",
        _of_polars("test_a_frame_stays_on_the_version_it_was_read_from"),
    ),
    Mutant(
        "checkpoint-of-nothing",
        "What was written to be read again is not what is read.",
        _POLARS_ENGINE,
        "return _narwhals(pl.scan_parquet(path))",
        "return frame",
        _of_polars("test_a_checkpoint_is_evaluated_once"),
    ),
    Mutant(
        "restored-from-memory",
        "After a table was restored its rows are those of before.",
        _POLARS_ENGINE,
        "        self._latest_tables.pop(table.path, None)\n",
        "",
        _of_polars("test_restore_brings_rows_and_absence_back"),
    ),
    Mutant(
        "merged-again",
        "A repeated merge is done again.",
        _POLARS_ENGINE,
        "if self._has_done(Operation.MERGE, table, batch_id):",
        "if self._has_done(Operation.MERGE, table, None):",
        _of_polars("test_merging_for_the_same_batch_again_changes_nothing"),
    ),
    Mutant(
        "one-version-too-many",
        "Vacuum removes what the first version to keep has.",
        "simulator.engine.upkeep",
        "int(commit.stem) > since",
        "int(commit.stem) > since + 1",
        _of_polars("test_vacuum_keeps_every_version_from_the_one_it_is_given"),
    ),
    Mutant(
        "spelt-as-in-the-log",
        "The names of files are not spelt as the disk has them.",
        "simulator.engine.upkeep",
        'path=unquote(action["path"])',
        'path=action["path"]',
        _of_polars("test_files_are_told_as_the_disk_has_them"),
    ),
    # --- Files ---
    Mutant(
        "trailing-field-dropped",
        "A separator at the end of a line is taken for no field.",
        "pipeline.landing.csv_rows",
        "pa.BufferReader(piece)",
        'pa.BufferReader(piece.replace(b",\\n", b"\\n"))',
        _of_polars("test_every_row_of_every_format_is_taken_in"),
    ),
)
