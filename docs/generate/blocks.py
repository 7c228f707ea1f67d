"""Every generated block, by the name that its markers carry."""

from collections.abc import Callable, Mapping

from docs.generate import cloud, commands, diagrams, dictionary, quality, records, rooms, workflow
from pipeline.contracts.checks import Layer
from tests.equivalence import differences

BLOCKS: Mapping[str, Callable[[], str]] = {
    "rooms": rooms.rooms,
    "entities": dictionary.entities,
    "layout": dictionary.layout,
    "dictionary-bronze": dictionary.of_bronze,
    "dictionary-silver": dictionary.of_layer("silver"),
    "dictionary-quarantine": dictionary.of_quarantine,
    "dictionary-interim": dictionary.of_layer("interim"),
    "dictionary-gold": dictionary.of_layer("gold"),
    "dictionary-meta": dictionary.of_layer("meta"),
    "rules": dictionary.rules,
    "file-checks": quality.files,
    **{f"gates-{layer}": quality.gates(layer) for layer in Layer},
    "entity-relations": diagrams.entities,
    "derivations": diagrams.derivations,
    "workflow-diagram": workflow.diagram,
    "workflow-steps": workflow.steps,
    "resource-graph": cloud.graph,
    "resources": cloud.resources,
    "configuration": cloud.configuration,
    "environments": cloud.environments,
    "roles": cloud.roles,
    "unbounded": cloud.unbounded,
    "alarms": cloud.alarm_table,
    "commands": commands.reference,
    "decision-records": records.index,
    "engine-differences": lambda: differences.entries(differences.DIFFERENCES),
}

# These take seconds: the Pulumi program is run for them.
RUN_THE_PROGRAM = frozenset({"resource-graph", "resources"})
