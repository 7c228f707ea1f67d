"""The deployed workflow is played, and comes out as the same run on this machine does."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.__main__ import deploy
from infra.duties import duties
from infra.emulator.permissions import allows
from infra.emulator.stack import configuration
from infra.rehearsal.__main__ import jobs_on, rehearse
from infra.rehearsal.scenarios import SCENARIOS, Scenario
from infra.rehearsal.theatre import Theatre, theatre
from infra.rehearsal.verdict import KEY, faults, refused
from pipeline.workflow import WORKFLOW, Actor
from simulator.cli.engines import EngineName
from simulator.compare import compare
from tests.infra.engine.conftest import World


@pytest.fixture(scope="module")
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    config = configuration("dev")
    world.deployment.stack("dev", deploy, config)
    made = theatre(world.account, tmp_path_factory.mktemp("tables"), "dev", config)
    with made.open():
        yield made


GOOD, BLOCKED = SCENARIOS[1], SCENARIOS[4]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_play_comes_out_as_the_run_on_this_machine(
    scenario: Scenario, stage: Theatre, tmp_path: Path
) -> None:
    rehearsed = rehearse(stage, scenario, tmp_path)
    assert rehearsed.faults == []
    tries = [step for step, _ in rehearsed.played.jobs]
    if scenario.fault.crash:
        assert tries.count(scenario.fault.crash) == 2
        assert (scenario.fault.crash, 1) in rehearsed.played.jobs
    else:
        assert len(tries) == len(set(tries))
    # A job leaves a result that says what it did.
    assert set(rehearsed.played.results) >= set(tries)


def test_a_play_that_comes_out_otherwise_is_told(stage: Theatre, tmp_path: Path) -> None:
    """The comparison itself can fail: a good run held against what a blocked one has to be."""
    played = rehearse(stage, GOOD, tmp_path).played
    lake = tmp_path / "local" / "lake"
    alike = compare(lake, lake)
    told = "\n".join(faults(BLOCKED, played, ["check"], {}, alike))
    for part in ("should be FAILED", "should be notify_failure", "on this machine", "Messages"):
        assert part in told
    assert "Files were moved" in told
    wrong = "\n".join(faults(GOOD, played, played.steps, {"gold/daily_sales": (1, 2)}, alike))
    assert wrong == "The catalog has gold/daily_sales at version 1, and its log 2."
    shutil.rmtree(stage.folder / "gold" / "daily_sales")
    less = compare(stage.folder, lake, tables=["gold/daily_sales"])
    (wrong,) = faults(GOOD, played, played.steps, {"gold/daily_sales": (1, 1)}, less)
    assert wrong.startswith("gold/daily_sales is not that of this machine: ")


@pytest.mark.skipif(not shutil.which("java"), reason="there is no `java` on PATH for Spark")
# py4j leaves the closing of its sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_jobs_run_on_spark_as_in_glue(
    stage: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deployed workflow on Spark, whose tables are those of a run on this machine."""
    with jobs_on(EngineName.SPARK) as engine_of:
        monkeypatch.setattr(stage, "engine_of", engine_of)
        rehearsed = rehearse(stage, GOOD, tmp_path)
    assert rehearsed.faults == []
    on_spark = {result["engine"] for result in rehearsed.played.results.values()}
    assert on_spark == {"spark"}


def test_every_call_is_allowed_by_the_role_that_makes_it(stage: Theatre) -> None:
    assert set(stage.calls.made) == {"engine", "file-away", "judge", "machine", "publish"}
    assert list(refused(stage.calls, stage.names)) == []
    started = {
        need.resource for need in stage.calls.made["machine"] if "StartJobRun" in need.action
    }
    assert started == {
        f"arn:aws:glue:eu-central-1:123456789012:job/lakehouse-dev-{state.step.replace('_', '-')}"
        for state in WORKFLOW
        if state.actor is Actor.ENGINE
    }


RAW, LAKE = (f"arn:aws:s3:::lakehouse-dev-{b}-123456789012-eu-central-1" for b in ("raw", "lake"))
GLUE = "arn:aws:glue:eu-central-1:123456789012"


@pytest.mark.parametrize(
    ("duty", "action", "resource"),
    [
        ("engine", "s3:DeleteObject", f"{RAW}/landing/orders/a.csv"),
        ("engine", "s3:PutObject", f"{RAW}/landing/orders/a.csv"),
        ("engine", "s3:GetObject", f"{LAKE.replace('-dev-', '-prod-')}/gold/x"),
        ("engine", "s3:DeleteBucket", LAKE),
        ("engine", "glue:UpdateTable", f"{GLUE}:table/lakehouse_dev_gold/daily_sales"),
        ("judge", "s3:PutObject", f"{LAKE}/gold/daily_sales/x.parquet"),
        ("judge", "s3:GetObject", f"{LAKE}/silver/orders/x.parquet"),
        ("publish", "s3:PutObject", f"{LAKE}/gold/daily_sales/_delta_log/0.json"),
        ("publish", "glue:DeleteTable", f"{GLUE}:table/lakehouse_dev_gold/daily_sales"),
        ("publish", "glue:UpdateTable", f"{GLUE}:table/lakehouse_prod_gold/daily_sales"),
        ("file-away", "s3:DeleteObject", f"{LAKE}/bronze/orders/x.parquet"),
        ("machine", "glue:StartJobRun", f"{GLUE}:job/lakehouse-prod-bronze"),
        ("machine", "s3:PutObject", f"{LAKE}/_results/a/bronze.json"),
        ("machine", "sns:Publish", "arn:aws:sns:eu-central-1:123456789012:lakehouse-prod-high"),
        ("analyst", "s3:GetObject", f"{LAKE}/silver/orders/x.parquet"),
        ("analyst", "s3:PutObject", f"{LAKE}/gold/daily_sales/x.parquet"),
        ("producer", "s3:GetObject", f"{LAKE}/gold/daily_sales/x.parquet"),
    ],
)
def test_what_a_role_has_no_business_with_is_denied(
    duty: str, action: str, resource: str, stage: Theatre
) -> None:
    policy = duties(stage.names, KEY)[duty].policy
    assert not allows([policy], action, resource, {})
