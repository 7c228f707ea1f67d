"""See that errors put into the code on purpose are found by the tests.

    ./lakehouse equivalence --mutants            plant each and ask the tests
    ./lakehouse equivalence --mutants -k null    those with this in their name or module
    ./lakehouse equivalence --mutants --list     tell what there is

First the tests are asked with no error planted; then they have to pass. A mutant that is caught
counts as a test that passed.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.equivalence.mutants.asking import BROKEN, CAUGHT, MISSED, Answer, ask, start_spark
from tests.equivalence.mutants.catalogue import MUTANTS
from tests.equivalence.mutants.planting import Mutant
from tests.run import Tally, say

# Each has a Spark session of its own, which takes a core and a gigabyte.
_PROCESSES = 2


def main() -> int:
    """Plant the chosen mutants, tell what became of them, and return the exit code."""
    chosen = _parser().parse_args()
    mutants = [m for m in MUTANTS if chosen.k in f"{m.name} {m.module}"]
    if not mutants:
        say(f"no mutant has {chosen.k!r} in its name or module")
    if chosen.list:
        for mutant in mutants:
            say(f"{mutant.name:<28} {mutant.module:<40} {mutant.slip}")
        return 0
    began = time.monotonic()
    # Which few cases fail does not matter here, only whether any does.
    os.environ["LAKEHOUSE_SMALLEST"] = "no"
    with (
        tempfile.TemporaryDirectory(prefix="lakehouse-mutants-") as scratch,
        ProcessPoolExecutor(
            chosen.processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=start_spark,
            initargs=(scratch,),
        ) as pool,
    ):
        total = _proven(pool, mutants)
    say(f"{time.monotonic() - began:.0f} seconds")
    say(str(total))
    return 1 if total.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./lakehouse equivalence --mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-k", metavar="WORD", default="", help="only those with this in their name")
    parser.add_argument("--list", action="store_true", help="tell what there is, plant nothing")
    parser.add_argument("--processes", type=int, default=_PROCESSES, help="%(default)s")
    return parser


def _proven(pool: ProcessPoolExecutor, mutants: Sequence[Mutant]) -> Tally:
    """Ask about no error, then about every one, and count."""
    if not _are_sound(pool, mutants):
        return Tally(failed=1)
    asked = {pool.submit(ask, mutant.tests, mutant): mutant for mutant in mutants}
    width = max(len(mutant.name) for mutant in mutants)
    total = Tally()
    unseen: list[tuple[Mutant, Answer]] = []
    for future in as_completed(asked):
        mutant, answer = asked[future], future.result()
        by = f"by {answer.by}: {answer.why}" if answer.by else f"asked: {', '.join(mutant.tests)}"
        say(f"{answer.verdict} {answer.seconds:5.1f} s  {mutant.name:<{width}}  {mutant.slip}")
        say(f"{'':{width + 17}}{by}")
        total += Tally(passed=1) if answer.verdict == CAUGHT else Tally(failed=1)
        if answer.verdict != CAUGHT:
            unseen.append((mutant, answer))
    for mutant, answer in unseen:
        say(f"--- {answer.verdict}: {mutant.name}, in {mutant.module}")
        say(answer.output)
    return total


def _are_sound(pool: ProcessPoolExecutor, mutants: Iterable[Mutant]) -> bool:
    """Return whether the tests pass as long as nothing is planted; tell which do not."""
    of_module: dict[str, dict[str, None]] = {}
    for mutant in mutants:
        for test in mutant.tests:
            of_module.setdefault(test.partition("::")[0], {})[test] = None
    asked = {pool.submit(ask, tuple(tests), None): name for name, tests in of_module.items()}
    sound = True
    for future in as_completed(asked):
        name, answer = asked[future], future.result()
        if answer.verdict == MISSED:
            say(f"sound  {answer.seconds:5.1f} s  {name}: {answer.passed} tests, nothing planted")
        else:
            sound = False
            say(f"--- {BROKEN}: {name} fails by itself")
            say(answer.output)
    return sound


if __name__ == "__main__":
    sys.exit(main())
