"""What the tests of the Pulumi program share."""

import pytest

from tests.infra.graph import ENVIRONMENTS, Graph, graph_of


@pytest.fixture(params=ENVIRONMENTS)
def graph(request: pytest.FixtureRequest) -> Graph:
    """Return what is declared for each environment in turn."""
    return graph_of(request.param)
