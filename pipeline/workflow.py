"""The workflow of a run: its steps, their order, retries, and what follows a failure. Data only.

The runner walks it on a laptop, `infra` makes the Step Functions state machine from it, and the
documents their diagram. What a step does stands in `pipeline.runner`; who does it is named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Step(StrEnum):
    """The steps of a run."""

    CHECK = "check"
    VALIDATE_RAW = "validate_raw"
    BRONZE = "bronze"
    VALIDATE_BRONZE = "validate_bronze"
    SILVER = "silver"
    VALIDATE_SILVER = "validate_silver"
    GOLD = "gold"
    VALIDATE_GOLD = "validate_gold"
    RECORD = "record"
    UPDATE_CATALOG = "update_catalog"
    ARCHIVE = "archive"
    NOTIFY = "notify"
    REJECT = "reject"
    ROLL_BACK = "roll_back"
    NOTIFY_FAILURE = "notify_failure"


class End(StrEnum):
    """How a run ends."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Outcome(StrEnum):
    """How a step that did not fail may come out."""

    DONE = "done"
    NOTHING_NEW = "nothing_new"
    REJECTED = "rejected"
    BLOCKED = "blocked"


class Actor(StrEnum):
    """Who does a step, by what it needs.

    `landing` only asks whether there are deliveries: a service integration with S3 in the cloud.
    `engine` reads and writes tables: a Glue job. `control` works on the run's small documents and
    on whole files, in plain Python: a Lambda function. `notice` sends the messages that the steps
    before it have written: a service integration with SNS.
    """

    LANDING = "landing"
    ENGINE = "engine"
    CONTROL = "control"
    NOTICE = "notice"


@dataclass(frozen=True)
class Retry:
    """How often a step that failed for a passing reason is tried again, and after what waits.

    Every step may be tried again: it begins from the versions that the run has noted and writes
    what it had written already no second time.

    Attributes:
        attempts: Tries after the first one.
        wait_seconds: Wait before the first of them.
        rate: Factor by which each further wait is longer.
    """

    attempts: int
    wait_seconds: int
    rate: float = 2.0

    def waits(self) -> tuple[float, ...]:
        """Return the seconds to wait before each further try."""
        return tuple(self.wait_seconds * self.rate**number for number in range(self.attempts))


Target = Step | End


@dataclass(frozen=True)
class State:
    """One step in its place.

    Attributes:
        step: The step.
        does: What it does, for people.
        actor: Who does it.
        then: What follows each of its outcomes.
        on_failure: What follows when it failed and was tried often enough.
        retry: How often it is tried again.
        timeout_minutes: How long one try may take in the cloud.
    """

    step: Step
    does: str
    actor: Actor
    then: Mapping[Outcome, Target]
    on_failure: Target
    retry: Retry
    timeout_minutes: int


_JOB = Retry(attempts=2, wait_seconds=30)
_QUICK = Retry(attempts=3, wait_seconds=2)


def _state(  # noqa: PLR0917 - a table reads best without names
    step: Step,
    does: str,
    actor: Actor,
    then: Target,
    on_failure: Target,
    others: Mapping[Outcome, Target] | None = None,
) -> State:
    job = actor is Actor.ENGINE
    return State(
        step=step,
        does=does,
        actor=actor,
        then=MappingProxyType({Outcome.DONE: then, **(others or {})}),
        on_failure=on_failure,
        retry=_JOB if job else _QUICK,
        timeout_minutes=120 if job else 15,
    )


_NOTHING: Mapping[Outcome, Target] = {Outcome.NOTHING_NEW: End.SUCCEEDED}
_BLOCKED: Mapping[Outcome, Target] = {Outcome.BLOCKED: Step.ROLL_BACK}

# In the order of a good run, then the failure paths. The first is where a run begins.
WORKFLOW: tuple[State, ...] = (
    _state(
        Step.CHECK,
        "Asks whether the landing zone holds deliveries.",
        Actor.LANDING,
        Step.VALIDATE_RAW,
        Step.NOTIFY_FAILURE,
        _NOTHING,
    ),
    _state(
        Step.VALIDATE_RAW,
        "Undoes an interrupted run, pins the files, holds each against the file-level checks, and "
        "notes every table's version.",
        Actor.ENGINE,
        Step.BRONZE,
        Step.ROLL_BACK,
        {
            # Files that an earlier run has decided on may still lie where they were delivered.
            Outcome.NOTHING_NEW: Step.ARCHIVE,
            Outcome.REJECTED: Step.REJECT,
            Outcome.BLOCKED: Step.REJECT,
        },
    ),
    _state(
        Step.BRONZE,
        "Appends the rows of the files as received.",
        Actor.ENGINE,
        Step.VALIDATE_BRONZE,
        Step.ROLL_BACK,
    ),
    _state(
        Step.VALIDATE_BRONZE,
        "Judges what bronze measured.",
        Actor.CONTROL,
        Step.SILVER,
        Step.ROLL_BACK,
        _BLOCKED,
    ),
    _state(
        Step.SILVER,
        "Types, checks and places every row; heals quarantine.",
        Actor.ENGINE,
        Step.VALIDATE_SILVER,
        Step.ROLL_BACK,
    ),
    _state(
        Step.VALIDATE_SILVER,
        "Judges what silver measured.",
        Actor.CONTROL,
        Step.GOLD,
        Step.ROLL_BACK,
        _BLOCKED,
    ),
    _state(
        Step.GOLD,
        "Brings gold up to date and computes it a second time by another route.",
        Actor.ENGINE,
        Step.VALIDATE_GOLD,
        Step.ROLL_BACK,
    ),
    _state(
        Step.VALIDATE_GOLD,
        "Judges what gold measured.",
        Actor.CONTROL,
        Step.RECORD,
        Step.ROLL_BACK,
        _BLOCKED,
    ),
    _state(
        Step.RECORD,
        "Closes the books: balance, metrics, run, ledger. The transaction ends here.",
        Actor.ENGINE,
        Step.UPDATE_CATALOG,
        Step.ROLL_BACK,
    ),
    _state(
        Step.UPDATE_CATALOG,
        "Publishes the tables' versions, rows and columns.",
        Actor.CONTROL,
        Step.ARCHIVE,
        Step.NOTIFY_FAILURE,
    ),
    _state(
        Step.ARCHIVE,
        "Moves decided files out of the landing zone.",
        Actor.CONTROL,
        Step.NOTIFY,
        Step.NOTIFY_FAILURE,
    ),
    _state(
        Step.NOTIFY,
        "Sends the alerts of the run.",
        Actor.NOTICE,
        End.SUCCEEDED,
        End.FAILED,
    ),
    _state(
        Step.REJECT,
        "Moves refused files aside; not one file is taken in.",
        Actor.CONTROL,
        Step.NOTIFY_FAILURE,
        Step.NOTIFY_FAILURE,
    ),
    _state(
        Step.ROLL_BACK,
        "Restores every table to its version before the run.",
        Actor.ENGINE,
        Step.NOTIFY_FAILURE,
        Step.NOTIFY_FAILURE,
    ),
    _state(
        Step.NOTIFY_FAILURE,
        "Tells what failed, where, and what to do.",
        Actor.NOTICE,
        End.FAILED,
        End.FAILED,
    ),
)

START = WORKFLOW[0].step


def state_of(step: Step) -> State:
    """Return the declaration of a step."""
    return next(state for state in WORKFLOW if state.step is step)
