"""What a stack costs: idle, and for a million orders.

All amounts are US dollars a month, before tax and without the free tier. Prices and assumptions are
named below; docs/costs.md explains them and holds the tables, and a test holds it to this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.alarms import alarms
from infra.config import Settings
from infra.names import Names
from pipeline.workflow import WORKFLOW, Actor, Step

# List prices of eu-central-1 in November 2026 as assumed here, in dollars.
PRICES: Mapping[str, float] = {
    "kms_key": 1.00,  # per key and month
    "alarm": 0.10,  # per alarm and month
    "dashboard": 3.00,  # per dashboard and month
    "metric": 0.30,  # per own metric and month
    "sqs_million": 0.40,  # per million requests
    "transition_thousand": 0.025,  # Step Functions, per thousand transitions
    "dpu_hour": 0.44,  # Glue, per DPU and hour
    "dpu_hour_flexible": 0.29,
    "storage_gb": 0.0245,  # S3 Standard, per GB and month
    "put_thousand": 0.0054,  # per thousand PUT, COPY, LIST
    "log_gb": 0.63,  # CloudWatch Logs, per GB taken in
    "scan_tb": 5.00,  # Athena, per TB read
}
DPU_OF_WORKER = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}

# A pipe asks its queue all the time, with five pollers at twenty seconds each.
POLLS_A_MONTH = 5 * 3 * 60 * 24 * 30
DAYS = 30
# Minutes of a job that reads little, its start included.
OTHER_MINUTES = 2


@dataclass(frozen=True)
class Load:
    """A month with a million orders, as assumed.

    Attributes:
        runs: Runs, one a day.
        minutes: Minutes of each job, its start included.
        workers: Workers that are at work on average; autoscaling gives back the others.
        transitions: State transitions of a run.
        delivered_gb: Size of the delivered files.
        stored_gb: Size of what the month adds to the lake, old versions included.
        objects: Objects that are written.
        log_gb: Size of the logs.
        scanned_tb: What queries read.
    """

    runs: int = DAYS
    minutes: Mapping[Step, float] = field(
        default_factory=lambda: {Step.SILVER: 3, Step.GOLD: 3}  # The others: `OTHER_MINUTES`.
    )
    workers: int = 2
    transitions: int = 45
    delivered_gb: float = 0.39
    stored_gb: float = 1.5
    objects: int = 30 * 500
    log_gb: float = 0.3
    scanned_tb: float = 0.05

    def job_minutes(self) -> float:
        """Return the minutes of all jobs of a good run."""
        jobs = [s.step for s in WORKFLOW if s.actor is Actor.ENGINE and s.step != Step.ROLL_BACK]
        return sum(self.minutes.get(step, OTHER_MINUTES) for step in jobs)


def idle(settings: Settings) -> dict[str, float]:
    """Return what a stack costs in which nothing is delivered, by what it is for."""
    names = Names(settings, "0" * 12)
    ticks = DAYS if settings.schedule.enabled else 0  # One a day; other schedules cost as little.
    return {
        "Key": PRICES["kms_key"],
        "Alarms": len(alarms(names)) * PRICES["alarm"],
        "Dashboard and metric": PRICES["dashboard"] + PRICES["metric"],
        "Pipe that asks the queue": (
            POLLS_A_MONTH / 1e6 * PRICES["sqs_million"] if settings.arrivals.enabled else 0.0
        ),
        "Scheduled looks at nothing": ticks * 12 / 1000 * PRICES["transition_thousand"],
    }


def per_million(settings: Settings, load: Load | None = None) -> dict[str, float]:
    """Return what a million orders a month cost on top, by what it is for."""
    load = load or Load()
    rate = PRICES["dpu_hour_flexible" if settings.job.flexible else "dpu_hour"]
    workers = min(load.workers, settings.job.max_workers)
    dpu = workers * DPU_OF_WORKER[settings.job.worker_type]
    return {
        "Glue jobs": load.runs * load.job_minutes() / 60 * dpu * rate,
        "State transitions": load.runs * load.transitions / 1000 * PRICES["transition_thousand"],
        "Storage": (load.delivered_gb + load.stored_gb) * PRICES["storage_gb"],
        "Requests": load.objects / 1000 * PRICES["put_thousand"],
        "Logs": load.log_gb * PRICES["log_gb"],
        "Queries": load.scanned_tb * PRICES["scan_tb"],
    }


def table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Return costs as a Markdown table, environments side by side, with their sums."""
    names = [*columns]
    rows = [*next(iter(columns.values()))]
    sums = {"**a month**": {name: sum(columns[name].values()) for name in names}}
    amounts = {row: {name: columns[name][row] for name in names} for row in rows} | sums
    lines = [
        f"| | {' | '.join(names)} |",
        f"| --- |{' ---: |' * len(names)}",
    ]
    for row, by_name in amounts.items():
        cells = " | ".join(f"{by_name[name]:.2f}" for name in names)
        lines.append(f"| {row} | {cells} |")
    return "\n".join(lines)
