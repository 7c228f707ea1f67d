"""The kinds of resource that the emulator knows, by their token."""

from infra.emulator.kinds import (
    analytics,
    catalog,
    compute,
    identity,
    keys,
    lookups,
    messages,
    monitoring,
    storage,
)
from infra.emulator.kinds.kind import Kind, Recorded

KINDS: dict[str, Kind] = {
    **storage.KINDS,
    **keys.KINDS,
    **identity.KINDS,
    **catalog.KINDS,
    **compute.KINDS,
    **messages.KINDS,
    **monitoring.KINDS,
    **analytics.KINDS,
}
LOOKUPS = lookups.LOOKUPS

# What stands in no emulated service: its inputs are kept, and nothing more can be said about it.
RECORDED = tuple(sorted(token for token, kind in KINDS.items() if isinstance(kind, Recorded)))
