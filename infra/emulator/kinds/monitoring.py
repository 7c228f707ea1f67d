"""Logs, alarms, dashboards and budgets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulator.account import Account, Properties
from infra.emulator.kinds.kind import NO_INPUTS, Call, Called, Kind, Recorded, by


def _log_group(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("logs", f"log-group:{inputs['name']}")}


@dataclass(frozen=True)
class _LogGroup(Called):
    """A log group; how long it keeps is an operation of its own."""

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        made = super().create(account, inputs)
        self._keep(account, inputs)
        return made

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`."""
        said = account.client("logs").describe_log_groups(logGroupNamePrefix=state["name"])
        return any(group["logGroupName"] == state["name"] for group in said["logGroups"])

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        self._keep(account, inputs)
        return {"arn": old["arn"]}

    @staticmethod
    def _keep(account: Account, inputs: Properties) -> None:
        if inputs.get("retentionInDays"):
            account.client("logs").put_retention_policy(
                logGroupName=inputs["name"], retentionInDays=int(inputs["retentionInDays"])
            )


def _alarm(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("cloudwatch", f"alarm:{inputs.get('name') or inputs['alarmName']}")}


def _pairs(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def _queries(account: Account, given: Properties, request: Properties) -> None:
    """Put a metric query together, whose parts AWS keeps one level deeper."""
    made = []
    for asked in given.get("metricQueries") or ():
        query: dict[str, Any] = {"Id": asked["id"]}
        for name in ("expression", "label", "returnData"):
            if name in asked:
                query[name[0].upper() + name[1:]] = asked[name]
        if asked.get("period"):
            query["Period"] = int(asked["period"])
        if asked.get("metric"):
            metric = asked["metric"]
            query["MetricStat"] = {
                "Metric": {
                    "Namespace": metric["namespace"],
                    "MetricName": metric["metricName"],
                    "Dimensions": _pairs(metric.get("dimensions") or {}),
                },
                "Period": int(metric["period"]),
                "Stat": metric["stat"],
            }
        made.append(query)
    if made:
        request["Metrics"] = made
    if given.get("dimensions"):
        request["Dimensions"] = _pairs(given["dimensions"])
    del account


def _dashboard(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    name = inputs["dashboardName"]
    return {"dashboardArn": f"arn:aws:cloudwatch::{account.account_id}:dashboard/{name}"}


_FILTER = {"logGroupName": "logGroupName", "filterName": "name"}

KINDS: dict[str, Kind] = {
    "aws:cloudwatch/logGroup:LogGroup": _LogGroup(
        service="logs",
        replaced_by=frozenset({"name"}),
        named="name",
        make=Call(
            "create_log_group",
            names={"name": "logGroupName", "retentionInDays": None, "skipDestroy": None},
        ),
        remove=by("delete_log_group", logGroupName="name"),
        id="name",
        outputs=_log_group,
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Called(
        service="logs",
        replaced_by=frozenset({"name", "logGroupName"}),
        named="name",
        make=Call(
            "put_metric_filter",
            names={
                "name": "filterName",
                "pattern": "filterPattern",
                "metricTransformation": "metricTransformations",
                "metricTransformation.name": "metricName",
                "metricTransformation.namespace": "metricNamespace",
                "metricTransformation.value": "metricValue",
            },
        ),
        find=by("describe_metric_filters", logGroupName="logGroupName"),
        remove=Call("delete_metric_filter", only=NO_INPUTS, keys=_FILTER),
        id="name",
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Called(
        service="cloudwatch",
        replaced_by=frozenset({"name"}),
        named="name",
        make=Call(
            "put_metric_alarm",
            names={
                "name": "AlarmName",
                "dimensions": None,
                "metricQueries": None,
                "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
                "arn": None,
            },
            finish=_queries,
        ),
        find=Call("describe_alarms", only=NO_INPUTS),
        remove=Call(
            "delete_alarms",
            only=NO_INPUTS,
            finish=lambda _, given, request: request.update(AlarmNames=[given["name"]]),
        ),
        id="name",
        outputs=_alarm,
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Called(
        service="cloudwatch",
        replaced_by=frozenset({"alarmName"}),
        named="alarmName",
        make=Call("put_composite_alarm", names={"actionsSuppressor": None, "arn": None}),
        find=Call("describe_alarms", only=NO_INPUTS),
        remove=Call(
            "delete_alarms",
            only=NO_INPUTS,
            finish=lambda _, given, request: request.update(AlarmNames=[given["alarmName"]]),
        ),
        id="alarmName",
        outputs=_alarm,
    ),
    "aws:cloudwatch/dashboard:Dashboard": Called(
        service="cloudwatch",
        replaced_by=frozenset({"dashboardName"}),
        named="dashboardName",
        make=Call("put_dashboard", names={"dashboardArn": None}),
        find=by("get_dashboard", DashboardName="dashboardName"),
        remove=Call(
            "delete_dashboards",
            only=NO_INPUTS,
            finish=lambda _, given, request: request.update(
                DashboardNames=[given["dashboardName"]]
            ),
        ),
        id="dashboardName",
        outputs=_dashboard,
    ),
    "aws:budgets/budget:Budget": Recorded(
        service="budgets",
        replaced_by=frozenset({"name", "budgetType"}),
        named="name",
        token="aws:budgets/budget:Budget",
        why="moto keeps neither who is told by a budget nor at what share of it",
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Recorded(
        service="logs",
        named="name",
        token="aws:cloudwatch/queryDefinition:QueryDefinition",
        why="moto has no saved queries of logs",
    ),
}
