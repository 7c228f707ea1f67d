"""The code that is deployed, and the Glue jobs: one for each step that needs an engine."""

import pulumi
import pulumi_aws as aws

from infra.access import Access
from infra.assets import Asset, Assets
from infra.names import Names
from infra.states import jobs
from infra.storage import Storage
from pipeline.workflow import State

# Glue names the group of a log after the prefix, with the name of the security configuration behind
# it where there is one; both are made here, so that either has retention and encryption.
_LOGS = ("error", "output")


class Jobs(pulumi.ComponentResource):
    """The code in the artifacts bucket, and the Glue jobs.

    Attributes:
        wheel: Key of the wheel, which is also the functions' archive.
    """

    def __init__(
        self,
        names: Names,
        storage: Storage,
        access: Access,
        assets: Assets,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("lakehouse:infra:Jobs", "jobs", None, opts)
        self._names = names
        self._options = pulumi.ResourceOptions(parent=self)
        self._artifacts = storage.buckets["artifacts"]
        self.wheel = self._upload("wheel", assets.wheel)
        script = self._upload("script", assets.script)
        security = self._security(storage.key.arn)
        logs = self._log_groups(storage.key.arn)
        for state in jobs():
            self._job(state, access.role("engine"), script, assets.modules, security, logs)
        self.register_outputs({"jobs": [names.job(str(state.step)) for state in jobs()]})

    def _upload(self, name: str, asset: Asset) -> pulumi.Output[str]:
        """Upload a file and return the key of its object."""
        uploaded = aws.s3.BucketObjectv2(
            f"code-{name}",
            bucket=self._artifacts.bucket.bucket,
            key=asset.key,
            source=pulumi.FileAsset(str(asset.path)),
            tags=self._names.settings.tags,
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(depends_on=[self._artifacts.ready])
            ),
        )
        key: pulumi.Output[str] = uploaded.key
        return key

    def _security(self, key: pulumi.Output[str]) -> pulumi.Output[str]:
        configuration = aws.glue.SecurityConfiguration(
            "security",
            name=self._names.security_configuration,
            encryption_configuration={
                "cloudwatch_encryption": {
                    "cloudwatch_encryption_mode": "SSE-KMS",
                    "kms_key_arn": key,
                },
                "job_bookmarks_encryption": {
                    "job_bookmarks_encryption_mode": "CSE-KMS",
                    "kms_key_arn": key,
                },
                "s3_encryption": {"s3_encryption_mode": "SSE-KMS", "kms_key_arn": key},
            },
            opts=self._options,
        )
        name: pulumi.Output[str] = configuration.name
        return name

    def _log_groups(self, key: pulumi.Output[str]) -> list[pulumi.Resource]:
        suffixes = ("", f"-{self._names.security_configuration}")
        return [
            aws.cloudwatch.LogGroup(
                f"job-logs-{log}{'-secure' if suffix else ''}",
                name=f"{self._names.job_logs}/{log}{suffix}",
                retention_in_days=self._names.settings.monitoring.log_days,
                kms_key_id=key,
                tags=self._names.settings.tags,
                opts=self._options,
            )
            for log in _LOGS
            for suffix in suffixes
        ]

    def _job(  # noqa: PLR0917 - called in one place
        self,
        state: State,
        role: pulumi.Output[str],
        script: pulumi.Output[str],
        modules: tuple[str, ...],
        security: pulumi.Output[str],
        logs: list[pulumi.Resource],
    ) -> None:
        names, step = self._names, str(state.step)
        size = names.settings.job_for(step)
        thresholds = names.settings.thresholds_text
        artifacts = f"s3://{names.bucket('artifacts')}"
        aws.glue.Job(
            f"job-{step.replace('_', '-')}",
            name=names.job(step),
            description=state.does,
            role_arn=role,
            glue_version=names.settings.glue_version,
            worker_type=size.worker_type,
            number_of_workers=size.max_workers,
            execution_class="FLEX" if size.flexible else "STANDARD",
            # One at a time, and the workflow tries again.
            execution_property={"max_concurrent_runs": 1},
            max_retries=0,
            timeout=state.timeout_minutes,
            security_configuration=security,
            command={
                "name": "glueetl",
                "python_version": "3",
                "script_location": script.apply(lambda key: f"{artifacts}/{key}"),
            },
            default_arguments={
                "--additional-python-modules": self.wheel.apply(
                    lambda key: ",".join((f"{artifacts}/{key}", *modules))
                ),
                "--custom-logGroup-prefix": names.job_logs,
                "--datalake-formats": "delta",
                "--enable-auto-scaling": "true",
                "--enable-metrics": "true",
                "--enable-observability-metrics": "true",
                "--job-bookmark-option": "job-bookmark-disable",
                "--job-language": "python",
                "--TempDir": names.temporary,
                **({"--thresholds": thresholds} if thresholds else {}),
            },
            tags={**names.settings.tags, "Step": step},
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(depends_on=logs)
            ),
        )
