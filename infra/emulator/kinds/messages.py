"""Events, queues and topics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulator.account import Account, Properties
from infra.emulator.fitting import fitted
from infra.emulator.kinds.kind import NO_INPUTS, Call, Called, Kind, by

# What these services take as a map of texts, and how it is called there.
_QUEUE = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_TOPIC = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoTopic": "FifoTopic",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
_SUBSCRIPTION = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
}


def _texts(inputs: Properties, names: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in inputs.items():
        if name in names and value is not None and value is not False:
            text = str(int(value)) if isinstance(value, float) else str(value)
            found[names[name]] = "true" if value is True else text
    return found


def _queue_attributes(account: Account, given: Properties, request: Properties) -> None:
    del account
    request["Attributes"] = _texts(given, _QUEUE)


def _topic_attributes(account: Account, given: Properties, request: Properties) -> None:
    del account
    request["Attributes"] = _texts(given, _TOPIC)


def _subscription_attributes(account: Account, given: Properties, request: Properties) -> None:
    del account
    request["Attributes"] = _texts(given, _SUBSCRIPTION)
    request["ReturnSubscriptionArn"] = True


def _queue(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    url = said.get("QueueUrl") or inputs["url"]
    return {"arn": account.arn("sqs", inputs["name"]), "url": url, "id": url}


def _one_attribute(name: str, at: str) -> Call:
    """Return the operation that sets one attribute of a queue."""

    def attributes(account: Account, given: Properties, request: Properties) -> None:
        del account
        request["Attributes"] = {name: given[at]}

    return Call(
        "set_queue_attributes", only=NO_INPUTS, keys={"QueueUrl": "queueUrl"}, finish=attributes
    )


def _of_queue(name: str, at: str) -> Called:
    return Called(
        service="sqs",
        replaced_by=frozenset({"queueUrl"}),
        make=_one_attribute(name, at),
        find=by("get_queue_attributes", QueueUrl="queueUrl"),
        remove=by("get_queue_attributes", QueueUrl="queueUrl"),  # It goes with its queue.
        id="queueUrl",
    )


def _topic(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("sns", inputs["name"]), "owner": account.account_id}


@dataclass(frozen=True)
class _Topic(Called):
    """A topic; its attributes are changed one by one."""

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        for name, text in _texts(inputs, _TOPIC).items():
            account.client("sns").set_topic_attributes(
                TopicArn=old["arn"], AttributeName=name, AttributeValue=text
            )
        return {"arn": old["arn"], "owner": account.account_id}


def _subscription(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del account, inputs
    return {"arn": said["SubscriptionArn"]}


def _rule(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    bus = inputs.get("eventBusName")
    path = f"{bus}/{inputs['name']}" if bus and bus != "default" else inputs["name"]
    return {"arn": account.arn("events", f"rule/{path}"), "id": path}


def _state(account: Account, given: Properties, request: Properties) -> None:
    del account
    if "isEnabled" in given and "state" not in given:
        request["State"] = "ENABLED" if given["isEnabled"] else "DISABLED"


_TARGET_APART = frozenset({"rule", "eventBusName", "forceDestroy"})


@dataclass(frozen=True)
class _Target(Kind):
    """What a rule sends its events to."""

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        self.update(account, {}, inputs)
        key = f"{inputs['rule']}-{inputs['targetId']}"
        return key, {"id": key}

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`."""
        said = account.client("events").list_targets_by_rule(Rule=state["rule"], **self._bus(state))
        return any(target["Id"] == state["targetId"] for target in said["Targets"])

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        client = account.client("events")
        shape = client.meta.service_model.shape_for("Target")
        own = {
            name: value
            for name, value in inputs.items()
            if name not in _TARGET_APART and name not in {"tagsAll", "region"}
        }
        names = {"targetId": "Id", "sqsTarget": "SqsParameters"}
        names["inputTransformer.inputPaths"] = "InputPathsMap"
        names["retryPolicy.maximumEventAgeInSeconds"] = "MaximumEventAgeInSeconds"
        target = fitted(shape, own, names)
        client.put_targets(Rule=inputs["rule"], Targets=[target], **self._bus(inputs))
        return {name: value for name, value in old.items() if name not in inputs}

    def delete(self, account: Account, state: Properties) -> None:
        """See `Kind.delete`."""
        account.client("events").remove_targets(
            Rule=state["rule"], Ids=[state["targetId"]], **self._bus(state)
        )

    @staticmethod
    def _bus(given: Properties) -> dict[str, str]:
        return {"EventBusName": given["eventBusName"]} if given.get("eventBusName") else {}


