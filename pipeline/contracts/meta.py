"""The lake's own books: which files came in, which runs took place, where every row went."""

from pipeline.contracts.model import Column, Table
from pipeline.contracts.types import COUNT, DATE, KEY, TEXT, TIMESTAMP, ratio

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
    description="One row per run that changed the lake.",
    columns=(
        Column(
            "batch_id",
            KEY,
            "Number of the run; null for runs without files of earlier versions of the software.",
            source="run",
            required=False,
        ),
        Column(
            "started_at", TIMESTAMP, "Start of the run.", unit="UTC, microseconds", source="run"
        ),
        Column(
            "status",
            TEXT,
            "`succeeded`; a run that failed, was ended from outside or was rolled back is undone "
            "and leaves no row.",
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
        Column(
            "run_id",
            TEXT,
            "Name of the run, as its documents have it; null for runs of earlier versions.",
            source="run",
            required=False,
        ),
        Column(
            "duration_ms",
            COUNT,
            "How long its steps took until its books were closed; null for earlier versions.",
            unit="milliseconds",
            source="run",
            required=False,
        ),
        Column(
            "alerts",
            COUNT,
            "Quality checks above their alert threshold; null for runs of earlier versions.",
            source="quality gates",
            required=False,
        ),
    ),
)

RUN_VERSIONS = Table(
    layer="meta",
    name="run_versions",
    description="One row per run and table: what a rollback of the run restores.",
    columns=(
        Column("batch_id", KEY, "Number of the run.", source="run"),
        Column("table_path", TEXT, "Path of the table below the lake's root.", source="run"),
        Column(
            "version",
            COUNT,
            "Version of the table before the run's first row.",
            unit="Delta version",
            source="run",
        ),
    ),
    key=("batch_id", "table_path"),
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

_RUN = Column(
    "batch_id",
    KEY,
    "Number of the run; null when it took no file in.",
    source="run",
    required=False,
)
_LAYER = Column("layer", TEXT, "`raw`, `bronze`, `silver` or `gold`.", source="quality contract")
_RECORDED_AT = Column(
    "recorded_at",
    TIMESTAMP,
    "Time of the run that measured.",
    unit="UTC, microseconds",
    source="run",
)

QUALITY_METRICS = Table(
    layer="meta",
    name="quality_metrics",
    description="One row per run, check and subject: what was measured and how it was judged.",
    columns=(
        _RUN,
        _LAYER,
        Column("check_name", TEXT, "Name of the check.", source="quality contract"),
        Column(
            "subject",
            TEXT,
            "What was looked at: an entity, a table, or the landing zone.",
            source="quality gate",
        ),
        Column(
            "measured",
            COUNT,
            "What speaks against the subject: rows, files, keys, days or cents, as the check says.",
            source="quality gate",
        ),
        Column("base", COUNT, "Out of how many of them.", source="quality gate"),
        Column(
            "verdict",
            TEXT,
            "`passed`; `alert`: above the alert threshold; `not_applicable`: there was nothing to "
            "judge. A run that is blocked is undone and leaves no row.",
            source="quality gate",
        ),
        Column(
            "severity",
            TEXT,
            "`low`, `medium`, `high` or `critical`: how bad it is when the check does not pass.",
            source="quality contract",
        ),
        Column(
            "alert_above",
            TEXT,
            "Share measured / base above which people are told; `none` for never.",
            source="quality contract or environment",
        ),
        Column(
            "block_above",
            TEXT,
            "Share measured / base above which the run is undone; `none` for never.",
            source="quality contract or environment",
        ),
        Column(
            "samples",
            TEXT,
            "Up to five examples, one per line; null without any.",
            source="quality gate",
            required=False,
        ),
        _RECORDED_AT,
    ),
)

QUALITY_SCORES = Table(
    layer="meta",
    name="quality_scores",
    description="One row per run and layer: how much of what was judged has passed.",
    columns=(
        _RUN,
        _LAYER,
        Column(
            "score",
            ratio(5, 4),
            "passed_weight / total_weight, rounded half away from zero; null when nothing was "
            "judged.",
            unit="share, DECIMAL(5,4)",
            source="quality gate",
            required=False,
        ),
        Column("passed_weight", COUNT, "Weight of what has passed.", source="quality contract"),
        Column("total_weight", COUNT, "Weight of all that was judged.", source="quality contract"),
        _RECORDED_AT,
    ),
)

META: tuple[Table, ...] = (
    FILES,
    RUNS,
    RUN_VERSIONS,
    ROW_ACCOUNTS,
    QUALITY_METRICS,
    QUALITY_SCORES,
)
