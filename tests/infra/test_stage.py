"""What moto does not do by itself, and whether it still has to be helped."""

import json

from infra.emulator.account import emulated
from infra.rehearsal.calls import Calls, acting
from infra.rehearsal.stage import Stage, set_up
from infra.rehearsal.theatre import Theatre


def test_moto_still_needs_its_guard_for_synchronous_tasks() -> None:
    """Red when moto has mended it: then `_synchronous` in infra/rehearsal/stage.py can go."""
    definition = {
        "StartAt": "job",
        "States": {
            "job": {
                "Type": "Task",
                "Resource": "arn:aws:states:::glue:startJobRun.sync",
                "Parameters": {"JobName": "job", "Arguments": {"--step": "bronze"}},
                "End": True,
            }
        },
    }
    role = "arn:aws:iam::123456789012:role/any"
    ended = {}
    for guarded in (False, True):
        with (
            emulated() as account,
            set_up(Stage(lambda _: 0, acting), guarded=guarded),
            Calls(account.region, account.account_id).recorded(),
        ):
            states = account.client("stepfunctions")
            account.client("glue").create_job(
                Name="job", Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://a/b"}
            )
            machine = states.create_state_machine(
                name="machine", definition=json.dumps(definition), roleArn=role
            )
            play = Theatre.ended(states, machine["stateMachineArn"], {})
            ended[guarded] = (play["status"], play.get("cause", ""))
    assert ended[True][0] == "SUCCEEDED"
    assert ended[False][0] == "FAILED"
    assert "interrupt_all" in ended[False][1]
