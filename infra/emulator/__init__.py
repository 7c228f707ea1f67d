"""An AWS account inside this process, and a Pulumi provider that deploys into it.

Nothing here runs in the cloud. The Pulumi engine is the real one; in the place of the provider
plugin for AWS stands `provider`, which carries out what the engine asks by boto3 on moto's emulated
services. `kinds` says for each kind of resource how, and what moto lacks.
"""
