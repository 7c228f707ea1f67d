"""A deployed stack to be played on: deliveries in, a run, and what came of it."""

import json
import logging
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest import mock

from infra.emulator.account import Account
from infra.names import SEVERITIES, Names
from infra.reading import read
from infra.rehearsal.calls import NOBODY, Calls, acting
from infra.rehearsal.stage import Stage, set_up
from infra.states import step_of
from pipeline.contracts import TABLES, Table
from pipeline.engine import Engine
from pipeline.landing.s3 import S3Store
from pipeline.runner.run import Lakehouse
from pipeline.runner.s3_home import S3LakeHome
from pipeline.spark import job
from simulator.engine.polars_engine import PolarsEngine

_LAYERS = tuple(dict.fromkeys(table.layer for table in TABLES))
_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Fault:
    """What goes wrong on purpose.

    Attributes:
        crash: Step whose job ends at its first try without having done anything.
        lose: Path of a table whose rows are lost when it is written.
    """

    crash: str = ""
    lose: str = ""


NO_FAULT = Fault()


@dataclass(frozen=True)
class Played:
    """What came of a run.

    Attributes:
        status: How the execution ended.
        states: Every state it passed, in order.
        jobs: Step and exit code of every job run.
        messages: Severity and subject of every message that was delivered.
        landing: Keys in the landing zone afterwards, below its prefix.
        results: What each step said of itself.
    """

    status: str
    states: list[str]
    jobs: list[tuple[str, int]]
    messages: list[tuple[str, str]]
    landing: set[str]
    results: Mapping[str, Any]

    @property
    def steps(self) -> list[str]:
        """The steps passed, without the states that help them."""
        return [state for state in self.states if step_of(state)]


