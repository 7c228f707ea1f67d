"""Which cloud a stack is deployed to: the provider, and the account it leads to."""

import pulumi
import pulumi_aws as aws

from infra.config import ConfigError, Settings

# The services whose addresses an emulator replaces, by the provider's names.
SERVICES = (
    "athena",
    "budgets",
    "cloudwatch",
    "dynamodb",
    "events",
    "glue",
    "iam",
    "kms",
    "lambda_",
    "logs",
    "pipes",
    "s3",
    "scheduler",
    "sfn",
    "sns",
    "sqs",
    "sts",
)


def cloud(settings: Settings) -> tuple[str, pulumi.ResourceOptions]:
    """Return the account, and the options that lead a component there.

    Raises:
        ConfigError: The credentials lead to another account, or to none.
    """
    provider = aws.Provider("aws", **_arguments(settings))
    try:
        found = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))
    except Exception as error:  # noqa: BLE001 - the engine passes on what the provider said
        msg = (
            f"AWS cannot be asked for the account of stack {settings.environment} in "
            f"{settings.region}: {_first_line(error)} Look at the credentials (AWS_PROFILE) and "
            f"at {_expected(settings)}."
        )
        raise ConfigError(msg) from None
    if settings.account not in {None, found.account_id}:
        msg = (
            f"The credentials belong to account {found.account_id}, and stack "
            f"{settings.environment} is for account {settings.account}. Use its credentials "
            f"(AWS_PROFILE), or correct {_expected(settings)}."
        )
        raise ConfigError(msg)
    return found.account_id, pulumi.ResourceOptions(provider=provider)


def _expected(settings: Settings) -> str:
    return f"lakehouse:account and lakehouse:region in Pulumi.{settings.environment}.yaml"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") + "." if lines else f"{type(error).__name__}."


def _arguments(settings: Settings) -> dict[str, pulumi.Input[object]]:
    arguments: dict[str, pulumi.Input[object]] = {"region": settings.region}
    if settings.account:
        arguments["allowed_account_ids"] = [settings.account]
    if settings.endpoint:
        # An emulator knows no credentials and no names of buckets in its address.
        arguments |= {
            "endpoints": [dict.fromkeys(SERVICES, settings.endpoint)],
            "access_key": "emulator",
            "secret_key": "emulator",
            "s3_use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_region_validation": True,
        }
    return arguments
