"""What the Pulumi program declares, and what its parts do."""
