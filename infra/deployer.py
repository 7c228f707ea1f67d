"""What GitHub's role may do to a stack: exactly what deploying its kinds of resource takes.

Every action is on names that begin with the stack's own, so one environment's role cannot touch
another. Where AWS has nothing finer than `*`, the statement is in `BROAD`, with the reason.
"""

from collections.abc import Mapping

from infra.names import BUCKETS, Names
from infra.policies import Statement, Unbounded, allow

# Actions by what they are done to. The order is that of the components.
_BUCKETS = tuple(
    f"s3:{verb}{what}"
    for verb, whats in {
        "Get": (
            *("AccelerateConfiguration", "BucketAcl", "BucketCORS", "BucketLocation"),
            *("BucketLogging", "BucketNotification", "BucketObjectLockConfiguration"),
            *("BucketOwnershipControls", "BucketPolicy", "BucketPublicAccessBlock"),
            *("BucketRequestPayment", "BucketTagging", "BucketVersioning", "BucketWebsite"),
            *("EncryptionConfiguration", "LifecycleConfiguration", "ReplicationConfiguration"),
        ),
        "Put": (
            *("BucketLogging", "BucketNotification", "BucketObjectLockConfiguration"),
            *("BucketOwnershipControls", "BucketPolicy", "BucketPublicAccessBlock"),
            *("BucketTagging", "BucketVersioning", "EncryptionConfiguration"),
            "LifecycleConfiguration",
        ),
        "Delete": ("Bucket", "BucketPolicy"),
        "Create": ("Bucket",),
        "List": ("Bucket", "BucketVersions"),
    }.items()
    for what in whats
)
_CODE = tuple(
    f"s3:{action}"
    for action in (
        *("DeleteObject", "DeleteObjectVersion", "GetObject", "GetObjectTagging"),
        *("GetObjectVersion", "PutObject", "PutObjectTagging"),
    )
)
_KEYS = tuple(
    f"kms:{action}"
    for action in (
        *("DescribeKey", "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus"),
        *("ListResourceTags", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource"),
        *("UntagResource", "UpdateKeyDescription", "CreateGrant", "Decrypt", "GenerateDataKey"),
    )
)
_ALIASES = tuple(f"kms:{verb}Alias" for verb in ("Create", "Delete", "Update"))
_ROLES = tuple(
    f"iam:{action}"
    for action in (
        *("CreateRole", "DeleteRole", "DeleteRolePolicy", "DeleteRolePermissionsBoundary"),
        *("GetRole", "GetRolePolicy", "ListAttachedRolePolicies"),
        *("ListInstanceProfilesForRole", "ListRolePolicies", "PutRolePermissionsBoundary"),
        *("PutRolePolicy", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole"),
    )
)
_CATALOG = tuple(
    f"glue:{verb}{what}"
    for what in ("Database", "Table")
    for verb in ("Create", "Delete", "Get", "Update")
)
_TAGS = ("GetTags", "TagResource", "UntagResource")
_JOBS = tuple(f"glue:{action}" for action in ("CreateJob", "DeleteJob", "GetJob", "UpdateJob"))
_OF_SERVICE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "lambda": (
        "function:{stem}-*",
        (
            *("CreateFunction", "DeleteFunction", "DeleteFunctionConcurrency", "GetFunction"),
            *("GetFunctionCodeSigningConfig", "GetFunctionConcurrency"),
            *("GetFunctionConfiguration", "ListTags", "ListVersionsByFunction"),
            *("PutFunctionConcurrency", "TagResource", "UntagResource"),
            *("UpdateFunctionCode", "UpdateFunctionConfiguration"),
        ),
    ),
    "states": (
        "stateMachine:{stem}-*",
        (
            *("CreateStateMachine", "DeleteStateMachine", "DescribeStateMachine"),
            *("ListStateMachineVersions", "ListTagsForResource", "TagResource"),
            *("UntagResource", "UpdateStateMachine"),
        ),
    ),
    "events": (
        "rule/{stem}-*",
        (
            *("DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "ListTagsForResource"),
            *("ListTargetsByRule", "PutRule", "PutTargets", "RemoveTargets", "TagResource"),
            "UntagResource",
        ),
    ),
    "pipes": (
        "pipe/{stem}-*",
        (
            *("CreatePipe", "DeletePipe", "DescribePipe", "ListTagsForResource", "StartPipe"),
            *("StopPipe", "TagResource", "UntagResource", "UpdatePipe"),
        ),
    ),
    "sns": (
        "{stem}-*",
        (
            *("CreateTopic", "DeleteTopic", "GetSubscriptionAttributes", "GetTopicAttributes"),
            *("ListTagsForResource", "SetSubscriptionAttributes", "SetTopicAttributes"),
            *("Subscribe", "TagResource", "Unsubscribe", "UntagResource"),
        ),
    ),
    "sqs": (
        "{stem}-*",
        (
            *("CreateQueue", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl"),
            *("ListQueueTags", "SetQueueAttributes", "TagQueue", "UntagQueue"),
        ),
    ),
    "dynamodb": (
        "table/{stem}-*",
        (
            *("CreateTable", "DeleteTable", "DescribeContinuousBackups", "DescribeTable"),
            *("DescribeTimeToLive", "ListTagsOfResource", "TagResource", "UntagResource"),
            *("UpdateContinuousBackups", "UpdateTable", "UpdateTimeToLive"),
        ),
    ),
    "athena": (
        "workgroup/{stem}*",
        (
            *("CreateNamedQuery", "CreateWorkGroup", "DeleteNamedQuery", "DeleteWorkGroup"),
            *("GetNamedQuery", "GetWorkGroup", "ListTagsForResource", "TagResource"),
            *("UntagResource", "UpdateNamedQuery", "UpdateWorkGroup"),
        ),
    ),
}
_SCHEDULES = tuple(
    f"scheduler:{verb}{what}"
    for what in ("Schedule", "ScheduleGroup")
    for verb in ("Create", "Delete", "Get")
) + tuple(
    f"scheduler:{action}"
    for action in ("ListTagsForResource", "TagResource", "UntagResource", "UpdateSchedule")
)
_LOGS = tuple(
    f"logs:{action}"
    for action in (
        *("AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "DeleteMetricFilter"),
        *("DeleteRetentionPolicy", "DescribeMetricFilters", "ListTagsForResource"),
        *("PutMetricFilter", "PutRetentionPolicy", "TagResource", "UntagResource"),
    )
)
_ALARMS = tuple(
    f"cloudwatch:{action}"
    for action in (
        *("DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "PutMetricAlarm"),
        *("TagResource", "UntagResource"),
    )
)
_DASHBOARDS = tuple(f"cloudwatch:{verb}" for verb in ("DeleteDashboards", "GetDashboard"))
_BUDGETS = tuple(
    f"budgets:{action}"
    for action in ("ListTagsForResource", "ModifyBudget", "TagResource", "ViewBudget")
)

# Services that roles of the stack are handed to.
_SERVICES = ("glue", "lambda", "pipes", "scheduler", "states")

BROAD = (
    Unbounded(
        "ListForDeployment",
        ("kms:ListAliases", "logs:DescribeLogGroups", "states:ValidateStateMachineDefinition"),
        "They list, or check a text; none of them has a resource.",
    ),
    Unbounded(
        "EncryptionOfJobs",
        (
            "glue:CreateSecurityConfiguration",
            "glue:DeleteSecurityConfiguration",
            "glue:GetSecurityConfiguration",
        ),
        "Security configurations have no ARN.",
    ),
)


def deployment(names: Names) -> tuple[tuple[Statement, ...], ...]:
    """Return what deploying a stack takes, in parts that each fit into one managed policy."""
    return _data(names), _code(names), _signals(names)


def _data(names: Names) -> tuple[Statement, ...]:
    tagged = {
        f"aws:ResourceTag/{name}": value
        for name, value in names.settings.tags.items()
        if name in {"Environment", "Project"}
    }
    requested = {key.replace("Resource", "Request"): value for key, value in tagged.items()}
    databases = f"{names.stem}_*".replace("-", "_")
    return (
        allow("Buckets", _BUCKETS, [names.bucket_arn(bucket) for bucket in BUCKETS]),
        allow("Code", _CODE, names.objects_arn("artifacts", "*")),
        allow(
            "CreateKey",
            ["kms:CreateKey", "kms:TagResource"],
            [names.arn("kms", "key/*")],
            {"StringEquals": requested},
        ),
        allow("Keys", _KEYS, [names.arn("kms", "key/*")], {"StringEquals": tagged}),
        allow("AliasesOfKeys", _ALIASES, [names.arn("kms", "key/*")], {"StringEquals": tagged}),
        allow("Aliases", _ALIASES, [names.arn("kms", f"alias/{names.stem}*")]),
        allow(
            "Catalog",
            _CATALOG,
            [
                names.arn("glue", "catalog"),
                names.arn("glue", f"database/{databases}"),
                names.arn("glue", f"table/{databases}/*"),
            ],
        ),
    )


def _code(names: Names) -> tuple[Statement, ...]:
    roles = [names.role_arn("*")]
    own = [names.role_arn(duty) for duty in ("deploy", "preview")]
    bound = names.settings.permissions_boundary
    bounded = {"StringEquals": {"iam:PermissionsBoundary": bound}} if bound else None
    bounding = ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
    return (
        allow("Roles", [action for action in _ROLES if action not in bounding], roles),
        allow("BoundedRoles", bounding, roles, bounded),
        {
            # Who may deploy is decided by people, not by what is deployed.
            **allow("NotItself", [a for a in _ROLES if not a.startswith(_READING)], own),
            "Effect": "Deny",
        },
        allow(
            "HandOverRoles",
            ["iam:PassRole"],
            roles,
            {
                "StringEquals": {
                    "iam:PassedToService": [f"{service}.amazonaws.com" for service in _SERVICES]
                }
            },
        ),
        allow(
            "Jobs",
            (*_JOBS, *(f"glue:{action}" for action in _TAGS)),
            [names.arn("glue", f"job/{names.stem}-*"), names.arn("glue", "database/*")],
        ),
        *(
            allow(
                service.capitalize(),
                [f"{service}:{action}" for action in actions],
                [names.arn(service, resource.format(stem=names.stem))],
            )
            for service, (resource, actions) in _OF_SERVICE.items()
        ),
    )


_READING = ("iam:Get", "iam:List")


def _signals(names: Names) -> tuple[Statement, ...]:
    stem = names.stem
    dashboards = f"arn:{names.settings.partition}:cloudwatch::{names.account}:dashboard/{stem}*"
    budgets = f"arn:{names.settings.partition}:budgets::{names.account}:budget/{stem}*"
    groups = [
        names.arn("logs", f"log-group:{start}/{stem}*")
        for start in ("/aws/lambda", "/aws-glue/jobs", "/aws/vendedlogs/states")
    ]
    return (
        allow(
            "Schedules",
            _SCHEDULES,
            [
                names.arn("scheduler", f"schedule-group/{stem}*"),
                names.arn("scheduler", f"schedule/{stem}*/*"),
            ],
        ),
        allow("Logs", _LOGS, groups),
        allow("Alarms", _ALARMS, [names.arn("cloudwatch", f"alarm:{stem}-*")]),
        allow("Dashboards", (*_DASHBOARDS, "cloudwatch:PutDashboard"), [dashboards]),
        allow("Budgets", _BUDGETS, [budgets]),
        *(allow(entry.sid, entry.actions, ["*"]) for entry in BROAD),
    )
