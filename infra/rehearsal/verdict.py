"""What is wrong with a played scenario; nothing when it came out as it has to."""

from collections.abc import Iterator, Mapping, Sequence

from infra.duties import duties
from infra.emulator.permissions import allows
from infra.names import Names
from infra.rehearsal.calls import Calls
from infra.rehearsal.scenarios import Scenario, once
from infra.rehearsal.theatre import Played
from simulator.compare import Comparison

# The stack's key is made with it, so what is allowed on it is allowed under this name here.
KEY = "arn:aws:kms:eu-central-1:123456789012:key/rehearsal"


def faults(
    scenario: Scenario,
    played: Played,
    local: Sequence[str],
    versions: Mapping[str, tuple[int, int]],
    tables: Comparison,
) -> Iterator[str]:
    """Yield a sentence for each thing that is not as it has to be.

    Args:
        scenario: What was played.
        played: What came of it.
        local: Steps that a run on this machine passes with the same deliveries.
        versions: Of each table that the catalog publishes, its version there and in its log.
        tables: The tables, held against those of the run on this machine.
    """
    expected = "SUCCEEDED" if scenario.succeeds else "FAILED"
    if played.status != expected:
        yield f"The execution ended as {played.status}, and it should be {expected}."
    if not played.steps or played.steps[-1] != scenario.last:
        yield f"The last step was {played.steps[-1:]}, and it should be {scenario.last}."
    if once(played.steps) != list(local):
        yield f"The steps were {once(played.steps)}, and on this machine they are {list(local)}."
    told = {severity for severity, _ in played.messages}
    if not scenario.told <= told:
        yield f"Messages of {sorted(scenario.told)} were due, and {played.messages} came."
    yield from _files(scenario, played)
    if scenario.succeeds and scenario.put_aside:
        if not versions:
            yield "The catalog publishes no table."
        for path, (published, logged) in versions.items():
            if published != logged:
                yield f"The catalog has {path} at version {published}, and its log {logged}."
    for table in tables.tables:
        for difference in table.differences:
            yield f"{table.path} is not that of this machine: {difference.sentence}."


def _files(scenario: Scenario, played: Played) -> Iterator[str]:
    aside = {key for key in played.landing if key.startswith(("archive/", "rejected/"))}
    if scenario.put_aside:
        if played.landing - aside:
            yield f"Files still lie in the landing zone: {sorted(played.landing - aside)}."
        if not any(key.startswith(f"{scenario.put_aside}/") for key in aside):
            yield f"No file was put into {scenario.put_aside}: {sorted(aside)}."
    elif aside:
        yield f"Files were moved, though nothing was decided on them: {sorted(aside)}."


def refused(calls: Calls, names: Names) -> Iterator[str]:
    """Yield a sentence for each call that its role's policies do not allow."""
    found = duties(names, KEY)
    for actor, needs in sorted(calls.made.items()):
        policy = found[actor].policy
        for need in sorted(needs, key=lambda need: (need.action, need.resource)):
            if not allows([policy], need.action, need.resource, dict(need.context)):
                yield f"The role {actor} may not {need.action} on {need.resource} {need.context}."
