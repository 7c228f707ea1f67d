"""What holds for every test: one time zone, repeatable examples, a checkout left as it was."""

import os
import tempfile
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

# Results must not depend on the machine's time zone; whoever wants to see that sets TZ.
os.environ.setdefault("TZ", "UTC")
time.tzset()

# The same examples every time by default, so that a red test is about the change at hand. The
# nightly run looks for new ones. `--profile` of ./lakehouse chooses, through this variable.
hypothesis.settings.register_profile(
    "default",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
)
hypothesis.settings.register_profile(
    "nightly",
    hypothesis.settings.get_profile("default"),
    derandomize=False,
    max_examples=2_000,
)
hypothesis.settings.load_profile(os.environ.get("LAKEHOUSE_PROFILE") or "default")
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / f"lakehouse-hypothesis-{os.getuid()}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process waits for another one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("heavy") is None)
