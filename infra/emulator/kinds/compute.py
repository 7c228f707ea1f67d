"""Functions, state machines, and what starts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulator.account import Account, Properties
from infra.emulator.kinds.kind import NO_INPUTS, Call, Called, Kind, Recorded, by
from infra.emulator.kinds.storage import content

_CODE = {"code", "s3Bucket", "s3Key", "s3ObjectVersion", "imageUri"}
# Handed over in another way, or of no meaning to the emulator.
_APART: dict[str, str | None] = dict.fromkeys(
    (
        *_CODE,
        *("sourceCodeHash", "codeSha256", "skipDestroy", "reservedConcurrentExecutions"),
        *("arn", "invokeArn", "qualifiedArn", "version", "lastModified"),
    )
)
_NAMES: dict[str, str | None] = {**_APART, "name": "FunctionName"}


def _code(inputs: Properties) -> dict[str, Any]:
    if inputs.get("code"):
        return {"ZipFile": content(inputs["code"])}
    found = {"S3Bucket": inputs["s3Bucket"], "S3Key": inputs["s3Key"]}
    if inputs.get("s3ObjectVersion"):
        found["S3ObjectVersion"] = inputs["s3ObjectVersion"]
    return found


def _with_code(account: Account, given: Properties, request: Properties) -> None:
    del account
    request["Code"] = _code(given)


def _function(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    arn = account.arn("lambda", f"function:{inputs['name']}")
    return {
        "arn": arn,
        "invokeArn": f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}",
        "qualifiedArn": f"{arn}:{said.get('Version', '$LATEST')}",
        "version": said.get("Version", "$LATEST"),
    }


@dataclass(frozen=True)
class _Function(Called):
    """A function; its code and the number of its runs at a time are operations of their own."""

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        made = super().create(account, inputs)
        self._limit(account, inputs)
        return made

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        if any(old.get(name) != inputs.get(name) for name in (*_CODE, "sourceCodeHash")):
            account.client("lambda").update_function_code(
                FunctionName=inputs["name"], **_code(inputs)
            )
        self._limit(account, inputs)
        return super().update(account, old, inputs)

    @staticmethod
    def _limit(account: Account, inputs: Properties) -> None:
        limit = inputs.get("reservedConcurrentExecutions")
        if limit is not None and int(limit) >= 0:
            account.client("lambda").put_function_concurrency(
                FunctionName=inputs["name"], ReservedConcurrentExecutions=int(limit)
            )


_MACHINE_NAMES: dict[str, str | None] = {"loggingConfiguration.logDestination": None}


def _logs(account: Account, given: Properties, request: Properties) -> None:
    del account
    group = (given.get("loggingConfiguration") or {}).get("logDestination")
    if group:
        request["loggingConfiguration"]["destinations"] = [
            {"cloudWatchLogsLogGroup": {"logGroupArn": group}}
        ]


def _machine(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("states", f"stateMachine:{inputs['name']}"), "status": "ACTIVE"}


@dataclass(frozen=True)
class _Machine(Called):
    """A state machine; the emulator lacks versions of it."""

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`; deleted ones may be described for a while."""
        found = account.client("stepfunctions").list_state_machines()["stateMachines"]
        return any(machine["stateMachineArn"] == state["arn"] for machine in found)


def _schedule(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    path = f"{inputs.get('groupName') or 'default'}/{inputs['name']}"
    return {"arn": account.arn("scheduler", f"schedule/{path}"), "id": path}


def _group(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("scheduler", f"schedule-group/{inputs['name']}")}


def _in_group(account: Account, given: Properties, request: Properties) -> None:
    del account
    if given.get("groupName"):
        request["GroupName"] = given["groupName"]


def _permission(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del account, said
    return {"id": inputs["statementId"]}


def _mapping(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del inputs
    return {
        "uuid": said["UUID"],
        "arn": account.arn("lambda", f"event-source-mapping:{said['UUID']}"),
    }


_SCHEDULE_NAMES: dict[str, str | None] = {"arn": None, "id": None}

KINDS: dict[str, Kind] = {
    "aws:lambda/function:Function": _Function(
        service="lambda",
        replaced_by=frozenset({"name", "packageType"}),
        named="name",
        make=Call("create_function", names=_NAMES, finish=_with_code),
        change=Call(
            "update_function_configuration",
            names={**_NAMES, "architectures": None, "packageType": None, "publish": None},
        ),
        find=by("get_function", FunctionName="name"),
        remove=by("delete_function", FunctionName="name"),
        id="name",
        outputs=_function,
    ),
    "aws:lambda/permission:Permission": Called(
        service="lambda",
        replaced_by=frozenset({"function", "statementId", "action", "principal", "sourceArn"}),
        named="statementId",
        make=Call("add_permission", names={"function": "FunctionName"}),
        find=by("get_policy", FunctionName="function"),
        remove=by("remove_permission", FunctionName="function", StatementId="statementId"),
        id="id",
        outputs=_permission,
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Called(
        service="lambda",
        replaced_by=frozenset({"eventSourceArn", "functionName"}),
        make=Call("create_event_source_mapping"),
        find=by("get_event_source_mapping", UUID="uuid"),
        change=Call(
            "update_event_source_mapping",
            names={"eventSourceArn": None, "arn": None},
            keys={"UUID": "uuid"},
        ),
        remove=by("delete_event_source_mapping", UUID="uuid"),
        id="uuid",
        outputs=_mapping,
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Recorded(
        service="lambda",
        replaced_by=frozenset({"functionName"}),
        id="functionName",
        token="aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        why="moto drops the destinations of an asynchronous call",
    ),
    "aws:sfn/stateMachine:StateMachine": _Machine(
        service="stepfunctions",
        replaced_by=frozenset({"name", "type"}),
        named="name",
        make=Call("create_state_machine", names=_MACHINE_NAMES, finish=_logs),
        change=Call(
            "update_state_machine",
            names={
                **_MACHINE_NAMES,
                **dict.fromkeys(("name", "type", "arn", "status")),
            },
            keys={"stateMachineArn": "arn"},
            finish=_logs,
        ),
        remove=by("delete_state_machine", stateMachineArn="arn"),
        outputs=_machine,
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Called(
        service="scheduler",
        replaced_by=frozenset({"name"}),
        named="name",
        make=Call("create_schedule_group"),
        find=by("get_schedule_group", Name="name"),
        remove=by("delete_schedule_group", Name="name"),
        id="name",
        outputs=_group,
    ),
    "aws:scheduler/schedule:Schedule": Called(
        service="scheduler",
        replaced_by=frozenset({"name", "groupName"}),
        named="name",
        make=Call("create_schedule"),
        change=Call("update_schedule", names=_SCHEDULE_NAMES),
        find=Call("get_schedule", only=NO_INPUTS, keys={"Name": "name"}, finish=_in_group),
        remove=Call("delete_schedule", only=NO_INPUTS, keys={"Name": "name"}, finish=_in_group),
        id="id",
        outputs=_schedule,
    ),
}
