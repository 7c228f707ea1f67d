"""Who may do what: the roles of all duties."""

import pulumi
import pulumi_aws as aws

from infra.duties import duties
from infra.names import Names
from infra.policies import text
from infra.rights import Duty


class Access(pulumi.ComponentResource):
    """A role for every duty, with the policy that says what it may do.

    Args:
        names: Names of the stack.
        key: ARN of the stack's key.
        opts: Options of the component.
    """

    def __init__(self, names: Names, key: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__("lakehouse:infra:Access", "access", None, opts)
        self._names = names
        # Trust, and which duties there are, do not depend on the key.
        self._roles = {duty.name: self._role(duty, key) for duty in duties(names, key="").values()}
        self.register_outputs({"roles": [names.role(duty) for duty in self._roles]})

    def _role(self, duty: Duty, key: pulumi.Output[str]) -> pulumi.Output[str]:
        names, name = self._names, duty.name
        options = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"role-{name}",
            name=names.role(name),
            description=duty.does,
            assume_role_policy=text(duty.trust),
            permissions_boundary=names.settings.permissions_boundary,
            tags=names.settings.tags,
            opts=options,
        )
        policy = aws.iam.RolePolicy(
            f"policy-{name}",
            name="duty",
            role=role.name,
            policy=key.apply(lambda arn: text(duties(names, arn)[name].policy)),
            opts=options,
        )
        return pulumi.Output.all(role.arn, policy.id).apply(lambda found: str(found[0]))

    def role(self, duty: str) -> pulumi.Output[str]:
        """Return the ARN of a duty's role, known once the role may do what it has to."""
        return self._roles[duty]