@dataclass
class Theatre:
    """A deployed stack.

    Attributes:
        account: The account that it is deployed to.
        names: Its names.
        folder: Where tables lie while jobs work on them.
        engine_of: Makes the engine that jobs run on, for the lake in that folder.
        calls: Every call that is made on a role's behalf.
    """

    account: Account
    names: Names
    folder: Path
    engine_of: Callable[[Path], Engine] = PolarsEngine
    calls: Calls = field(init=False)
    _fault: Fault = NO_FAULT
    _crashed: bool = False

    def __post_init__(self) -> None:
        """Make ready to record."""
        self.calls = Calls(self.account.region, self.account.account_id)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have jobs and functions played for as long as the block lasts."""
        self._stage = Stage(self._job, acting)
        # The interpreter logs whatever a state machine catches as if it were its own failure.
        logging.getLogger("moto").setLevel(logging.CRITICAL)
        with set_up(self._stage), self.calls.recorded():
            self._listen()
            with mock.patch.object(job, "_lakehouse", self._lakehouse):
                yield

    def empty(self) -> None:
        """Take away every delivery and the lake."""
        client = self.account.client("s3")
        for purpose in ("raw", "lake"):
            bucket = self.names.bucket(purpose)
            for key in self._keys(purpose, ""):
                client.delete_object(Bucket=bucket, Key=key)
        shutil.rmtree(self.folder, ignore_errors=True)

    def deliver(self, landing: Path) -> None:
        """Put the files of a folder into the landing zone."""
        client = self.account.client("s3")
        for file in sorted(landing.rglob("*")):
            if file.is_file():
                key = f"landing/{file.relative_to(landing).as_posix()}"
                client.put_object(Bucket=self.names.bucket("raw"), Key=key, Body=file.read_bytes())

    def play(self, fault: Fault | None = None) -> Played:
        """Start the deployed state machine, wait for its end, and say what came of it."""
        self._fault, self._crashed = fault or NO_FAULT, False
        self._stage.jobs.clear()
        self._messages()  # Of whatever was before.
        found = self.ended(
            self.account.client("stepfunctions"), self.names.machine_arn, {"reason": "rehearsal"}
        )
        execution = found["executionArn"]
        run_id = execution.rsplit(":", maxsplit=1)[-1]
        return Played(
            status=found["status"],
            states=self._states(execution),
            jobs=list(self._stage.jobs),
            messages=self._messages(),
            landing={key.removeprefix("landing/") for key in self._keys("raw", "landing/")},
            results=self._results(run_id),
        )

    @staticmethod
    def ended(client: Any, machine: str, why: Mapping[str, str]) -> dict[str, Any]:
        """Start a state machine and return its execution once that has ended."""
        execution = client.start_execution(
            stateMachineArn=machine, name=str(uuid.uuid4()), input=json.dumps(why)
        )["executionArn"]
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            found: dict[str, Any] = client.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            if time.monotonic() > until:
                msg = f"The execution has not ended after {_PATIENCE_SECONDS} seconds."
                raise TimeoutError(msg)
            time.sleep(0.05)

    def versions(self) -> dict[str, tuple[int, int]]:
        """Return of each published table the version in the catalog, and that of its log in S3."""
        found = {}
        for table in TABLES:
            said = self.account.client("glue").get_table(
                DatabaseName=self.names.database(table.layer), Name=table.name
            )
            published = said["Table"]["Parameters"].get("lakehouse_version")
            logs = [
                int(Path(key).stem)
                for key in self._keys("lake", f"{table.path}/_delta_log/")
                if Path(key).name.endswith(".json") and Path(key).stem.isdigit()
            ]
            if published is not None and logs:
                found[table.path] = (int(published), max(logs))
        return found

    # --- What the jobs stand on

    def _job(self, words: list[str]) -> int:
        step = words[words.index("--step") + 1]
        if self._fault.crash == step and not self._crashed:
            self._crashed = True
            return 1
        code = job.main(words)
        self._copy()
        return code

    def _lakehouse(self, asked: Any) -> Lakehouse:
        engine = losing(self.engine_of(self.folder), self._fault.lose, self._copy)
        return Lakehouse(
            engine, S3LakeHome(asked.lake), S3Store(asked.landing), thresholds=asked.thresholds
        )

    def _copy(self) -> None:
        """Bring S3 up to date with the tables' folder, as the engine's role."""
        client, bucket = self.account.client("s3"), self.names.bucket("lake")
        with acting(NOBODY):
            there = {key for layer in _LAYERS for key in self._keys("lake", f"{layer}/")}
        here = {
            file.relative_to(self.folder).as_posix(): file
            for layer in _LAYERS
            for file in (self.folder / layer).rglob("*")
            if file.is_file()
        }
        with acting("engine"):
            for key, file in sorted(here.items()):
                if key not in there or "_delta_log" in key:
                    client.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
            for key in sorted(there - set(here)):
                client.delete_object(Bucket=bucket, Key=key)

    # --- What can be seen

    def _keys(self, purpose: str, prefix: str) -> list[str]:
        pages = self.account.client("s3").get_paginator("list_objects_v2")
        return [
            entry["Key"]
            for page in pages.paginate(Bucket=self.names.bucket(purpose), Prefix=prefix)
            for entry in page.get("Contents", ())
        ]

    def _states(self, execution: str) -> list[str]:
        pages = self.account.client("stepfunctions").get_paginator("get_execution_history")
        return [
            event["stateEnteredEventDetails"]["name"]
            for page in pages.paginate(executionArn=execution)
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]

    def _results(self, run_id: str) -> dict[str, Any]:
        client, bucket = self.account.client("s3"), self.names.bucket("lake")
        return {
            Path(key).stem: json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
            for key in self._keys("lake", f"_results/{run_id}/")
        }

    def _listen(self) -> None:
        """Subscribe a queue to every topic."""
        queues, topics = self.account.client("sqs"), self.account.client("sns")
        self._queue = queues.create_queue(QueueName="rehearsal")["QueueUrl"]
        for severity in SEVERITIES:
            topics.subscribe(
                TopicArn=self.names.topic_arn(severity),
                Protocol="sqs",
                Endpoint=self.account.arn("sqs", "rehearsal"),
            )

    def _messages(self) -> list[tuple[str, str]]:
        client = self.account.client("sqs")
        found = []
        while got := client.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in got:
                body = json.loads(message["Body"])
                severity = body["TopicArn"].rsplit("-", maxsplit=1)[-1]
                found.append((severity, body["Subject"]))
                client.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found


class _Losing:
    """An engine that may lose the rows of one table; all else it does as it always does."""

    def __init__(self, engine: Engine, lose: str, copy: Callable[[], None]) -> None:
        self._engine = engine
        self._lose = lose
        self._copy = copy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def overwrite(self, table: Table, frames: Any, *others: Any, **options: Any) -> None:
        """See `Engine.overwrite`."""
        lost = [frame.head(0) for frame in frames] if table.path == self._lose else frames
        self._engine.overwrite(table, lost, *others, **options)

    def restore(self, table: Table, version: int | None) -> None:
        """See `Engine.restore`; whether a lake is empty is seen in S3."""
        self._engine.restore(table, version)
        self._copy()


def losing(engine: Engine, lose: str, copy: Callable[[], None] = lambda: None) -> Engine:
    """Return the engine such that it loses the rows of a table, if one is named.

    Args:
        engine: The engine.
        lose: Path of the table; empty for none.
        copy: Is called when a table was put back.
    """
    return cast("Engine", _Losing(engine, lose, copy))


def theatre(
    account: Account,
    folder: Path,
    stack: str,
    config: Mapping[str, str],
    engine_of: Callable[[Path], Engine] = PolarsEngine,
) -> Theatre:
    """Return the theatre of a stack that is deployed already."""
    names = Names(read(config, stack), account.account_id)
    return Theatre(account, names, folder, engine_of)
