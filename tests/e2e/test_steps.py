"""A run done step by step, each step by a process that knows only what lies in the lake."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import BalanceError, CallError, LakehouseError
from pipeline.landing.store import LocalStore
from pipeline.runner.doing import BEGIN
from pipeline.runner.home import LakeHome
from pipeline.runner.run import Lakehouse, RunRequest, Step
from pipeline.workflow import Outcome
from simulator.compare import compare
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import OPEN, deliver, listing, run, run_time
from tests.strategies import deliveries, groupings

# The steps of a good run that leave something in the lake.
GOOD = (
    *(BEGIN, Step.BRONZE, Step.VALIDATE_BRONZE, Step.SILVER, Step.VALIDATE_SILVER, Step.GOLD),
    *(Step.VALIDATE_GOLD, Step.RECORD, Step.UPDATE_CATALOG, Step.ARCHIVE),
)


def stepwise(landing: Path, lake: Path, number: int, *, steps: Sequence[Step] = GOOD) -> None:
    """Do the steps of a run, each with objects of its own, as a job of its own has them."""
    request = RunRequest(run_time(number))
    for step in steps:
        lakehouse = Lakehouse(
            PolarsEngine(lake), LakeHome(lake), LocalStore(landing), thresholds=OPEN
        )
        if step is BEGIN:
            outcome, _ = lakehouse.begin(request)
            if outcome is Outcome.NOTHING_NEW:
                return
        else:
            lakehouse.proceed(step, request)


@pytest.mark.heavy
@settings(max_examples=6)
@given(data=st.data())
def test_steps_and_whole_runs_make_the_same_lake(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: it does not matter whether the steps of a run share a process."""
    made = data.draw(deliveries())
    folder = tmp_path_factory.mktemp("steps")
    for number, group in enumerate(data.draw(groupings(made, max_runs=3))):
        deliver(folder / "landing", group)
        run(folder / "landing", folder / "whole", number)
        stepwise(folder / "landing", folder / "stepwise", number)
    found = compare(folder / "whole", folder / "stepwise", strict=True)

    assert found.equal, str(found)


def test_a_step_without_a_run_says_how_to_begin(tmp_path: Path) -> None:
    """Nothing is written, and the first step is named."""
    with pytest.raises(CallError, match="Begin one with validate_raw"):
        stepwise(tmp_path, tmp_path / "lake", 0, steps=[Step.BRONZE])
    assert not (tmp_path / "lake").exists()


def test_an_abandoned_run_is_undone_by_the_next_first_step(tmp_path: Path) -> None:
    """A run whose later steps never came leaves no trace in the next one's lake."""
    landing = tmp_path / "landing"
    _deliver_a_day(landing)
    stepwise(landing, tmp_path / "lake", 0, steps=[BEGIN, Step.BRONZE, Step.SILVER])
    stepwise(landing, tmp_path / "lake", 0)
    run(landing, tmp_path / "whole", 0)

    found = compare(tmp_path / "whole", tmp_path / "lake", strict=True)
    assert found.equal, str(found)


def test_a_failed_step_is_undone_by_another(tmp_path: Path) -> None:
    """A file that changes between two steps fails the second; undone, the lake is what it was."""
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    _deliver_a_day(landing)
    run(landing, lake, 0)
    (landing / "orders/2.csv").write_bytes(
        (landing / "orders/1.csv").read_bytes() + b"5,5,5,x,1,y\n"
    )
    layers = ("bronze", "silver", "gold")
    there = listing(lake, layers)
    stepwise(landing, lake, 1, steps=[BEGIN])
    (landing / "orders/2.csv").write_text("gone")

    with pytest.raises(LakehouseError, match=r"orders/2\.csv"):
        stepwise(landing, lake, 1, steps=[Step.BRONZE])
    stepwise(landing, lake, 1, steps=[Step.ROLL_BACK])
    with pytest.raises(CallError, match="No run is under way"):
        stepwise(landing, lake, 1, steps=[Step.SILVER])
    assert {name for name in listing(lake, layers) if "_delta_log" not in name} == {
        name for name in there if "_delta_log" not in name
    }


def _deliver_a_day(landing: Path) -> None:
    header = {
        "products/1.csv": "product_id,department_id,department,product_name\n1,1,Tea,Green\n",
        "orders/1.csv": "order_num,order_id,user_id,order_timestamp,total_amount,date\n"
        "1,1,1,2025-04-01T10:00,5.00,2025-04-01\n",
    }
    for name, text in header.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_balance_is_held_by_a_step_of_another_process(tmp_path: Path) -> None:
    """What silver has drawn is known to the step that closes the books."""
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    _deliver_a_day(landing)
    stepwise(landing, lake, 0, steps=GOOD[: GOOD.index(Step.RECORD)])
    kept = json.loads((lake / "_state.json").read_text())
    kept["entities"]["orders"]["balance"]["files"] += 1
    (lake / "_state.json").write_text(json.dumps(kept))

    with pytest.raises(BalanceError, match="orders do not balance: 2 in accepted files"):
        stepwise(landing, lake, 0, steps=[Step.RECORD])
