"""The lake's own books: which files came in, which runs took place, where every row went."""

from pipeline.contracts.model import Column, Table
from pipeline.contracts.types import COUNT, DATE, KEY, TEXT, TIMESTAMP

ACCEPTED = "accepted"
DUPLICATE = "duplicate"

_ENTITY = Column("entity", TEXT, "Name of the entity.", source="run")

FILES = Table(
    layer="meta",
    name="files",
    description="Ledger: one row per delivered file that was taken in or known already.",
    columns=(
        Column("batch_id", KEY, "Number of the run that decided.", source="run"),
        _ENTITY,
        Column("path", TEXT, "Path below the landing zone.", source="landing zone"),
        Column(
            "status",
            TEXT,
            "`accepted`: its rows are in bronze; `duplicate`: its bytes came in before.",
            source="run",
        ),
        Column("sha256", TEXT, "SHA-256 of the stored bytes, hexadecimal.", source="landing zone"),
        Column("bytes", COUNT, "Size of the stored file.", unit="bytes", source="landing zone"),
        Column("rows", COUNT, "Data rows taken in; 0 for a duplicate.", source="ingestion"),
        Column(
            "fingerprint",
            TEXT,
            "What tells cheaply that the file has not changed since it was hashed.",
            source="landing zone",
        ),
        Column(
            "recorded_at",
            TIMESTAMP,
            "Time of the run that decided.",
            unit="UTC, microseconds",
            source="run",
        ),
    ),
    key=("path", "sha256"),
)

RUNS = Table(
    layer="meta",
    name="runs",
    description="One row per run that changed the lake or found nothing new.",
    columns=(
        Column(
            "batch_id",
            KEY,
            "Number of the run; null when it took no file in.",
            source="run",
            required=False,
        ),
        Column(
            "started_at", TIMESTAMP, "Start of the run.", unit="UTC, microseconds", source="run"
        ),
        Column(
            "status",
            TEXT,
            "`succeeded`; a run that failed or was ended from outside is undone and leaves no row.",
            source="run",
        ),
        Column("engine", TEXT, "Engine that did the work.", source="run"),
        Column(
            "as_of",
            DATE,
            "Date that customer_insights is seen from; null without orders.",
            unit="UTC date",
            source="run parameter",
            required=False,
        ),
        Column("accepted_files", COUNT, "Files taken in.", source="run"),
        Column("duplicate_files", COUNT, "Files whose bytes came in before.", source="run"),
        Column("refused_files", COUNT, "Files that failed a file-level check.", source="run"),
    ),
)

ROW_ACCOUNTS = Table(
    layer="meta",
    name="row_accounts",
    description="One row per run that took files in, and entity: where the rows went.",
    columns=(
        Column("batch_id", KEY, "Number of the run.", source="run"),
        _ENTITY,
        Column("rows_read", COUNT, "Data rows of the accepted files.", source="ingestion"),
        Column("inserted", COUNT, "Keys that silver did not have.", source="silver refinement"),
        Column("updated", COUNT, "Keys whose content changed.", source="silver refinement"),
        Column(
            "unchanged", COUNT, "Keys that came again as they were.", source="silver refinement"
        ),
        Column(
            "superseded",
            COUNT,
            "Valid rows that are not silver rows of their own: earlier ones of their key, and "
            "repetitions; an update supersedes the row before.",
            source="silver refinement",
        ),
        Column("held", COUNT, "Rows newly held for a reference.", source="silver refinement"),
        Column("rejected", COUNT, "Rows that can never be valid.", source="silver refinement"),
        Column("released", COUNT, "Held rows that became valid.", source="silver refinement"),
    ),
    key=("batch_id", "entity"),
)

META: tuple[Table, ...] = (FILES, RUNS, ROW_ACCOUNTS)
