"""Putting a lake back to before a run."""

from pipeline.contracts import TABLES
from pipeline.engine import Engine
from pipeline.runner.home import Intent, LakeHome


def undo(engine: Engine, home: LakeHome, intent: Intent) -> None:
    """Restore every table that a run may have written, newest layers first.

    A lake that the run has made is removed again.
    """
    home.make_room()
    home.forget_state()
    by_path = {table.path: table for table in TABLES}
    for path, version in reversed(intent.versions.items()):
        if engine.exists(by_path[path]) or version is not None:
            engine.restore(by_path[path], version)
    if all(version is None for version in intent.versions.values()):
        engine.close()
        home.abandon()
    else:
        home.end()
