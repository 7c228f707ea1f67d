"""Who is told what: topics by severity, alarms, the dashboard, the budget."""

import hashlib
import json

import pulumi
import pulumi_aws as aws

from infra.alarms import QUARANTINE, QUARANTINE_FIELD, Alarm, alarms
from infra.dashboard import dashboard
from infra.names import JOB_STEPS, SEVERITIES, Names
from infra.policies import document, from_service, text, tls_only
from infra.storage import Storage
from infra.workflow import Workflow

_BUDGET = (("ACTUAL", 80), ("FORECASTED", 100))


class Topics(pulumi.ComponentResource):
    """A topic for each severity, and who listens to it.

    Attributes:
        arns: ARNs of the topics by severity.
    """

    def __init__(self, names: Names, storage: Storage, opts: pulumi.ResourceOptions) -> None:
        super().__init__("lakehouse:infra:Topics", "topics", None, opts)
        self._names = names
        self._options = pulumi.ResourceOptions(parent=self)
        self.arns = {severity: self._topic(severity, storage) for severity in SEVERITIES}
        self.register_outputs({"topics": [names.topic(severity) for severity in SEVERITIES]})

    def _topic(self, severity: str, storage: Storage) -> pulumi.Output[str]:
        names = self._names
        topic = aws.sns.Topic(
            f"topic-{severity}",
            name=names.topic(severity),
            display_name=f"{names.stem} {severity}",
            kms_master_key_id=storage.key.id,
            tags=names.settings.tags,
            opts=self._options,
        )
        policy = aws.sns.TopicPolicy(
            f"topic-{severity}-policy",
            arn=topic.arn,
            policy=text(topic_policy(names, severity)),
            opts=self._options,
        )
        for endpoint in getattr(names.settings.alerts, severity):
            digest = hashlib.sha256(endpoint.encode()).hexdigest()[:8]
            aws.sns.TopicSubscription(
                f"subscription-{severity}-{digest}",
                topic=topic.arn,
                protocol="https" if endpoint.startswith("https://") else "email",
                endpoint=endpoint,
                opts=self._options,
            )
        return pulumi.Output.all(topic.arn, policy.id).apply(lambda found: str(found[0]))


def topic_policy(names: Names, severity: str) -> dict[str, object]:
    """Return who may publish to a topic: alarms, rules and budgets of this account."""
    arn = names.topic_arn(severity)
    services = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"]
    return document(
        {**tls_only("sns", [arn]), "Action": "sns:Publish"},
        from_service(
            "Alarms",
            services,
            ["sns:Publish"],
            [arn],
            {"StringEquals": {"aws:SourceAccount": names.account}},
        ),
    )


class Monitoring(pulumi.ComponentResource):
    """Alarms, the dashboard, the budget."""

    def __init__(
        self, names: Names, topics: Topics, workflow: Workflow, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("lakehouse:infra:Monitoring", "monitoring", None, opts)
        self._names = names
        self._topics = topics
        self._options = pulumi.ResourceOptions(parent=self)
        self._measure(workflow)
        for alarm in alarms(names):
            self._alarm(alarm)
        self._failing_jobs()
        self._budget()
        aws.cloudwatch.Dashboard(
            "dashboard",
            dashboard_name=names.stem,
            dashboard_body=json.dumps(dashboard(names)),
            opts=self._options,
        )
        self.register_outputs({"dashboard": names.stem})

    def _measure(self, workflow: Workflow) -> None:
        """Make a metric of what the judging function writes into its log."""
        aws.cloudwatch.LogMetricFilter(
            "quarantine",
            name=self._names.of("quarantine"),
            log_group_name=workflow.judge_logs,
            pattern=f"{{ $.{QUARANTINE_FIELD} = * }}",
            metric_transformation={
                "name": QUARANTINE,
                "namespace": self._names.stem,
                "value": f"$.{QUARANTINE_FIELD}",
                "unit": "Percent",
            },
            opts=self._options,
        )

    def _alarm(self, alarm: Alarm) -> None:
        topic = self._topics.arns[alarm.severity]
        comparison = "LessThanThreshold" if alarm.below else "GreaterThanOrEqualToThreshold"
        aws.cloudwatch.MetricAlarm(
            f"alarm-{alarm.name}",
            name=self._names.of(alarm.name),
            alarm_description=alarm.means,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=dict(alarm.dimensions),
            statistic=alarm.statistic,
            comparison_operator=comparison,
            threshold=alarm.threshold,
            period=alarm.seconds,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.periods,
            treat_missing_data=alarm.silence,
            alarm_actions=[topic],
            ok_actions=[topic] if alarm.severity == "critical" else [],
            tags=self._names.settings.tags,
            opts=self._options,
        )

    def _failing_jobs(self) -> None:
        """Tell of jobs that fail, although the workflow tries again: retries cost money."""
        names = self._names
        rule = aws.cloudwatch.EventRule(
            "job-failed",
            name=names.of("job-failed"),
            description="Glue jobs that fail.",
            event_pattern=json.dumps(
                {
                    "source": ["aws.glue"],
                    "detail-type": ["Glue Job State Change"],
                    "detail": {
                        "jobName": [names.job(step) for step in JOB_STEPS],
                        "state": ["FAILED", "TIMEOUT"],
                    },
                }
            ),
            tags=names.settings.tags,
            opts=self._options,
        )
        aws.cloudwatch.EventTarget(
            "job-failed-target",
            rule=rule.name,
            target_id="topic",
            arn=self._topics.arns["high"],
            input_transformer={
                "input_paths": {
                    "job": "$.detail.jobName",
                    "run": "$.detail.jobRunId",
                    "said": "$.detail.message",
                    "state": "$.detail.state",
                },
                "input_template": (
                    '"The Glue job <job> ended as <state> (run <run>): <said> '
                    'The workflow tries it again as often as it is declared."'
                ),
            },
            opts=self._options,
        )

    def _budget(self) -> None:
        settings = self._names.settings
        if settings.budget_usd is None:
            return
        aws.budgets.Budget(
            "budget",
            name=self._names.stem,
            budget_type="COST",
            limit_amount=str(settings.budget_usd),
            limit_unit="USD",
            time_unit="MONTHLY",
            # The tag has to be made a cost allocation tag once per organization.
            cost_filters=[
                {
                    "name": "TagKeyValue",
                    "values": [f"user:Environment${settings.environment}"],
                }
            ],
            notifications=[
                {
                    "notification_type": kind,
                    "comparison_operator": "GREATER_THAN",
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_sns_topic_arns": [self._topics.arns["medium"]],
                }
                for kind, percent in _BUDGET
            ],
            tags=settings.tags,
            opts=self._options,
        )
