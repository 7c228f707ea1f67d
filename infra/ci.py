"""What GitHub Actions may do: a provider of identities, and two roles without long-lived keys.

A workflow shows a token that GitHub has signed. Its `sub` says which repository asks, and either
that it is a pull request, or which of GitHub's environments the job has been let into.

- `preview` reads the stack's state, so that a pull request can say what it would change.
- `deploy` may do what deploying this stack takes, and nothing to other stacks or to itself.
"""

import pulumi
import pulumi_aws as aws

from infra.config import Ci
from infra.deployer import deployment
from infra.names import Names
from infra.policies import Statement, allow, document, text

HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
_HOUR = 3600


class GitHub(pulumi.ComponentResource):
    """The identity provider of GitHub Actions, and the roles of its workflows.

    Args:
        names: Names of the stack.
        ci: Which repository, and where the stack's state is kept.
        opts: Options of the component.
    """

    def __init__(self, names: Names, ci: Ci, opts: pulumi.ResourceOptions) -> None:
        super().__init__("lakehouse:infra:GitHub", "github", None, opts)
        self._names = names
        self._options = pulumi.ResourceOptions(parent=self)
        self._needs: list[pulumi.Resource] = []
        if ci.create_provider:
            self._needs.append(
                aws.iam.OpenIdConnectProvider(
                    "github",
                    url=f"https://{HOST}",
                    client_id_lists=[AUDIENCE],
                    tags=names.settings.tags,
                    opts=self._options,
                )
            )
        environment = names.settings.environment
        self.preview = self._role(
            "preview", "GitHub: says what a pull request would change.", ci, "pull_request"
        )
        aws.iam.RolePolicy(
            "preview-state",
            name="state",
            role=self.preview.name,
            policy=text(document(*reading(names, ci))),
            opts=self._options,
        )
        self.deploy = self._role(
            "deploy", "GitHub: deploys this stack.", ci, f"environment:{environment}"
        )
        aws.iam.RolePolicy(
            "deploy-state",
            name="state",
            role=self.deploy.name,
            policy=text(document(*writing(names, ci), *smoke(names))),
            opts=self._options,
        )
        for number, statements in enumerate(deployment(names), start=1):
            policy = aws.iam.Policy(
                f"deploy-{number}",
                name=names.of(f"deploy-{number}"),
                description="What deploying this stack takes.",
                policy=text(document(*statements)),
                tags=names.settings.tags,
                opts=self._options,
            )
            aws.iam.RolePolicyAttachment(
                f"deploy-{number}",
                role=self.deploy.name,
                policy_arn=policy.arn,
                opts=self._options,
            )
        self.register_outputs({"preview": self.preview.arn, "deploy": self.deploy.arn})

    def _role(self, duty: str, does: str, ci: Ci, subject: str) -> aws.iam.Role:
        return aws.iam.Role(
            f"role-{duty}",
            name=self._names.role(duty),
            description=does,
            assume_role_policy=text(trust(self._names, ci.repository, subject)),
            permissions_boundary=self._names.settings.permissions_boundary,
            max_session_duration=_HOUR,
            tags=self._names.settings.tags,
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(depends_on=self._needs)
            ),
        )


def trust(names: Names, repository: str, subject: str) -> dict[str, object]:
    """Return who may take on a role: one repository's workflows, for one subject, and no other."""
    provider = f"arn:{names.settings.partition}:iam::{names.account}:oidc-provider/{HOST}"
    return document(
        {
            "Sid": "Workflow",
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{HOST}:aud": AUDIENCE,
                    f"{HOST}:sub": f"repo:{repository}:{subject}",
                }
            },
        }
    )


def reading(names: Names, ci: Ci) -> tuple[Statement, ...]:
    """Return what reading the stack's state takes: a preview asks AWS for nothing else."""
    bucket = f"arn:{names.settings.partition}:s3:::{ci.state_bucket}"
    environment = names.settings.environment
    statements = [
        allow("FindState", ["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
        allow(
            "ReadState",
            ["s3:GetObject"],
            [
                f"{bucket}/.pulumi/meta.yaml",
                f"{bucket}/.pulumi/stacks/*/{environment}.json*",
            ],
        ),
    ]
    if ci.state_key:
        statements.append(allow("ReadSecrets", ["kms:Decrypt"], [ci.state_key]))
    return tuple(statements)


def writing(names: Names, ci: Ci) -> tuple[Statement, ...]:
    """Return what keeping the stack's state takes."""
    bucket = f"arn:{names.settings.partition}:s3:::{ci.state_bucket}"
    environment = names.settings.environment
    kept = allow(
        "KeepState",
        ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
        [
            *(f"{bucket}/.pulumi/{kind}/*/{environment}.json*" for kind in ("stacks", "backups")),
            *(f"{bucket}/.pulumi/{kind}/*/{environment}/*" for kind in _KINDS),
        ],
    )
    more = (
        (allow("WriteSecrets", ["kms:Encrypt", "kms:GenerateDataKey"], [ci.state_key]),)
        if ci.state_key
        else ()
    )
    return (*reading(names, ci), kept, *more)


_KINDS = ("backups", "history", "locks")


def smoke(names: Names) -> tuple[Statement, ...]:
    """Return what trying a deployment takes: deliver a sample, start a run, query gold."""
    executions = names.machine_arn.replace(":stateMachine:", ":execution:")
    gold = names.database("gold")
    return (
        allow("Deliver", ["s3:PutObject"], names.objects_arn("raw", "landing/*")),
        allow("StartRun", ["states:StartExecution"], [names.machine_arn]),
        allow("WatchRun", ["states:DescribeExecution"], [f"{executions}:*"]),
        allow(
            "Query",
            [
                *("athena:GetQueryExecution", "athena:GetQueryResults"),
                "athena:StartQueryExecution",
            ],
            [names.workgroup_arn],
        ),
        allow(
            "SeeGold",
            ["glue:GetDatabase", "glue:GetTable"],
            [
                names.arn("glue", "catalog"),
                names.arn("glue", f"database/{gold}"),
                names.arn("glue", f"table/{gold}/*"),
            ],
        ),
        allow("ReadGold", ["s3:GetObject"], names.objects_arn("lake", "gold/*")),
        allow("ReadAnswers", ["s3:GetObject", "s3:PutObject"], names.objects_arn("results", "*")),
    )
