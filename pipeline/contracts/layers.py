"""The tables of every entity: bronze as received, silver refined, quarantine for the rest."""

from dataclasses import replace

from pipeline.contracts.model import Column, Entity, Table
from pipeline.contracts.types import BOOLEAN, COUNT, DATE, KEY, TEXT, TIMESTAMP

SOURCE_FILE = Column(
    "source_file",
    TEXT,
    "Path of the delivered file below the landing zone.",
    source="ingestion",
)
SOURCE_ROW = Column(
    "source_row",
    COUNT,
    "Number of the data row within its file, from 1, counting on through worksheets.",
    source="ingestion",
)
BATCH_ID = Column("batch_id", KEY, "Number of the run that took the row in.", source="ingestion")
INGESTED_AT = Column(
    "ingestion_timestamp",
    TIMESTAMP,
    "Time of the run that took the row in.",
    unit="UTC, microseconds",
    source="ingestion",
)
LINEAGE = (SOURCE_FILE, SOURCE_ROW, BATCH_ID, INGESTED_AT)

EXTRA_COLUMNS = Column(
    "extra_columns",
    TEXT,
    "JSON object of the file's unknown columns, header name to text; null when it has none.",
    source="ingestion",
    required=False,
)
RAW_RECORD = Column(
    "raw_record",
    TEXT,
    "Text of a row whose field count is not its header's; null for every other row.",
    source="ingestion",
    required=False,
)
INGESTION_DATE = Column(
    "ingestion_date",
    DATE,
    "UTC date of ingestion_timestamp.",
    unit="UTC date",
    source="ingestion",
)

HELD = "held"
REJECTED = "rejected"
RELEASED = "released"

_QUARANTINE_STATE = (
    Column(
        "reasons",
        TEXT,
        "Why the row is not in silver, as of the latest try that failed: codes `column:reason`, "
        "sorted, separated by `;`.",
        source="silver refinement",
    ),
    Column(
        "first_seen",
        TIMESTAMP,
        "Time of the run that took the row in.",
        unit="UTC, microseconds",
        source="silver refinement",
    ),
    Column(
        "status",
        TEXT,
        "`held`: waits for a reference; `rejected`: can never be valid; `released`: in silver's "
        "account since resolved_batch_id.",
        source="silver refinement",
    ),
    Column(
        "resolved_batch_id",
        KEY,
        "Number of the run that released the row; null until then.",
        source="silver refinement",
        required=False,
    ),
    Column(
        "displaced",
        BOOLEAN,
        "Whether a later valid row of the same key has arrived, so that a release of this row "
        "must not change silver.",
        source="silver refinement",
    ),
)


def _as_text(entity: Entity) -> tuple[Column, ...]:
    """Return the delivered columns as raw text, null in rows with a wrong field count."""
    return tuple(
        replace(
            column,
            type=TEXT,
            required=False,
            minimum=None,
            below=None,
            date_of=None,
            unit="text as delivered",
        )
        for column in entity.columns
    )


def bronze(entity: Entity) -> Table:
    """Return the bronze table: one row per delivered row, as text, append-only."""
    return Table(
        layer="bronze",
        name=entity.name,
        description=f"One row per delivered row, as received. {entity.description}",
        columns=(*_as_text(entity), *LINEAGE, EXTRA_COLUMNS, RAW_RECORD, INGESTION_DATE),
        key=("batch_id", "source_file", "source_row"),
        partition_by=("ingestion_date",),
        retention_days=7,
        target_file_mb=128,
    )


def silver(entity: Entity) -> Table:
    """Return the silver table: one typed, valid row per key; the latest arrival wins."""
    return Table(
        layer="silver",
        name=entity.name,
        description=f"One row per {entity.key}, typed and valid. {entity.description}",
        columns=(*entity.columns, *entity.derived, *LINEAGE),
        key=(entity.key,),
        partition_by=entity.partition_by,
        zorder_by=entity.zorder_by,
        retention_days=30,
        target_file_mb=256,
    )


def quarantine(entity: Entity) -> Table:
    """Return the quarantine table: one row per delivered row that silver could not take."""
    return Table(
        layer="quarantine",
        name=entity.name,
        description=f"One row per delivered row that silver could not take. {entity.description}",
        columns=(
            *_as_text(entity),
            EXTRA_COLUMNS,
            RAW_RECORD,
            SOURCE_FILE,
            SOURCE_ROW,
            BATCH_ID,
            *_QUARANTINE_STATE,
        ),
        key=("batch_id", "source_file", "source_row"),
        retention_days=30,
        target_file_mb=128,
    )
