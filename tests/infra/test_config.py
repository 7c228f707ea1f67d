"""The configuration: what stands in the files is right, and a wrong value is one clear sentence."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks

from infra.config import ConfigError, Settings
from infra.reading import read
from tests.infra.graph import ACCOUNT, ENVIRONMENTS, ROOT, _Cloud, declare, values

GOOD = {"lakehouse:region": "eu-central-1"}
PROD = {
    **GOOD,
    "lakehouse:account": ACCOUNT,
    "lakehouse:storage": '{"protect": true}',
    "lakehouse:alerts": '{"critical": ["on-call@example.com"]}',
}


def test_a_stack_needs_no_more_than_a_region() -> None:
    settings = read(GOOD, "dev")
    assert (settings.environment, settings.region, settings.account) == (
        "dev",
        GOOD["lakehouse:region"],
        None,
    )
    assert settings.tags == {
        "Project": "lakehouse",
        "Environment": "dev",
        "Owner": "data-platform",
        "CostCenter": "analytics",
        "ManagedBy": "pulumi",
    }


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("region", "Frankfurt", "lakehouse:region is 'Frankfurt'"),
        ("account", "1234", "lakehouse:account is '1234'"),
        ("regoin", "eu-central-1", "lakehouse:regoin is unknown. Known here: access, account"),
        ("job", '{"max_workers": 1}', "lakehouse:job.max_workers is 1"),
        ("job", '{"worker_type": "G.3X"}', "'G.1X', 'G.2X', 'G.4X' or 'G.8X'"),
        ("job", '{"workers": 3}', "Known here: flexible, max_workers, worker_type"),
        ("job_of_step", '{"brass": {}}', "the steps are validate_raw, bronze"),
        ("job_of_step", '{"gold": {"worker": 1}}', "lakehouse:job_of_step.gold.worker is unknown"),
        ("monitoring", '{"log_days": 15}', "expected one of 1, 3, 5, 7, 14"),
        ("monitoring", '{"quarantine_percent": "much"}', "lakehouse:monitoring.quarantine_percent"),
        ("schedule", '{"expression": "every day"}', "lakehouse:schedule.expression is 'every day'"),
        ("schedule", '{"timezone": "Mitteleuropa"}', "such as Europe/Berlin"),
        ("arrivals", '{"window_seconds": 900}', "less than or equal to 300"),
        ("storage", '{"archive_frozen_days": 60, "archive_cold_days": 45}', "at least 30 more"),
        ("alerts", '{"critical": ["on call"]}', "'on call' is neither"),
        ("alerts", '{"terrible": ["a@b.de"]}', "Known here: critical, high, low, medium"),
        ("access", '{"analysts": ["anna"]}', "lakehouse:access.analysts.0 is 'anna'"),
        ("endpoint", "localhost:5000", "lakehouse:endpoint is 'localhost:5000'"),
        ("thresholds", '{"smell": {"block": "1 %"}}', "there is no check 'smell'"),
        ("thresholds", '{"completeness": {"block": 0.5}}', "lakehouse:thresholds"),
        ("scan_limit_gb", "0", "greater than or equal to 1"),
        ("budget_usd", "ten", "lakehouse:budget_usd is 'ten'"),
        ("ci", '{"repository": "lakehouse"}', "lakehouse:ci.repository is 'lakehouse'"),
        ("environment", "dev", "it is the stack's name"),
        ("storage", "{broken", "lakehouse:storage is '{broken'"),
    ],
)
def test_a_wrong_value_is_one_sentence(key: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read({**GOOD, f"lakehouse:{key}": value}, "dev")
    text = str(caught.value)
    assert text.startswith("Pulumi.dev.yaml: lakehouse:")
    assert said in text
    assert "\n" not in text
    assert ".." not in text
    assert "pydantic" not in text


def test_a_missing_region_is_told_with_the_command_that_sets_it() -> None:
    with pytest.raises(ConfigError, match="pulumi config set --path lakehouse:region VALUE"):
        read({}, "dev")


def test_several_faults_are_counted() -> None:
    with pytest.raises(ConfigError, match=r"\(1 more after that\.\)"):
        read({"lakehouse:region": "x", "lakehouse:account": "y"}, "dev")


def test_a_stack_s_name_that_makes_no_names_is_refused() -> None:
    with pytest.raises(ConfigError, match="The stack's name 'Dev_1' cannot be used"):
        read(GOOD, "Dev_1")


def test_what_the_provider_would_read_elsewhere_is_refused() -> None:
    with pytest.raises(ConfigError, match="aws:region is not read"):
        read({**GOOD, "aws:region": "eu-west-1"}, "dev")


def test_keys_of_others_are_left_alone() -> None:
    assert read({**GOOD, "pulumi:disable-default-providers": '["aws"]'}, "dev") == read(GOOD, "dev")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("lakehouse:account", "the stack prod needs account"),
        ("lakehouse:storage", "the stack prod needs storage.protect: true"),
        ("lakehouse:alerts", "the stack prod needs alerts.critical"),
    ],
)
def test_prod_asks_for_what_guards_it(missing: str, said: str) -> None:
    assert read(PROD, "prod").storage.protect
    with pytest.raises(ConfigError, match=re.escape(said)):
        read({key: value for key, value in PROD.items() if key != missing}, "prod")


def test_prod_goes_to_no_emulator() -> None:
    with pytest.raises(ConfigError, match="cannot be deployed to an emulator"):
        read({**PROD, "lakehouse:endpoint": "http://127.0.0.1:5000"}, "prod")


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_follows_the_region(region: str, partition: str) -> None:
    assert read({"lakehouse:region": region}, "dev").partition == partition


# --- The files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_files_are_right(environment: str) -> None:
    assert read(values(environment), environment).environment == environment


def test_prod_says_what_it_lacks_as_it_stands_here() -> None:
    document = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text("utf-8"))
    given = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in document["config"].items()
    }
    with pytest.raises(ConfigError, match=r"needs account and alerts\.critical"):
        read(given, "prod")


def test_the_project_lets_nothing_past_its_own_provider() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    assert project["config"]["pulumi:disable-default-providers"]["value"] == ["aws"]
    assert project["name"] == "lakehouse"
    requirements = (ROOT / project["main"] / "requirements.txt").read_text("utf-8")
    assert (ROOT / project["main"] / requirements.split()[1]).samefile(
        ROOT / "requirements/infra.txt"
    )


def test_the_files_name_only_keys_that_exist() -> None:
    """Those that are commented out as well."""
    for path in sorted(ROOT.glob("Pulumi.*.yaml")):
        lines = [line.strip().removeprefix("# ") for line in path.read_text("utf-8").splitlines()]
        keys = {line.split(":")[1] for line in lines if line.startswith("lakehouse:")}
        assert keys <= set(Settings.model_fields), path.name


# --- The program ---------------------------------------------------------------------------------


class _Other(_Cloud):
    """Credentials that lead to another account, or nowhere."""

    def __init__(self, account: str | None) -> None:
        self._account = account

    def call(self, args: mocks.MockCallArgs) -> Any:  # noqa: ARG002 - the same whatever is asked
        if self._account is None:
            return {}, [("credentials", "no valid credential sources found\nand much more")]
        return {"accountId": self._account, "arn": "a", "userId": "u", "id": "i"}


def refused(configuration: dict[str, str], cloud: mocks.Mocks | None = None) -> str:
    """Return what the program says when it refuses to go on, and see that it planned nothing."""
    made: list[str] = []

    class _Noting(_Cloud):
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, object]]:
            made.append(args.typ)
            return super().new_resource(args)

        def call(self, args: mocks.MockCallArgs) -> Any:
            return cloud.call(args) if cloud else super().call(args)

    with pytest.raises(pulumi.RunError) as caught:
        declare("dev", configuration, _Noting())
    assert not [kind for kind in made if kind.startswith("aws:")]
    return str(caught.value)


def test_a_wrong_account_is_told_before_anything_is_planned() -> None:
    said = refused({**GOOD, "lakehouse:account": ACCOUNT}, _Other("999999999999"))
    assert "belong to account 999999999999" in said
    assert f"is for account {ACCOUNT}" in said
    assert "AWS_PROFILE" in said


def test_no_credentials_are_told_in_one_line() -> None:
    said = refused(GOOD, _Other(None))
    assert "cannot be asked for the account of stack dev" in said
    assert "\n" not in said


def test_a_wrong_value_ends_the_program_without_a_traceback() -> None:
    assert refused({"lakehouse:region": "x"}).startswith("Pulumi.dev.yaml: lakehouse:region is 'x'")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no such file"), (b"no wheel", "which is no wheel of this project")],
)
def test_a_wheel_that_is_none_is_told(content: bytes | None, said: str, tmp_path: Path) -> None:
    wheel = tmp_path / "x.whl"
    if content is not None:
        wheel.write_bytes(content)
    text = refused({**GOOD, "lakehouse:wheel": str(wheel)})
    assert said in text
    assert "hatchling build" in text
