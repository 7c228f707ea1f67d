"""Puts the project's own code in the place of what moto only pretends to run.

A Glue job runs `pipeline.spark.job.main`, a Lambda function its handler, each with what was deployed.
"""

import importlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.glue.models import FakeJob, FakeJobRun
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue import (
    StateTaskServiceGlue,
)

Words = list[str]


@dataclass
class Stage:
    """What is played.

    Attributes:
        job: Carries out a Glue job, by the words of its command line; returns its exit code.
        acting: Says on whose behalf calls to AWS are made for as long as a block lasts.
        jobs: Step of every job run, in order, and its exit code.
        functions: Step of every call of a function, in order.
    """

    job: Callable[[Words], int]
    acting: Callable[[str], Any]
    jobs: list[tuple[str, int]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)

    def run_job(self, arguments: Mapping[str, str]) -> str:
        """Carry out a job run and return the state that Glue ends it with."""
        words = [word for pair in arguments.items() for word in pair]
        with self.acting("engine"):
            code = self.job(words)
        self.jobs.append((arguments["--step"], code))
        return "FAILED" if code else "SUCCEEDED"

    def call(self, function: Any, body: str, headers: dict[str, str]) -> bytes:
        """Call a function's handler in its deployed environment, and return its answer."""
        event = json.loads(body)
        module, _, name = function.handler.rpartition(".")
        handler = getattr(importlib.import_module(module), name)
        self.functions.append(event["step"])
        duty = function.function_name.split("-", 2)[2]
        try:
            with self.acting(duty), _environment(function.environment_vars, function.region):
                answer = handler(event, None)
        except Exception as error:  # noqa: BLE001 - as Lambda does it
            headers["x-amz-function-error"] = "Unhandled"
            answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return json.dumps(answer).encode()


_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def _environment(variables: Mapping[str, str], region: str) -> Iterator[None]:
    """Have the variables of a function, and those that Lambda gives to every one."""
    own = {"AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    with _ONE_AT_A_TIME, mock.patch.dict(os.environ, {**own, **variables}):
        yield


@contextmanager
def set_up(stage: Stage, *, guarded: bool = True) -> Iterator[None]:
    """Have moto run jobs and functions in earnest for as long as the block lasts.

    Args:
        stage: Carries them out.
        guarded: Whether moto's fault with `.sync` tasks is guarded; see `_synchronous`.
    """
    start = FakeJob.start_job_run

    def start_job_run(job: FakeJob, **options: Any) -> str:
        number: str = start(job, **options)
        run: FakeJobRun = job.get_job_run(number)
        run._transitions = []  # noqa: SLF001 - moto would let every job succeed
        run.status = stage.run_job(run.arguments or {})
        return number

    def invoke(  # noqa: PLR0917 - moto's own signature
        backend: LambdaSimpleBackend,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: dict[str, str],
    ) -> bytes:
        del headers
        text = body.decode() if isinstance(body, bytes) else body
        return stage.call(backend.get_function(function_name, qualifier), text, response_headers)

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(FakeJob, "start_job_run", start_job_run))
        patches.enter_context(mock.patch.object(LambdaSimpleBackend, "invoke", invoke))
        no_wait = SimpleNamespace(sleep=lambda _: None)
        patches.enter_context(mock.patch.object(retrier_decl, "time", no_wait))
        patches.enter_context(mock.patch.object(state_task_service_callback, "time", no_wait))
        if guarded:
            patches.enter_context(
                mock.patch.object(
                    StateTaskServiceGlue, "_eval_integration_pattern", _synchronous, create=True
                )
            )
        yield


def _synchronous(
    task: Any,
    env: Any,
    resource_runtime_part: Any,
    normalised_parameters: Any,
    state_credentials: Any,
) -> None:
    """Wait for a Glue job as moto means to.

    moto 5.2.5 ends every `.sync` task of a service without task tokens in an AttributeError, since it
    interrupts a callback that there is none of. A test turns red when that is mended.
    """
    assert task.resource.condition == ResourceCondition.Sync  # noqa: S101 - Glue has no other
    task.timeout.eval(env=env)
    seconds = env.stack.pop()
    resolver = task._build_sync_resolver(  # noqa: SLF001 - as moto does it itself
        env=env,
        resource_runtime_part=resource_runtime_part,
        normalised_parameters=normalised_parameters,
        state_credentials=state_credentials,
    )
    outcome = task._eval_sync(  # noqa: SLF001 - as moto does it itself
        env=env,
        timeout_seconds=seconds,
        callback_endpoint=None,
        heartbeat_endpoint=None,
        sync_resolver=resolver,
    )
    env.stack.append(outcome)
