"""The configuration of a stack: one schema, held before anything is planned.

Every value stands in `Pulumi.<stack>.yaml` under `lakehouse:`. What a stack does not say has the
default given here. `infra.reading` makes the settings from it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

NAMESPACE = "lakehouse"
ROOT = Path(__file__).resolve().parents[1]

# Days that CloudWatch accepts as the retention of a log group.
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557)
# Partition of AWS by the beginning of a region's name; all others are in `aws`.
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,14}[a-z0-9]$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]{1,128}$")]
Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[^\s]*$")]
Cron = Annotated[str, StringConstraints(pattern=r"^(cron|rate)\([^)]+\)$")]
Days = Annotated[int, Field(ge=1, le=3650)]


class ConfigError(Exception):
    """The configuration, or what it names, is wrong; the text says where and what to do."""


class Section(BaseModel):
    """A part of the configuration; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(Section):
    """When runs begin by the clock.

    Attributes:
        expression: `cron(...)` or `rate(...)` as EventBridge Scheduler knows them.
        timezone: Time zone of the expression, e.g. `Europe/Berlin`.
        enabled: Whether it is in force.
    """

    expression: Cron = "cron(0 5 * * ? *)"
    timezone: str = "UTC"
    enabled: bool = True

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        from zoneinfo import available_timezones

        if value not in available_timezones():
            msg = "expected the name of a time zone, such as Europe/Berlin or UTC"
            raise ValueError(msg)
        return value


class Arrivals(Section):
    """Runs that begin because files have arrived.

    Attributes:
        enabled: Whether arriving files begin a run.
        window_seconds: Arrivals within so many seconds of the first one become one run.
    """

    enabled: bool = True
    window_seconds: int = Field(default=120, ge=1, le=300)


class Job(Section):
    """The size of a Glue job.

    Attributes:
        worker_type: Kind of worker.
        max_workers: Workers at most, driver included; with autoscaling fewer where that is enough.
        flexible: Whether it may wait for spare capacity, for about a third less money.
    """

    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    max_workers: int = Field(default=3, ge=2, le=299)
    flexible: bool = False


class Storage(Section):
    """How long data is kept, and how it is held.

    Attributes:
        protect: Whether the stack refuses to delete what holds data, and S3 keeps deliveries
            against deletion for `locked_days`.
        locked_days: Days for which a version of a delivered file cannot be removed by anybody but
            those who may bypass governance; needs `protect`.
        archive_cold_days: Days after which archived deliveries move to an infrequent access class.
        archive_frozen_days: Days after which they move on to Glacier.
        noncurrent_days: Days for which overwritten and deleted objects can be brought back.
        results_days: Days for which answers of Athena are kept.
        access_log_days: Days for which S3 access logs are kept.
    """

    protect: bool = False
    locked_days: Days = 30
    archive_cold_days: int = Field(default=30, ge=30, le=3650)  # S3 allows no fewer.
    archive_frozen_days: int = Field(default=180, ge=60, le=3650)
    noncurrent_days: Days = 30
    results_days: Days = 30
    access_log_days: Days = 90

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.archive_frozen_days < self.archive_cold_days + 30:
            msg = "archive_frozen_days has to be at least 30 more than archive_cold_days"
            raise ValueError(msg)
        return self


class Monitoring(Section):
    """What raises an alarm.

    Attributes:
        success_hours: Hours within which a run has to succeed; Nothing to do counts as success.
        run_minutes: Minutes that a run may take.
        quarantine_percent: Percent of a run's rows that may go to quarantine.
        log_days: Days for which logs are kept.
    """

    success_hours: int = Field(default=26, ge=1, le=168)
    run_minutes: int = Field(default=90, ge=1, le=24 * 60)
    quarantine_percent: float = Field(default=5, gt=0, le=100)
    log_days: int = 30

    @field_validator("log_days")
    @classmethod
    def _offered(cls, value: int) -> int:
        if value not in LOG_DAYS:
            msg = f"expected one of {', '.join(map(str, LOG_DAYS))}"
            raise ValueError(msg)
        return value


class Alerts(Section):
    """Who is told, by severity: e-mail addresses and `https://` endpoints.

    Attributes:
        low: For the curious.
        medium: To be looked at some day soon.
        high: To be looked at today.
        critical: To be looked at now: a run failed, data is missing.
    """

    low: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()

    @field_validator("*")
    @classmethod
    def _reachable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if not entry.startswith("https://") and not ("@" in entry[1:-1] and " " not in entry):
                msg = f"expected e-mail addresses and https:// endpoints, {entry!r} is neither"
                raise ValueError(msg)
        return value


class Access(Section):
    """Who may take on the roles of people and of other systems, as ARNs of IAM principals.

    An empty list leaves it to the account's own policies.

    Attributes:
        analysts: Read gold through Athena.
        operators: Start runs, read logs and results.
        producers: Deliver files.
    """

    analysts: tuple[Arn, ...] = ()
    operators: tuple[Arn, ...] = ()
    producers: tuple[Arn, ...] = ()