def _pipe(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("pipes", f"pipe/{inputs['name']}")}


@dataclass(frozen=True)
class _Pipe(Called):
    """A pipe; moto cannot update one, so it is made again under its name."""

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        self.delete(account, inputs)
        return self.create(account, inputs)[1]


_PIPE_NAMES: dict[str, str | None] = {
    f"logConfiguration.{name}LogDestination": f"{member}LogDestination"
    for name, member in (("cloudwatchLogs", "CloudwatchLogs"), ("s3", "S3"))
}

_RULE_NAMES: dict[str, str | None] = {
    "isEnabled": None,
    "forceDestroy": None,
    "arn": None,
    "id": None,
}

KINDS: dict[str, Kind] = {
    "aws:sqs/queue:Queue": Called(
        service="sqs",
        replaced_by=frozenset({"name", "fifoQueue"}),
        named="name",
        make=Call(
            "create_queue", only=NO_INPUTS, keys={"QueueName": "name"}, finish=_queue_attributes
        ),
        change=Call(
            "set_queue_attributes",
            only=NO_INPUTS,
            keys={"QueueUrl": "url"},
            finish=_queue_attributes,
        ),
        find=by("get_queue_attributes", QueueUrl="url"),
        remove=by("delete_queue", QueueUrl="url"),
        id="id",
        outputs=_queue,
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _of_queue("Policy", "policy"),
    "aws:sqs/redrivePolicy:RedrivePolicy": _of_queue("RedrivePolicy", "redrivePolicy"),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _of_queue(
        "RedriveAllowPolicy", "redriveAllowPolicy"
    ),
    "aws:sns/topic:Topic": _Topic(
        service="sns",
        replaced_by=frozenset({"name", "fifoTopic"}),
        named="name",
        make=Call("create_topic", only=NO_INPUTS, keys={"Name": "name"}, finish=_topic_attributes),
        find=by("get_topic_attributes", TopicArn="arn"),
        remove=by("delete_topic", TopicArn="arn"),
        outputs=_topic,
    ),
    "aws:sns/topicPolicy:TopicPolicy": Called(
        service="sns",
        replaced_by=frozenset({"arn"}),
        make=Call(
            "set_topic_attributes",
            only=NO_INPUTS,
            keys={"TopicArn": "arn", "AttributeValue": "policy"},
            fixed={"AttributeName": "Policy"},
        ),
        find=by("get_topic_attributes", TopicArn="arn"),
        remove=by("get_topic_attributes", TopicArn="arn"),  # It goes with its topic.
    ),
    "aws:sns/topicSubscription:TopicSubscription": Called(
        service="sns",
        replaced_by=frozenset({"topic", "protocol", "endpoint"}),
        make=Call(
            "subscribe",
            only=NO_INPUTS,
            keys={"TopicArn": "topic", "Protocol": "protocol", "Endpoint": "endpoint"},
            finish=_subscription_attributes,
        ),
        find=by("get_subscription_attributes", SubscriptionArn="arn"),
        remove=by("unsubscribe", SubscriptionArn="arn"),
        outputs=_subscription,
    ),
    "aws:cloudwatch/eventRule:EventRule": Called(
        service="events",
        replaced_by=frozenset({"name", "eventBusName"}),
        named="name",
        make=Call("put_rule", names=_RULE_NAMES, finish=_state),
        find=by("describe_rule", Name="name"),
        remove=by("delete_rule", Name="name"),
        id="id",
        outputs=_rule,
    ),
    "aws:pipes/pipe:Pipe": _Pipe(
        service="pipes",
        replaced_by=frozenset({"name", "source"}),
        named="name",
        make=Call("create_pipe", names=_PIPE_NAMES),
        find=by("describe_pipe", Name="name"),
        remove=by("delete_pipe", Name="name"),
        id="name",
        outputs=_pipe,
    ),
    "aws:cloudwatch/eventTarget:EventTarget": _Target(
        service="events", replaced_by=frozenset({"rule", "targetId"}), named="targetId"
    ),
}
