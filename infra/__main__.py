"""The program of a stack: reads the configuration and wires the components."""

import sys
from pathlib import Path

# Pulumi runs this folder as a program; its packages are found from the project's root.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pulumi

from infra.access import Access
from infra.advice import advise_on_errors
from infra.analytics import Analytics
from infra.assets import assets
from infra.catalog import Catalog
from infra.ci import GitHub
from infra.cloud import cloud
from infra.config import ConfigError
from infra.jobs import Jobs
from infra.monitoring import Monitoring, Topics
from infra.names import Names
from infra.reading import read
from infra.storage import Storage
from infra.workflow import Workflow


def deploy() -> None:
    """Declare the stack, with advice for whoever meets errors of AWS; see `wire`."""
    advise_on_errors()
    wire()


def wire() -> None:
    """Declare everything of the stack that Pulumi is working on.

    Raises:
        RunError: The configuration is wrong; nothing was declared.
    """
    try:
        settings = read(pulumi.runtime.config.CONFIG.get(), pulumi.get_stack())
        code = assets(settings.wheel)
        account, options = cloud(settings)
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    names = Names(settings, account)
    storage = Storage(names, options)
    access = Access(names, storage.key.arn, options)
    catalog = Catalog(names, options)
    jobs = Jobs(names, storage, access, code, options)
    topics = Topics(names, storage, options)
    workflow = Workflow(names, storage, access, jobs, options)
    Analytics(names, storage, catalog, options)
    Monitoring(names, topics, workflow, options)
    if settings.ci:
        GitHub(names, settings.ci, options)
    pulumi.export("region", settings.region)
    pulumi.export("landing", names.landing)
    pulumi.export("gold", names.database("gold"))
    pulumi.export("lake", names.lake)
    pulumi.export("stateMachine", workflow.machine.arn)
    pulumi.export("workgroup", names.stem)
    pulumi.export("dashboard", names.stem)
    pulumi.export("deliveries", storage.buckets["raw"].bucket.bucket)


if __name__ == "__main__":
    deploy()
