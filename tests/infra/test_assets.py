"""The code that is deployed: the same bytes each time, named by them, and enough to run."""

import hashlib
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra import assets as code
from infra.config import ConfigError
from infra.names import CONTROL
from pipeline import control
from pipeline.contracts.checks import CHECK_BY_NAME
from tests.infra.graph import ACCOUNT, ROOT, declare, graph_of, values


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first = code.built()
    other = tmp_path / "other"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(other)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (second,) = other.glob("*.whl")
    assert second.read_bytes() == first.read_bytes()


def test_objects_are_named_by_their_content() -> None:
    graph = graph_of("dev")
    for name in ("wheel", "script"):
        made = graph.one("BucketObjectv2", f"code-{name}")
        digest = hashlib.sha256(Path(made.inputs["source"].path).read_bytes()).hexdigest()
        assert digest[:16] in made.inputs["key"]
        assert made.inputs["bucket"].startswith("lakehouse-dev-artifacts-")
    wheel = graph.one("BucketObjectv2", "code-wheel").inputs["key"]
    assert wheel.endswith("/ecommerce_lakehouse-0.1.0-py3-none-any.whl")


def test_jobs_run_the_wheel_with_the_libraries_that_were_tested() -> None:
    graph = graph_of("dev")
    bucket = f"s3://lakehouse-dev-artifacts-{ACCOUNT}-eu-central-1"
    wheel = graph.one("BucketObjectv2", "code-wheel").inputs["key"]
    script = graph.one("BucketObjectv2", "code-script").inputs["key"]
    lock = (ROOT / "requirements/spark.txt").read_text("utf-8")
    for job in graph.of("Job"):
        first, *modules = job.inputs["defaultArguments"]["--additional-python-modules"].split(",")
        assert first == f"{bucket}/{wheel}"
        assert {module.partition("==")[0] for module in modules} == {"narwhals", "python-calamine"}
        assert all(f"\n{module} \\" in lock for module in modules)
        assert job.inputs["command"]["scriptLocation"] == f"{bucket}/{script}"


def test_jobs_are_of_the_declared_kind_and_size() -> None:
    jobs = {made.inputs["name"]: made.inputs for made in graph_of("prod").of("Job")}
    steps = ("validate-raw", "bronze", "silver", "gold", "record", "roll-back")
    assert set(jobs) == {f"lakehouse-prod-{step}" for step in steps}
    for name, job in jobs.items():
        small = name.endswith(("record", "roll-back"))
        assert (job["workerType"], job["numberOfWorkers"]) == ("G.1X", 2 if small else 10)
        assert job["glueVersion"] == "6.0"
        assert job["executionProperty"] == {"maxConcurrentRuns": 1}
        arguments = job["defaultArguments"]
        assert arguments["--datalake-formats"] == "delta"
        assert arguments["--enable-auto-scaling"] == "true"
        assert arguments["--job-bookmark-option"] == "job-bookmark-disable"
        assert arguments["--enable-metrics"] == "true"
    (small,) = {made.inputs["executionClass"] for made in graph_of("dev").of("Job")}
    assert small == "FLEX"


def test_functions_run_from_the_wheel_alone(tmp_path: Path) -> None:
    """In a Python that sees nothing else, where the runtime would add boto3."""
    program = "import pipeline.control as control; print(*control.STEPS)"
    path = f"import sys; sys.path.insert(0, {str(code.built())!r}); "
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", path + program],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    done_by_functions = {str(step) for steps in CONTROL.values() for step in steps}
    assert set(done.stdout.split()) == done_by_functions


def test_functions_are_deployed_from_the_wheel() -> None:
    graph = graph_of("dev")
    key = graph.one("BucketObjectv2", "code-wheel").inputs["key"]
    for function in graph.of("Function"):
        assert function.inputs["s3Key"] == key
        assert function.inputs["runtime"] == "python3.13"
        module, _, name = function.inputs["handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_what_the_code_is_told_is_what_it_reads() -> None:
    """Names of the environment's variables, and of the job's arguments."""
    name = next(iter(CHECK_BY_NAME))
    settings = json.dumps({name: {"block": "none"}})
    graph = declare("dev", {**values("dev"), "lakehouse:thresholds": settings})
    for function in graph.of("Function"):
        told = function.inputs["environment"]["variables"]
        assert told[control.DATABASES] == "lakehouse_dev_"
        assert json.loads(told[control.THRESHOLDS]) == json.loads(settings)
        assert set(told) == {control.DATABASES, control.THRESHOLDS}
    for made in graph.of("Job"):
        thresholds = made.inputs["defaultArguments"]["--thresholds"]
        assert json.loads(thresholds) == json.loads(settings)
    assert "--thresholds" not in graph_of("dev").of("Job")[0].inputs["defaultArguments"]


def test_a_lock_that_lacks_a_library_is_told() -> None:
    with pytest.raises(ConfigError, match=r"does not name nonsense: run \./lakehouse lock"):
        code.locked("nonsense")
