"""Every mutant."""

from tests.equivalence.mutants.of_engines import MUTANTS as OF_ENGINES
from tests.equivalence.mutants.of_transforms import MUTANTS as OF_TRANSFORMS

MUTANTS = (*OF_TRANSFORMS, *OF_ENGINES)
