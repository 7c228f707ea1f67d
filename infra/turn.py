"""Whose turn it is: the states by which one execution at a time is let in. See docs/adr/0030."""

from typing import Any

from infra.names import Names
from pipeline.workflow import START, Step

States = dict[str, dict[str, Any]]

# How long an execution waits before it looks again whether it is its turn.
TURN_SECONDS = 60
# An execution that another one names as running may not be known everywhere at once.
_UNKNOWN = "Sfn.ExecutionDoesNotExistException"
_TURN = {"turn": {"S": "run"}}
FIRST = "turn: begin"


def turn(names: Names) -> States:
    """Return the states that let in one execution at a time.

    The item of the turn table names the execution that was let in last. The turn is free when that
    execution has ended, however it ended, so nothing has to be given back.
    """
    table = names.of("turn")
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 5}]
    lost = {
        "ErrorEquals": ["States.ALL"],
        "ResultPath": "$.failures.turn",
        "Next": str(Step.NOTIFY_FAILURE),
    }
    ask = "turn: ask"
    return {
        FIRST: {
            "Comment": "What the states below rely on.",
            "Type": "Pass",
            "Result": {
                "failures": {},
                "result": {"document": {"notices": []}},
                "after": names.landing_prefix,
            },
            "Next": "turn: read",
        },
        "turn: read": {
            "Comment": "Who was let in last?",
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {"TableName": table, "Key": _TURN, "ConsistentRead": True},
            "ResultPath": "$.turn",
            "TimeoutSeconds": 30,
            "Retry": again,
            "Catch": [lost],
            "Next": "turn: known",
        },
        "turn: known": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.turn.Item.holder.S", "IsPresent": True, "Next": ask},
            ],
            "Default": "turn: nobody",
        },
        "turn: nobody": {
            "Comment": "The first execution of all.",
            "Type": "Pass",
            "Result": {"Item": {"holder": {"S": "nobody"}}},
            "ResultPath": "$.turn",
            "Next": "turn: take",
        },
        ask: {
            "Comment": "Is it still at work?",
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:describeExecution",
            "Parameters": {"ExecutionArn.$": "$.turn.Item.holder.S"},
            "ResultSelector": {"status.$": "$.Status"},
            "ResultPath": "$.holder",
            "TimeoutSeconds": 30,
            "Retry": [
                {"ErrorEquals": [_UNKNOWN], "IntervalSeconds": 20, "MaxAttempts": 3},
                *again,
            ],
            "Catch": [
                {
                    "ErrorEquals": [_UNKNOWN],
                    "ResultPath": "$.holder",
                    "Next": "turn: take",
                },
                lost,
            ],
            "Next": "turn: free",
        },
        "turn: free": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.holder.status", "StringEquals": "RUNNING", "Next": "turn: wait"},
            ],
            "Default": "turn: take",
        },
        "turn: wait": {"Type": "Wait", "Seconds": TURN_SECONDS, "Next": "turn: read"},
        "turn: take": {
            "Comment": "Of several that see a free turn, one gets it.",
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {
                "TableName": table,
                "Item": {**_TURN, "holder": {"S.$": "$$.Execution.Id"}},
                # The last case: it was taken, and the answer got lost.
                "ConditionExpression": (
                    "attribute_not_exists(holder) OR holder = :seen OR holder = :me"
                ),
                "ExpressionAttributeValues": {
                    ":seen": {"S.$": "$.turn.Item.holder.S"},
                    ":me": {"S.$": "$$.Execution.Id"},
                },
            },
            "ResultPath": None,
            "TimeoutSeconds": 30,
            "Retry": [
                {
                    "ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"],
                    "MaxAttempts": 0,
                },
                *again,
            ],
            "Catch": [
                {
                    "ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"],
                    "ResultPath": "$.holder",
                    "Next": "turn: wait",
                },
                lost,
            ],
            "Next": str(START),
        },
    }
