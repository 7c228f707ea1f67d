"""The Glue job: from the installed wheel, in an environment that holds only what Glue offers."""

import json
import os
import shlex
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from pipeline.landing.store import LocalStore
from pipeline.quality.notices import MemorySink
from pipeline.runner.control import ControlSteps
from pipeline.runner.doing import Doing, kept_state, one_step
from pipeline.runner.home import LakeHome
from pipeline.spark import job
from pipeline.spark.session import SMALL, laptop_settings
from pipeline.workflow import WORKFLOW, Actor, Step
from simulator.compare import compare
from tests.equivalence.recording import Tally
from tests.lakes import OPEN, deliver, delivered, run_time
from tests.lakes import run as run_polars

ROOT = Path(__file__).resolve().parents[2]

# What Glue has: Spark and Delta Lake, pandas, pyarrow, boto3, and what these stand on.
GLUE = (
    *("pyspark", "py4j", "delta-spark", "importlib-metadata", "zipp", "pyarrow", "numpy", "pandas"),
    *("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"),
)
# What the job declares as `--additional-python-modules` beside its own wheel.
ADDITIONAL = ("narwhals", "python-calamine")

FILES = [
    delivered("products", "products/all.csv", (1, 10, "Tea", "Green"), (2, 10, "tea ", "Black")),
    delivered(
        "orders",
        "orders/day.csv",
        (1, 1, 7, "2025-04-01T23:30-01:00", "10.01", "2025-04-02"),
        (2, 2, 8, "2025-04-02T10:00", "0.99", "2025-04-02"),
        (3, 3, 8, "2025-02-30T10:00", "0.99", "2025-02-30"),
    ),
    delivered(
        "order_items",
        "order_items/day.csv",
        (1, 1, 7, None, 1, 1, 0, "2025-04-02T00:30", "2025-04-02"),
        (2, 1, 7, 3, 2, 2, 1, "2025-04-02T00:30", "2025-04-02"),
        (3, 99, 7, 3, 2, 2, 1, "2025-04-02T00:30", "2025-04-02"),
    ),
]
STAMP = run_time(0).isoformat()

# The steps of a good run that a process of its own does.
GOOD = tuple(state.step for state in WORKFLOW[1:] if state.actor is not Actor.NOTICE)
GOOD = GOOD[: GOOD.index(Step.ARCHIVE) + 1]
# A dirty delivery of a few rows is meant to come in.
LOOSE = json.dumps(OPEN.document())

pytestmark = pytest.mark.heavy


def _told(lake: Path) -> dict[str, dict[str, object]]:
    """Return the results that lie beside a lake, by step."""
    return {p.stem: json.loads(p.read_text()) for p in lake.glob("_results/*/*.json")}


def _control(step: Step, landing: Path, lake: Path) -> None:
    home = LakeHome(lake)
    state = kept_state(home, "one")
    steps = ControlSteps(state, home, LocalStore(landing), thresholds=OPEN, sink=MemorySink())
    assert one_step(Doing(state, steps.perform), step, home) == "done"


def _polars(folder: Path) -> Path:
    deliver(folder / "landing", FILES)
    run_polars(folder / "landing", folder / "polars")
    return folder / "polars"


def test_the_steps_one_by_one_make_the_same_lake(
    spark: SparkSession, tmp_path: Path, tally: Tally
) -> None:
    """Each step in a job of its own, what it did beside the lake; then the lake of the laptop.

    The steps without an engine are done between them, as a function does them.
    """
    expected, lake = _polars(tmp_path), tmp_path / "lake"
    words = ["--landing", str(tmp_path / "landing"), "--lake", str(lake)]
    for step in GOOD:
        if step in job.STEPS:
            more = ["--run-id", "one", "--run-time", STAMP, "--thresholds", LOOSE]
            assert job.main([*words, "--step", step, *more, "--JOB_NAME", "x"]) == 0
        else:
            _control(step, tmp_path / "landing", lake)
    told = _told(lake)

    found = compare(expected, lake, strict=True)
    assert found.equal, str(found)
    tally.compared(cases=len(FILES), rows=8)
    assert {result["status"] for result in told.values()} == {"succeeded"}
    assert set(told) == set(GOOD) & set(job.STEPS)
    assert {result["outcome"] for result in told.values()} == {"done"}
    trace = told["record"]["trace"]
    assert isinstance(trace, list)
    assert [note["step"] for note in trace] == list(GOOD[: GOOD.index(Step.RECORD) + 1])
    entities = told["record"]["entities"]
    assert isinstance(entities, Mapping)
    balance = {"files": 3, "silver": 2, "superseded": 0, "quarantined": 1, "holds": True}
    assert {entities[name]["balance"]["holds"] for name in entities} == {True}
    assert entities["orders"]["balance"] == entities["order_items"]["balance"] == balance
    assert not (lake / "_state.json").exists()
    assert not (lake / "_run.json").exists()