class Ci(Section):
    """GitHub Actions, which deploys without long-lived keys.

    Attributes:
        repository: `owner/name` on GitHub.
        state_bucket: S3 bucket that keeps Pulumi's state.
        state_key: ARN of the KMS key that encrypts secrets in the state; unset: a passphrase does.
        create_provider: Whether this stack makes the account's OIDC provider; an account has one,
            so only the first of several stacks in an account does.
    """

    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    state_bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    state_key: Arn | None = None
    create_provider: bool = True


class Settings(Section):
    """The whole configuration of a stack.

    Attributes:
        environment: Name of the stack.
        name: First word of every resource's name.
        region: Region of AWS.
        account: The one account that this stack may be deployed to; unset: whichever the
            credentials belong to.
        owner: Team that is responsible; a tag.
        cost_center: Who pays; a tag.
        endpoint: Address of an emulator of AWS; only for trials on one machine.
        wheel: A wheel that was built before, relative to the project; unset: one is built.
        glue_version: Version of Glue.
        job: Size of all Glue jobs.
        job_of_step: Size of the job of one step, by the step's name, in place of `job`.
        thresholds: Thresholds of the quality checks, by check, in place of the contract's.
        scan_limit_gb: Gigabytes that one query in Athena may read.
        budget_usd: Dollars a month, above which the budget alarms; unset: no budget.
        permissions_boundary: ARN of the policy that bounds every role.
        schedule: See `Schedule`.
        arrivals: See `Arrivals`.
        storage: See `Storage`.
        monitoring: See `Monitoring`.
        alerts: See `Alerts`.
        access: See `Access`.
        ci: See `Ci`; unset: GitHub gets no access.
    """

    environment: Word
    name: Word = "lakehouse"
    region: Region
    account: Account | None = None
    owner: Tag = "data-platform"
    cost_center: Tag = "analytics"
    endpoint: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+$")] | None = None
    wheel: Path | None = None
    glue_version: Literal["6.0", "5.1"] = "6.0"
    job: Job = Job()
    job_of_step: Mapping[str, Job] = Field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, str | int]] = Field(default_factory=dict)
    scan_limit_gb: int = Field(default=10, ge=1, le=7168)
    budget_usd: int | None = Field(default=None, ge=1)
    permissions_boundary: Arn | None = None
    schedule: Schedule = Schedule()
    arrivals: Arrivals = Arrivals()
    storage: Storage = Storage()
    monitoring: Monitoring = Monitoring()
    alerts: Alerts = Alerts()
    access: Access = Access()
    ci: Ci | None = None

    @field_validator("job_of_step")
    @classmethod
    def _steps(cls, value: Mapping[str, Job]) -> Mapping[str, Job]:
        from pipeline.workflow import WORKFLOW, Actor

        steps = [str(state.step) for state in WORKFLOW if state.actor is Actor.ENGINE]
        for step in value:
            if step not in steps:
                msg = f"there is no job of the step {step!r}; the steps are {', '.join(steps)}"
                raise ValueError(msg)
        return value

    @field_validator("thresholds")
    @classmethod
    def _judged(
        cls, value: Mapping[str, Mapping[str, str | int]]
    ) -> Mapping[str, Mapping[str, str | int]]:
        from pipeline.errors import CallError
        from pipeline.quality.thresholds import thresholds_of

        try:
            thresholds_of(value, "lakehouse:thresholds")
        except CallError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _production(self) -> Self:
        if self.environment == "prod":
            missing = [
                *(["account"] if self.account is None else []),
                *(["storage.protect: true"] if not self.storage.protect else []),
                *(["alerts.critical"] if not self.alerts.critical else []),
            ]
            if missing:
                msg = f"the stack prod needs {' and '.join(missing)}"
                raise ValueError(msg)
            if self.endpoint:
                msg = "the stack prod cannot be deployed to an emulator; take endpoint out"
                raise ValueError(msg)
        return self

    @property
    def partition(self) -> str:
        """Partition of AWS that the region belongs to."""
        found = (name for start, name in _PARTITIONS.items() if self.region.startswith(start))
        return next(found, "aws")

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every resource; costs are told apart by them."""
        return {
            "Project": self.name,
            "Environment": self.environment,
            "Owner": self.owner,
            "CostCenter": self.cost_center,
            "ManagedBy": "pulumi",
        }

    @property
    def thresholds_text(self) -> str:
        """Thresholds as the pipeline takes them: JSON; empty when all are the contract's."""
        return json.dumps(self.thresholds, sort_keys=True) if self.thresholds else ""

    def job_for(self, step: str) -> Job:
        """Return the size of the job of a step."""
        return self.job_of_step.get(step, self.job)
