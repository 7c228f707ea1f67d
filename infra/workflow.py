"""Runs: the state machine, the functions that it calls, and what starts it.

Files that arrive are told by S3 to EventBridge, gathered in a queue, and a pipe makes one execution
of all that arrive within a window. A schedule starts executions, too. That they never overlap is
the affair of the state machine itself: see `infra.turn` and docs/adr/0030.
"""

import json

import pulumi
import pulumi_aws as aws

from infra.access import Access
from infra.jobs import Jobs
from infra.names import CONTROL, PUT_ASIDE, Names, unassigned
from infra.policies import document, from_service, text, tls_only
from infra.states import definition
from infra.storage import Storage

HANDLER = "pipeline.control.handler"
RUNTIME = "python3.13"
_MEMORY_MB = 512
_FUNCTION_SECONDS = 900
_ARRIVALS_KEPT_SECONDS = 4 * 24 * 3600
_UNDELIVERED_KEPT_SECONDS = 14 * 24 * 3600
# So many arrivals at most become one run. What the pipe passes on of each is a few letters, and all
# of it has to fit into the input of an execution.
_BATCH = 1000
# What the pipe has taken comes back so long after the window of arrivals, unless it was delivered.
_SECONDS_TO_DELIVER = 120
_TRIES = 5


class Workflow(pulumi.ComponentResource):
    """The state machine and all that is around it.

    Attributes:
        machine: The state machine.
        judge_logs: Name of the log group of the function that judges.
    """

    def __init__(
        self,
        names: Names,
        storage: Storage,
        access: Access,
        jobs: Jobs,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("lakehouse:infra:Workflow", "workflow", None, opts)
        if unassigned():
            msg = f"no function does the steps {unassigned()}: see CONTROL in infra/names.py"
            raise pulumi.RunError(msg)
        self._names = names
        self._key = storage.key.arn
        self._access = access
        self._options = pulumi.ResourceOptions(parent=self)
        groups = {
            duty: self._log_group(f"function-{duty}-logs", f"/aws/lambda/{names.of(duty)}")
            for duty in CONTROL
        }
        self.judge_logs = groups["judge"].name
        functions = [self._function(duty, jobs, groups[duty].name) for duty in CONTROL]
        turn = self._turn_table()
        self.machine = self._machine([*functions, turn])
        self.undelivered = self._undelivered()
        self._arrivals(storage)
        self._schedule()
        self.register_outputs({"machine": names.of("run")})

    # --- What runs -------------------------------------------------------------------------------

    def _log_group(self, resource: str, name: str) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            resource,
            name=name,
            retention_in_days=self._names.settings.monitoring.log_days,
            kms_key_id=self._key,
            tags=self._names.settings.tags,
            opts=self._options,
        )

    def _function(
        self, duty: str, jobs: Jobs, log_group: pulumi.Output[str]
    ) -> aws.lambda_.Function:
        names = self._names
        return aws.lambda_.Function(
            f"function-{duty}",
            name=names.of(duty),
            description=f"Steps {', '.join(CONTROL[duty])}.",
            role=self._access.role(duty),
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=HANDLER,
            s3_bucket=names.bucket("artifacts"),
            s3_key=jobs.wheel,
            memory_size=_MEMORY_MB,
            timeout=_FUNCTION_SECONDS,
            kms_key_arn=self._key,
            environment={
                "variables": {
                    # Read by pipeline/control.py.
                    "LAKEHOUSE_DATABASES": names.database(""),
                    "LAKEHOUSE_THRESHOLDS": names.settings.thresholds_text,
                }
            },
            tracing_config={"mode": "Active"},
            logging_config={
                "log_format": "JSON",
                "application_log_level": "INFO",
                "log_group": log_group,
            },
            tags=names.settings.tags,
            opts=self._options,
        )

    def _turn_table(self) -> aws.dynamodb.Table:
        names = self._names
        return aws.dynamodb.Table(
            "turn",
            name=names.of("turn"),
            attributes=[{"name": "turn", "type": "S"}],
            hash_key="turn",
            billing_mode="PAY_PER_REQUEST",
            server_side_encryption={"enabled": True, "kms_key_arn": self._key},
            point_in_time_recovery={"enabled": True},
            tags=names.settings.tags,
            opts=self._options,
        )

    def _machine(self, needs: list[pulumi.Resource]) -> aws.sfn.StateMachine:
        names = self._names
        logs = self._log_group("machine-logs", f"/aws/vendedlogs/states/{names.of('run')}")
        return aws.sfn.StateMachine(
            "machine",
            name=names.of("run"),
            type="STANDARD",
            role_arn=self._access.role("machine"),
            definition=json.dumps(definition(names)),
            logging_configuration={
                "include_execution_data": True,
                "level": "ALL",
                "log_destination": logs.arn.apply(lambda arn: f"{arn.removesuffix(':*')}:*"),
            },
            tracing_configuration={"enabled": True},
            encryption_configuration={
                "type": "CUSTOMER_MANAGED_KMS_KEY",
                "kms_key_id": self._key,
                "kms_data_key_reuse_period_seconds": 300,
            },
            tags=names.settings.tags,
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(depends_on=needs)
            ),
        )

    # --- What starts it --------------------------------------------------------------------------

    def _queue(
        self, queue: str, kept_seconds: int, redrive: pulumi.Input[str] | None = None
    ) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"queue-{queue}",
            name=self._names.of(queue),
            message_retention_seconds=kept_seconds,
            visibility_timeout_seconds=(
                self._names.settings.arrivals.window_seconds + _SECONDS_TO_DELIVER
            ),
            kms_master_key_id=self._key,
            kms_data_key_reuse_period_seconds=3600,
            redrive_policy=redrive,
            tags=self._names.settings.tags,
            opts=self._options,
        )

    def _queue_policy(self, queue: str, made: aws.sqs.Queue) -> aws.sqs.QueuePolicy:
        """Let the rule of arrivals write to a queue, and nobody without TLS."""
        names = self._names
        arn = names.queue_arn(queue)
        rule = names.arn("events", f"rule/{names.of('arrivals')}")
        return aws.sqs.QueuePolicy(
            f"queue-{queue}-policy",
            queue_url=made.url,
            policy=text(
                document(
                    tls_only("sqs", [arn]),
                    from_service(
                        "ArrivalsRule",
                        ["events.amazonaws.com"],
                        ["sqs:SendMessage"],
                        [arn],
                        {"ArnEquals": {"aws:SourceArn": rule}},
                    ),
                )
            ),
            opts=self._options,
        )

    def _undelivered(self) -> aws.sqs.Queue:
        queue = self._queue("undelivered", _UNDELIVERED_KEPT_SECONDS)
        self._queue_policy("undelivered", queue)
        return queue

    def _arrivals(self, storage: Storage) -> None:
        names = self._names
        state = names.settings.arrivals.enabled
        redrive = self.undelivered.arn.apply(
            lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": _TRIES})
        )
        queue = self._queue("arrivals", _ARRIVALS_KEPT_SECONDS, redrive)
        policy = self._queue_policy("arrivals", queue)
        rule = aws.cloudwatch.EventRule(
            "arrivals",
            name=names.of("arrivals"),
            description="Files that arrive in the landing zone.",
            event_pattern=json.dumps(arrival_pattern(names)),
            state="ENABLED" if state else "DISABLED",
            tags=names.settings.tags,
            opts=pulumi.ResourceOptions.merge(
                self._options,
                pulumi.ResourceOptions(depends_on=[storage.buckets["raw"].ready]),
            ),
        )
        aws.cloudwatch.EventTarget(
            "arrivals-target",
            rule=rule.name,
            target_id="queue",
            arn=queue.arn,
            dead_letter_config={"arn": self.undelivered.arn},
            retry_policy={"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 20},
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(depends_on=[policy])
            ),
        )
        aws.pipes.Pipe(
            "arrivals-pipe",
            name=names.of("arrivals"),
            description="Makes one run of the files that arrive together.",
            role_arn=self._access.role("pipe"),
            source=queue.arn,
            target=self.machine.arn,
            desired_state="RUNNING" if state else "STOPPED",
            source_parameters={
                "sqs_queue_parameters": {
                    "batch_size": _BATCH,
                    "maximum_batching_window_in_seconds": names.settings.arrivals.window_seconds,
                }
            },
            target_parameters={
                "input_template": json.dumps({"reason": "arrival"}),
                "step_function_state_machine_parameters": {"invocation_type": "FIRE_AND_FORGET"},
            },
            tags=names.settings.tags,
            opts=self._options,
        )

    def _schedule(self) -> None:
        names, schedule = self._names, self._names.settings.schedule
        group = aws.scheduler.ScheduleGroup(
            "schedules", name=names.stem, tags=names.settings.tags, opts=self._options
        )
        aws.scheduler.Schedule(
            "schedule",
            name=names.of("run"),
            group_name=group.name,
            description="Runs by the clock.",
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.timezone,
            state="ENABLED" if schedule.enabled else "DISABLED",
            flexible_time_window={"mode": "OFF"},
            kms_key_arn=self._key,
            target={
                "arn": self.machine.arn,
                "role_arn": self._access.role("scheduler"),
                "input": json.dumps({"reason": "schedule"}),
                "dead_letter_config": {"arn": self.undelivered.arn},
                "retry_policy": {
                    "maximum_event_age_in_seconds": 3600,
                    "maximum_retry_attempts": 20,
                },
            },
            opts=self._options,
        )


def arrival_pattern(names: Names) -> dict[str, object]:
    """Return which events tell of a delivery: new objects, but for those that were put aside."""
    aside = [f"{names.landing_prefix}{name}/*" for name in PUT_ASIDE]
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [names.bucket("raw")]},
            "object": {"key": [{"anything-but": {"wildcard": aside}}]},
        },
    }
