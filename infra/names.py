"""Names and ARNs of everything in a stack, known before anything is made.

Policies name what they allow, so they need names that do not wait for a resource. A name holds the
stack's environment, so that environments may share an account; a bucket's also holds account and
region, since S3 knows each name once in the world.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.config import Settings
from pipeline.contracts import TABLES
from pipeline.contracts.checks import Severity
from pipeline.workflow import WORKFLOW, Actor, State, Step

LAYERS = tuple(dict.fromkeys(table.layer for table in TABLES))
# Severities of the pipeline's notices, the gravest last. There is a topic for each.
SEVERITIES = tuple(str(severity) for severity in Severity)
JOB_STEPS = tuple(str(state.step) for state in WORKFLOW if state.actor is Actor.ENGINE)
BUCKETS = ("raw", "lake", "artifacts", "results", "logs")
# Folders of the landing zone where decided files are put: they are no deliveries.
PUT_ASIDE = ("archive", "rejected")

# Which Lambda function does which step. A function has a role of its own, so a step that needs
# other rights than these needs another duty.
CONTROL: Mapping[str, tuple[Step, ...]] = {
    "judge": (Step.VALIDATE_BRONZE, Step.VALIDATE_SILVER, Step.VALIDATE_GOLD),
    "publish": (Step.UPDATE_CATALOG,),
    "file-away": (Step.ARCHIVE, Step.REJECT),
}


@dataclass(frozen=True)
class Names:
    """Names of one stack.

    Attributes:
        settings: Configuration of the stack.
        account: Account that it is deployed to.
    """

    settings: Settings
    account: str

    @property
    def stem(self) -> str:
        """Beginning of every name, e.g. `lakehouse-dev`."""
        return f"{self.settings.name}-{self.settings.environment}"

    def of(self, what: str) -> str:
        """Return the name of something, e.g. `lakehouse-dev-turn`."""
        return f"{self.stem}-{what}"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        where = f"{self.settings.region}:{self.account}"
        return f"arn:{self.settings.partition}:{service}:{where}:{resource}"

    # --- Storage ---------------------------------------------------------------------------------

    def bucket(self, purpose: str) -> str:
        """Return the name of a bucket: one of `BUCKETS`."""
        return f"{self.stem}-{purpose}-{self.account}-{self.settings.region}"

    def bucket_arn(self, purpose: str) -> str:
        """Return the ARN of a bucket."""
        return f"arn:{self.settings.partition}:s3:::{self.bucket(purpose)}"

    def objects_arn(self, purpose: str, *patterns: str) -> list[str]:
        """Return the ARNs of a bucket's objects whose keys fit one of these patterns."""
        return [f"{self.bucket_arn(purpose)}/{pattern}" for pattern in patterns]

    @property
    def landing_prefix(self) -> str:
        """Beginning of the keys of the landing zone."""
        return "landing/"

    @property
    def landing(self) -> str:
        """Address of the landing zone."""
        return f"s3://{self.bucket('raw')}/{self.landing_prefix.rstrip('/')}"

    @property
    def lake(self) -> str:
        """Address of the lake's root."""
        return f"s3://{self.bucket('lake')}"

    @property
    def temporary(self) -> str:
        """Address where Glue keeps temporary files."""
        return f"s3://{self.bucket('artifacts')}/temporary"

    # --- The rest --------------------------------------------------------------------------------

    def database(self, layer: str) -> str:
        """Return the name of a layer's database, e.g. `lakehouse_dev_gold`."""
        return f"{self.stem}-{layer}".replace("-", "_")

    def job(self, step: str) -> str:
        """Return the name of a step's Glue job."""
        return self.of(step.replace("_", "-"))

    def role(self, duty: str) -> str:
        """Return the name of a duty's role."""
        return self.of(duty)

    def role_arn(self, duty: str) -> str:
        """Return the ARN of a duty's role."""
        where = f"arn:{self.settings.partition}:iam::{self.account}"
        return f"{where}:role/{self.role(duty)}"

    def topic(self, severity: str) -> str:
        """Return the name of a severity's topic."""
        return self.of(severity)

    def topic_arn(self, severity: str) -> str:
        """Return the ARN of a severity's topic."""
        return self.arn("sns", self.topic(severity))

    def queue_arn(self, queue: str) -> str:
        """Return the ARN of a queue: `arrivals` or `undelivered`."""
        return self.arn("sqs", self.of(queue))

    def function_arn(self, duty: str) -> str:
        """Return the ARN of a duty's Lambda function."""
        return self.arn("lambda", f"function:{self.of(duty)}")

    @property
    def machine_arn(self) -> str:
        """ARN of the state machine."""
        return self.arn("states", f"stateMachine:{self.of('run')}")

    @property
    def turn_table_arn(self) -> str:
        """ARN of the table that says whose turn it is."""
        return self.arn("dynamodb", f"table/{self.of('turn')}")

    @property
    def workgroup_arn(self) -> str:
        """ARN of the Athena workgroup."""
        return self.arn("athena", f"workgroup/{self.stem}")

    @property
    def security_configuration(self) -> str:
        """Name of Glue's security configuration."""
        return self.stem

    @property
    def job_logs(self) -> str:
        """Beginning of the names of the jobs' log groups."""
        return f"/aws-glue/jobs/{self.stem}"


def duty_of(step: Step) -> str:
    """Return the Lambda function that does a step.

    Raises:
        KeyError: No duty has it; `CONTROL` has to name one.
    """
    for duty, steps in CONTROL.items():
        if step in steps:
            return duty
    raise KeyError(step)


def unassigned(workflow: tuple[State, ...] = WORKFLOW) -> list[Step]:
    """Return the control steps of a workflow that no function does."""
    assigned = {step for steps in CONTROL.values() for step in steps}
    control = [state.step for state in workflow if state.actor is Actor.CONTROL]
    return [step for step in control if step not in assigned]
