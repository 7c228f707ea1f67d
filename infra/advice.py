"""What to do about errors that only AWS can know of: said by the program when they come.

A provider's message says what AWS has answered, not what a person can do. So every resource gets an
error hook that adds a sentence. It never tries again: that is the provider's own business.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
from pulumi.runtime import register_stack_transformation


@dataclass(frozen=True)
class Advice:
    """What to do about some errors.

    Attributes:
        signs: Parts of a message, any of which tells that it is this.
        because: What is the matter.
        do: The way out.
    """

    signs: tuple[str, ...]
    because: str
    do: str


ADVICE = (
    Advice(
        ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"),
        "The bucket's name is taken: names hold account and region, so an earlier stack left it.",
        "Delete the bucket if it is empty, or take it over: pulumi import aws:s3/bucket:Bucket "
        "PURPOSE NAME; then run pulumi up again.",
    ),
    Advice(
        ("EntityAlreadyExists",),
        "The account has something of this name already.",
        "For the OIDC provider, of which an account has one: set create_provider: false in "
        "lakehouse:ci. Else import it, or delete it if nobody needs it; then run pulumi up again.",
    ),
    Advice(
        ("LimitExceeded", "TooManyBuckets", "ServiceQuotaExceeded", "quota"),
        "A quota of the account is reached.",
        "Ask for more in Service Quotas; then run pulumi up again: it goes on where it stopped.",
    ),
    Advice(
        ("AccessDenied", "UnauthorizedOperation", "not authorized to perform"),
        "The role that deploys may not do this.",
        "Allow it what docs/deployment.md lists, or set the boundary that your account asks for in "
        "lakehouse:permissions_boundary; then run pulumi up again.",
    ),
    Advice(
        ("ExpiredToken", "InvalidClientTokenId", "token included in the request is expired"),
        "The credentials are no longer valid.",
        "Sign in again (aws sso login); then run pulumi up again: it goes on where it stopped.",
    ),
)


def advice_for(errors: Iterable[str]) -> str | None:
    """Return what to say of the errors of a resource; None when only their own words are known."""
    text = "\n".join(errors)
    for advice in ADVICE:
        if any(sign in text for sign in advice.signs):
            return f"{advice.because} {advice.do}"
    return None


def advise_on_errors() -> None:
    """Let every resource that is declared from now on say what to do when it fails."""
    hooks = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook("advice", _advise)])

    def advised(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if not isinstance(args.resource, pulumi.CustomResource):
            return None
        more = pulumi.ResourceOptions(hooks=hooks)
        options = pulumi.ResourceOptions.merge(args.opts, more)
        return pulumi.ResourceTransformationResult(args.props, options)

    register_stack_transformation(advised)


def _advise(failure: pulumi.ErrorHookArgs) -> bool:
    said = advice_for(failure.errors)
    if said:
        pulumi.log.error(f"{failure.name}: {said}")
    return False
