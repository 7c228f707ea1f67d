"""What a bench makes of its measurements: medians, ratios, and both engines side by side."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.bench import rounds
from simulator.bench.figures import GATES, gate_seconds, is_work, ratios, side_by_side
from simulator.bench.memory import peak_bytes
from simulator.bench.rounds import BY_HAND, ENGINES, ONE_MORE_DAY, PIPELINE, Measurement
from simulator.cli.guard import guarded
from simulator.cli.main import run


def measured(engine: str, name: str, seconds: float, **steps: float) -> Measurement:
    told = [{"step": step.replace("_", " "), "seconds": spent} for step, spent in steps.items()]
    return Measurement(engine, name, seconds, int(seconds * 100), told)


POLARS = [
    measured("polars", BY_HAND, 8.0, bronze=5.0, gold=3.0),
    measured("polars", PIPELINE, 10.0, bronze_orders=6.0, gold_daily_sales=2.0, gold_checks=1.0),
    measured("polars", ONE_MORE_DAY, 1.0, bronze_orders=0.5),
]
SPARK = [
    measured("spark", BY_HAND, 20.0, bronze=20.0),
    measured("spark", PIPELINE, 22.0, bronze_orders=20.0, books=2.0),
]


@pytest.mark.parametrize(
    ("step", "works"),
    [
        ("check files", True),
        ("tables", True),
        ("bronze orders", True),
        ("silver order_items", True),
        ("gold", True),
        ("gold daily_sales", True),
        ("bronze checks", False),
        ("silver checks", False),
        ("gold checks", False),
        ("books", False),
        ("undoing the interrupted run", False),
    ],
)
def test_which_parts_of_a_run_are_work(step: str, *, works: bool) -> None:
    assert is_work(step) is works


def test_what_no_part_names_belongs_to_gates_and_transaction() -> None:
    assert gate_seconds(POLARS[1]) == 2.0


def test_ratios_of_one_engine() -> None:
    assert ratios(POLARS) == {
        "polars pipeline seconds / by hand seconds": 1.25,
        "polars pipeline peak / by hand peak": 1.25,
        "polars gates and transaction / pipeline seconds": 0.2,
        "polars one more day seconds / pipeline seconds": 0.1,
    }


def test_ratios_of_both_engines_and_between_them() -> None:
    found = ratios([*POLARS, *SPARK])
    assert found["spark pipeline seconds / by hand seconds"] == 1.1
    assert found["spark gates and transaction / pipeline seconds"] == pytest.approx(1 / 11)
    assert found["spark pipeline seconds / polars pipeline seconds"] == 2.2
    assert "spark one more day seconds / pipeline seconds" not in found


def test_ratios_are_of_medians_over_the_rounds() -> None:
    slow = [measured("polars", name, 100.0) for name in (BY_HAND, PIPELINE)]
    found = ratios([*POLARS, *POLARS, *slow])
    assert found["polars pipeline seconds / by hand seconds"] == 1.25


def test_steps_of_both_engines_stand_side_by_side() -> None:
    assert side_by_side([*POLARS, *SPARK], PIPELINE) == {
        "bronze orders": {"polars": 6.0, "spark": 20.0},
        "gold daily sales": {"polars": 2.0},
        "gold checks": {"polars": 1.0},
        "books": {"spark": 2.0},
        GATES: {"polars": 2.0, "spark": 2.0},
        "in all": {"polars": 10.0, "spark": 22.0},
    }
    assert GATES not in side_by_side(POLARS, BY_HAND)


def test_peak_memory_is_that_of_all_who_work(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell of other processes")
    alone = peak_bytes()
    words = "import sys; held = bytearray(b'x') * 50_000_000; print(len(held)); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as helper:
        assert helper.stdout is not None
        helper.stdout.readline()
        assert peak_bytes() >= alone + 50_000_000
        helper.communicate(b"")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return what is measured, in turn, where no process is started."""
    told: list[tuple[str, str]] = []

    def answer(engine: str, name: str, words: Any) -> Measurement:
        del words
        told.append((engine, name))
        return next(m for m in [*POLARS, *SPARK, SPARK_DAY] if (m.engine, m.name) == told[-1])

    monkeypatch.setattr(rounds, "_measured", answer)
    return told


SPARK_DAY = measured("spark", ONE_MORE_DAY, 4.0, bronze_orders=1.0)


def test_each_round_measures_all_contestants_in_turn(
    called: list[tuple[str, str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["bench", "--engine", "both", "--orders", "300", "--runs", "2", "--dir", str(tmp_path)]
    assert guarded(lambda: run(words)) == 0
    in_turn = [(engine, name) for engine in ENGINES for name in (BY_HAND, PIPELINE, ONE_MORE_DAY)]
    assert called == in_turn * 2
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["step", "polars", "spark", "spark", "/", "polars"] in lines
    assert ["pipeline", "bronze", "orders", "6.00", "20.00", "3.3"] in lines
    assert ["pipeline", "gates", "and", "transaction", "2.00", "2.00", "1.0"] in lines
    assert ["pipeline", "in", "all", "10.00", "22.00", "2.2"] in lines
    assert ["one", "more", "day", "in", "all", "1.00", "4.00", "4.0"] in lines
    assert any(line[-1:] == ["1.10"] and line[0] == "spark" for line in lines)


def test_one_engine_is_shown_step_by_step(
    called: list[tuple[str, str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert guarded(lambda: run(["bench", "--orders", "300", "--dir", str(tmp_path)])) == 0
    assert {engine for engine, _ in called} == {"polars"}
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["by", "hand"] in lines
    assert ["gold", "checks", "1.00"] in lines
    assert ["in", "all", "10.00", "1,000", "bytes"] in lines
    assert ["polars", GATES.split()[0]] == next(
        line for line in lines if "/" in line and "transaction" in line
    )[:2]


def test_a_bench_of_an_engine_that_is_not_there_says_so_at_once(
    called: list[tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simulator.cli.engines.find_spec", lambda _: None)
    assert guarded(lambda: run(["bench", "--engine", "both"])) == 2
    said = capsys.readouterr().err
    assert "Spark is not installed in this environment: pyspark is missing." in said
    assert called == []
