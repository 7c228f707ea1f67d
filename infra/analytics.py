"""Questions by SQL: the Athena workgroup and the named queries."""

import pulumi
import pulumi_aws as aws

from infra.catalog import Catalog
from infra.names import Names
from infra.queries import queries
from infra.storage import Storage

_GIGABYTE = 1024**3


class Analytics(pulumi.ComponentResource):
    """A workgroup that nobody can talk out of its settings, and the questions that a shop asks."""

    def __init__(
        self, names: Names, storage: Storage, catalog: Catalog, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("lakehouse:infra:Analytics", "analytics", None, opts)
        options = pulumi.ResourceOptions(parent=self)
        workgroup = aws.athena.Workgroup(
            "workgroup",
            name=names.stem,
            description="Questions of the lakehouse.",
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": names.settings.scan_limit_gb * _GIGABYTE,
                # Only this one reads Delta tables by itself.
                "engine_version": {"selected_engine_version": "Athena engine version 3"},
                "result_configuration": {
                    "output_location": f"s3://{names.bucket('results')}/answers/",
                    "expected_bucket_owner": names.account,
                    "encryption_configuration": {
                        "encryption_option": "SSE_KMS",
                        "kms_key_arn": storage.key.arn,
                    },
                },
            },
            # The history of queries goes with the workgroup; the answers are in the bucket.
            force_destroy=True,
            tags=names.settings.tags,
            opts=pulumi.ResourceOptions.merge(
                options, pulumi.ResourceOptions(depends_on=[storage.buckets["results"].ready])
            ),
        )
        found = queries(names)
        for query in found:
            aws.athena.NamedQuery(
                f"query-{query.name}",
                name=query.name,
                description=query.description[:1024],
                database=catalog.databases["gold"].name,
                workgroup=workgroup.name,
                query=query.sql,
                opts=options,
            )
        self.register_outputs({"queries": [query.name for query in found]})
