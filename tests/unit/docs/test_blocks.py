"""What generated blocks say, read back from the pages, is what contracts and workflow declare."""

import re
import tomllib
from pathlib import Path

import pytest

from pipeline.contracts import ENTITIES, TABLES, Table
from pipeline.quality.thresholds import read_thresholds
from pipeline.transforms.gold.derivations import DERIVATIONS
from pipeline.transforms.silver.reasons import reason_codes
from pipeline.workflow import WORKFLOW, Outcome
from tests.documents import ROOT, fences

MODEL = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
QUALITY = (ROOT / "docs" / "data-quality.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one."""
    return page.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of a text's table rows, without its heading."""
    lines = [line.strip("| ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines[2:]]


@pytest.mark.parametrize(
    "table",
    [table for table in TABLES if table.layer not in {"bronze", "quarantine"}],
    ids=lambda table: table.path,
)
def test_a_table_is_described_column_by_column(table: Table) -> None:
    said = rows(section(MODEL, f"### {table.path}"))
    assert [row[0].strip("*`") for row in said] == list(table.column_names)
    assert [row[1] for row in said] == [column.type.storage for column in table.columns]
    assert [row[2] == "yes" for row in said] == [not column.required for column in table.columns]
    assert {row[0].strip("*`") for row in said if row[0].startswith("**")} == set(table.key)


@pytest.mark.parametrize("layer", ["bronze", "quarantine"])
def test_text_layers_are_described_by_what_they_add(layer: str) -> None:
    said = [row[0].strip("*`") for row in rows(section(MODEL, f"## {layer.capitalize()}"))]
    for entity in ENTITIES:
        (table,) = (t for t in TABLES if t.path == f"{layer}/{entity.name}")
        assert table.column_names == (*entity.column_names, *said)


def test_every_table_has_its_layout() -> None:
    said = {
        row[0].strip("`"): row[4:] for row in rows(section(MODEL, "## Keys, partitions, retention"))
    }
    assert said == {
        table.path: [f"{table.retention_days} days", f"{table.target_file_mb} MB"]
        for table in TABLES
    }


def test_the_rules_name_every_reason_of_every_column() -> None:
    rules = section(QUALITY, "## Rules").split("<!-- end rules -->")[0]
    said = {
        (entity.strip("`"), f"{column.strip('`')}:{reason}")
        for entity, column, _, _, reasons in rows(rules)
        for reason in re.findall(r"`(\w+)`", reasons)
    }
    codes = {(entity.name, code) for entity in ENTITIES for code in reason_codes(entity)}
    # That a row cannot be divided into its fields is no fault of a column.
    assert said == {(entity, code) for entity, code in codes if code != "row:malformed"}


def test_the_thresholds_that_are_shown_can_be_used(tmp_path: Path) -> None:
    page = ROOT / "docs" / "data-quality.md"
    (shown,) = (fence.content for fence in fences(page) if fence.language == "toml")
    file = tmp_path / "thresholds.toml"
    file.write_text(shown, encoding="utf-8")
    assert set(read_thresholds(file).overrides) == set(tomllib.loads(shown))


def diagram(page: str, kind: str) -> list[str]:
    """Return the lines of the page's first diagram of a kind."""
    found = (f.content for f in fences(ROOT / "docs" / page) if f.content.startswith(kind))
    return next(found).splitlines()


def test_the_relations_are_the_references() -> None:
    lines = diagram("data-model.md", "erDiagram")
    said = set(re.findall(r"silver_(\w+) \|\|--o\{ silver_(\w+) : (\w+)", "\n".join(lines)))
    assert said == {(r.entity, e.name, r.column) for e in ENTITIES for r in e.references}


def test_the_derivations_are_drawn() -> None:
    lines = diagram("data-model.md", "flowchart")
    said = {tuple(re.split(" -+> ", line.strip())) for line in lines if "->" in line}
    assert said == {
        (f"{s.layer}_{s.name}", f"{d.table.layer}_{d.table.name}")
        for d in DERIVATIONS
        for s in d.sources
    }


def test_the_state_machine_has_every_way_and_no_other() -> None:
    """An arrow that leaves a box stands for one from each state within it."""
    boxes: dict[str, list[str]] = {}
    ways: set[tuple[str, str, str]] = set()
    within = ""
    for line in diagram("etl-processes.md", "stateDiagram-v2")[1:]:
        if box := re.match(r' +state ".*" as (\w+) \{', line):
            within = box[1]
        elif line.strip() == "}":
            within = ""
        elif way := re.match(r" +(\S+) --> (\S+?)(?:: (.*))?$", line):
            ways.add((way[1], way[2], way[3] or "done"))
            if within:
                boxes.setdefault(within, []).extend([way[1], way[2]])
    said = {
        (state, target, word)
        for source, target, words in ways
        if "[*]" not in {source, target}
        for state in boxes.get(source, [source])
        for word in words.split(" or ")
    }
    declared = {
        (str(state.step), str(target), outcome.replace("_", " "))
        for state in WORKFLOW
        for outcome, target in state.then.items()
    }
    failures = {
        (str(state.step), str(state.on_failure), "failed")
        for state in WORKFLOW
        if state.on_failure is not state.then[Outcome.DONE]
    }
    assert declared <= said
    assert failures <= said
    # A box says of all its states what only some of them may do: be blocked.
    assert {way for way in said - declared - failures if way[2] != "blocked"} == set()
