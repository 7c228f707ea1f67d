"""The named queries: they are Athena's, they say what they answer, and a wrong file is told."""

import pytest
import sqlglot

from pipeline.queries import NamedQuery, named_queries, read_query
from tests.questions import ANSWERS
from tests.unit.sql.tools import translated

QUERIES = named_queries()
GOOD = """\
-- name: sales
-- title: Sales
-- description: What was sold,
--   day by day.
-- columns:
--   date: UTC date
--   sales: shop currency,
--     to the cent
SELECT date, total_sales AS sales FROM gold.daily_sales -- as it is
"""


@pytest.mark.parametrize("query", QUERIES, ids=[query.name for query in QUERIES])
def test_query_is_athenas_and_answers_what_it_says(query: NamedQuery) -> None:
    parsed = sqlglot.parse(query.sql, read="athena")
    assert [type(each).__name__ for each in parsed] == ["Select"]
    assert [field.name for field in translated(query.sql).fields] == list(query.columns)
    assert query.description.endswith(".")
    assert not query.title.endswith(".")


def test_every_query_is_worked_out_elsewhere() -> None:
    assert {query.name for query in QUERIES} == set(ANSWERS)


def test_a_file_is_read() -> None:
    assert read_query("sales", GOOD) == NamedQuery(
        name="sales",
        title="Sales",
        description="What was sold, day by day.",
        columns={"date": "UTC date", "sales": "shop currency, to the cent"},
        sql="SELECT date, total_sales AS sales FROM gold.daily_sales -- as it is",
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("-- title: Sales\n", "", "has to begin with the comments"),
        ("-- title: Sales\n", "-- title:\n", "has to begin with the comments"),
        ("-- title: Sales\n", "-- title: Sales\n-- owner: me\n", "has to begin with the comments"),
        ("-- name: sales\n", "-- name: other\n", "calls itself 'other'"),
        ("--   date: UTC date\n", "--   date\n", "no `column: meaning`"),
        ("--   date: UTC date\n", "--   sales: twice\n", "is there twice"),
    ],
)
def test_a_wrong_file_is_told(old: str, new: str, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=reason):
        read_query("sales", GOOD.replace(old, new))