def test_a_failed_step_is_undone_by_another_which_says_why(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is changed between two steps: a typed error, and the lake is gone."""
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    deliver(landing, FILES)
    words = ["--landing", str(landing), "--lake", str(lake), "--run-id", "one"]
    assert job.main([*words, "--step", "validate_raw", "--run-time", STAMP]) == 0
    (landing / "orders/day.csv").write_text("order_num\n1\n")

    assert job.main([*words, "--step", "bronze"]) == 1
    failed = [result for result in _told(lake).values() if result["status"] == "failed"]
    error = failed[0]["error"]
    assert isinstance(error, Mapping)
    assert error["type"] == "LakehouseError"
    assert "orders/day.csv" in error["what"]
    assert "LakehouseError: orders/day.csv" in caplog.text
    assert job.main([*words, "--step", "roll_back"]) == 0
    told = _told(lake)["roll_back"]["notices"]
    assert isinstance(told, list)
    assert [notice["severity"] for notice in told] == ["critical"]
    assert "orders/day.csv" in told[0]["message"]
    assert not list(lake.glob("*/*/_delta_log"))
    assert job.main([*words, "--step", "silver"]) == 2
    assert "Begin one with validate_raw" in caplog.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--step"),
        (["--step", "brass", "--landing", "a", "--lake", "b"], "brass"),
        (["--step", "run", "--landing", "a", "--lake", "b", "--as-of", "x"], "--as-of"),
        (["--step", "run", "--landing", "/nowhere/at/all", "--lake", "b"], "/nowhere/at/all"),
        (["--step", "run", "--landing", "s3://", "--lake", "b"], "s3://"),
    ],
)
def test_wrong_arguments_are_one_sentence(
    spark: SparkSession, words: list[str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The call is wrong, exit code 2, before anything is read."""
    assert job.main(words) == 2
    assert said in caplog.text
    assert "Traceback" not in caplog.text


# --- The wheel, alone ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def glue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the wheel and what Glue offers, nothing else."""
    folder = tmp_path_factory.mktemp("glue")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    packages = next((folder / "env/lib").glob("python3*/site-packages"))
    for name in (*GLUE, *ADDITIONAL):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            place = Path(str(found.locate_file(top)))
            if top != "__pycache__" and not (packages / top).exists():
                (packages / top).symlink_to(place)
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(packages)  # For pure Python this is installing.
    return folder / "env/bin/python"


@pytest.fixture
def bucket() -> Iterator[dict[str, str]]:
    """Return the environment of a client of an emulated S3 that holds the deliveries."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    yield environment
    server.stop()


def test_the_wheel_runs_where_only_glue_is(
    glue: Path, bucket: dict[str, str], tmp_path: Path, tally: Tally
) -> None:
    """A whole run from an S3 landing zone, in a process that has neither checkout nor laptop."""
    expected, lake = _polars(tmp_path), tmp_path / "lake"
    client = boto3.client(
        "s3",
        endpoint_url=bucket["AWS_ENDPOINT_URL"],
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106 - an emulator asks for none
        region_name="eu-central-1",
    )
    where = {"LocationConstraint": "eu-central-1"}
    client.create_bucket(Bucket="shop", CreateBucketConfiguration=where)
    for path in (tmp_path / "landing").rglob("*.csv"):
        name = path.relative_to(tmp_path / "landing").as_posix()
        client.upload_file(str(path), "shop", f"in/{name}")
    settings = {**laptop_settings(), **SMALL, "spark.local.dir": str(tmp_path / "spark")}
    del settings["spark.executorEnv.PYTHONPATH"]
    confs = [f"--conf {shlex.quote(f'{name}={value}')}" for name, value in settings.items()]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ},
        **bucket,
        "PYSPARK_SUBMIT_ARGS": " ".join([*confs, "pyspark-shell"]),
        "PYSPARK_PYTHON": str(glue),
    }
    asked = ["--landing", "s3://shop/in", "--lake", str(lake), "--run-time", STAMP]
    more = ["--archive", "true", "--TempDir", str(tmp_path / "temporary"), "--thresholds", LOOSE]
    done = subprocess.run(
        [str(glue), "-m", "pipeline.spark.job", "--step", "run", *asked, *more],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    without = [str(glue), "-c", "import polars"]

    assert done.returncode == 0, done.stderr[-3000:]
    assert subprocess.run(without, capture_output=True, check=False).returncode == 1
    found = compare(expected, lake, strict=True)
    assert found.equal, str(found)
    tally.compared(cases=len(FILES), rows=8)
    day = datetime.fromisoformat(STAMP).astimezone(UTC).date()
    keys = {entry["Key"] for entry in client.list_objects_v2(Bucket="shop")["Contents"]}
    assert keys == {
        f"in/archive/products/{day}/all.csv",
        f"in/archive/orders/{day}/day.csv",
        f"in/archive/order_items/{day}/day.csv",
    }
