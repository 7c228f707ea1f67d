from collections.abc import Iterator

import pytest

from tests.unit.sql.tools import Asked


@pytest.fixture(scope="session")
def asked() -> Iterator[Asked]:
    made = Asked()
    yield made
    made.close()
