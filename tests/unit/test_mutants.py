"""The planted faults fit the code: one whose place is gone would prove nothing."""

import ast

import pytest

from tests.equivalence.mutants.catalogue import MUTANTS
from tests.equivalence.mutants.planting import ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_fault_has_its_place(mutant: Mutant) -> None:
    """Its text stands once in its module, the module stays Python, and its tests are there."""
    faulty = mutant.source()

    assert faulty != mutant.path.read_text(encoding="utf-8")
    ast.parse(faulty)
    for test in mutant.tests:
        path, *names = test.split("[")[0].split("::")
        assert (ROOT / "tests" / path).is_file(), test
        assert names, test
