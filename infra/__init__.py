"""The lakehouse on AWS, as a Pulumi program: one component per concern."""
