"""How a run that cannot go on says so."""

from pipeline.contracts.checks import Severity
from pipeline.errors import CallError, LakehouseError, RejectedError
from pipeline.landing.delivery import Refusal
from pipeline.quality.decision import blocked_error
from pipeline.quality.notices import Notice
from pipeline.runner.report import RunReport, printable
from pipeline.runner.state import Failure, RunState
from pipeline.workflow import Outcome, Step

_NAMED = 5


def failure_of(outcome: Outcome, state: RunState) -> LakehouseError | None:
    """Return the error of a step that came out badly; None for one that came out well."""
    match outcome:
        case Outcome.BLOCKED:
            return blocked_error(state.report.verdicts)
        case Outcome.REJECTED:
            return _rejected(state.plan.refused)
        case _:
            return None


def _rejected(refused: list[Refusal]) -> RejectedError:
    named = "; ".join(f"{printable(r.path)}: {r.reason}" for r in refused[:_NAMED])
    more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    files = "The only file" if len(refused) == 1 else f"Each of the {len(refused)} files"
    msg = f"{files} in the landing zone was refused. {named}{more}"
    return RejectedError(msg, "Mend what was delivered, or take it out, then run again.")


def note_failure(state: RunState, step: Step, error: BaseException) -> None:
    """Note why a run has failed, and write the message that tells people.

    Nobody is told of a call that was wrong, or of a run that its user has interrupted: they know.
    """
    if isinstance(error, LakehouseError):
        what, hint = error.what, error.hint
    else:
        what, hint = " ".join(f"{type(error).__name__} {error}".split()), ""
    state.failure = Failure(step.value, type(error).__name__, what, hint)
    if isinstance(error, Exception) and not isinstance(error, CallError):
        state.report.notices.append(_notice(state.report, state.failure, step))


def _notice(report: RunReport, failure: Failure, step: Step) -> Notice:
    run = "A run" if report.batch_id is None else f"Run {report.batch_id}"
    return Notice(
        severity=Severity.CRITICAL,
        subject=f"{run} failed in the step {step}",
        message=failure.what,
        hint=failure.hint,
        batch_id=report.batch_id,
    )


def note_lost_account(state: RunState, error: LakehouseError) -> None:
    """Write the message that a run was undone but its account could not be kept."""
    state.report.notices.append(
        Notice(
            severity=Severity.LOW,
            subject="The account of the failed run could not be kept",
            message=error.what,
            hint=error.hint,
            batch_id=state.report.batch_id,
        )
    )
