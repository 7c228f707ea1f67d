"""The header (sections 1 and 9): which column is which, and what is refused."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.landing.tools import ENTITY, NAMES, PRODUCTS_HEADER, products, refused, take

SPACE = " \t\v\f"


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_header_in_any_order(order: tuple[int, ...]) -> None:
    cells = ["1", "2", "a", "b"]
    text = "\n".join(",".join(row[i] for i in order) for row in (NAMES, cells))
    assert take(text).shown() == [tuple(cells)]


@given(st.data())
def test_header_in_any_case_with_outer_spaces(data: st.DataObject) -> None:
    names = [
        data.draw(st.text(SPACE, max_size=2))
        + "".join(data.draw(st.sampled_from([c, c.upper()])) for c in name)
        + data.draw(st.text(SPACE, max_size=2))
        for name in NAMES
    ]
    assert take(f"{','.join(names)}\n1,2,a,b\n").shown() == [("1", "2", "a", "b")]


def test_header_with_quotes() -> None:
    assert take('"product_id"," DEPARTMENT_ID ",department,"product_name"\n1,2,a,b\n').shown() == [
        ("1", "2", "a", "b")
    ]


def test_header_with_quoted_line_break_in_an_unknown_name() -> None:
    taken = take(f'{PRODUCTS_HEADER},"size\r\nin cm"\r\n1,2,a,b,9\r\n')
    assert json.loads(taken.rows[1]["extra_columns"]) == {"size\r\nin cm": "9"}


def test_header_case_is_ascii_only() -> None:
    long_s = "u\u017fer_id"
    assert long_s.upper() == "USER_ID"
    names = ",".join(ENTITY["orders"].column_names).replace("user_id", long_s)
    refusal = refused(f"{names}\n1,1,1,1,1,1\n", "orders.csv")
    assert refusal.check == "header"
    assert "lacks user_id;" in refusal.reason


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u0085", "\ufeff"])
def test_header_outer_spaces_are_ascii_only(space: str) -> None:
    refusal = refused(f"product_id{space},department_id,department,product_name\n1,2,a,b\n")
    assert refusal.check == "header"
    assert "product_id" in refusal.reason


@pytest.mark.parametrize("entity", ENTITY)
def test_missing_column_refuses_even_the_optional_one(entity: str) -> None:
    names = ENTITY[entity].column_names
    for missing in names:
        left = [name for name in names if name != missing]
        text = f"{','.join(left)}\n{','.join('1' for _ in left)}\n"
        refusal = refused(text, f"{entity}.csv")
        assert refusal.check == "header"
        assert f"lacks {missing};" in refusal.reason


def test_known_column_twice_is_refused() -> None:
    refusal = refused(f"{PRODUCTS_HEADER},Product_ID \n1,2,a,b,1\n")
    assert refusal.check == "header"
    assert "product_id more than once" in refusal.reason


def test_wrong_separator_is_refused_with_what_was_got() -> None:
    refusal = refused(products("1;2;a;b").replace(",", ";"))
    assert refusal.check == "header"
    assert PRODUCTS_HEADER.replace(",", ";") in refusal.reason


def test_no_header_at_all_is_refused() -> None:
    refusal = refused("1,2,a,b\n2,2,a,c\n")
    assert refusal.check == "header"
    assert '["1", "2", "a", "b"]' in refusal.reason


def test_unknown_columns_are_kept_as_json_exactly() -> None:
    odd = ' sp\té"x"\\ \u2028\x01😀, '
    quoted = '"' + odd.replace('"', '""') + '"'
    taken = take(f"note,{PRODUCTS_HEADER},Größe ü, Zahl \n{quoted},1,2,a,b,,007\n,1,2,a,b,x,\n")
    assert [json.loads(row["extra_columns"]) for row in taken.rows.values()] == [
        {"note": odd, "Größe ü": "", "Zahl": "007"},
        {"note": "", "Größe ü": "x", "Zahl": ""},
    ]
    assert taken.shown() == [("1", "2", "a", "b")] * 2


def test_without_unknown_columns_there_is_no_json() -> None:
    assert take(products("1,2,a,b")).rows[1]["extra_columns"] is None


def test_row_with_wrong_field_count_has_no_values_of_unknown_columns() -> None:
    taken = take(f"{PRODUCTS_HEADER},note\n1,2,a,b\n1,2,a,b,c\n")
    assert taken.shown() == ["1,2,a,b", ("1", "2", "a", "b")]
    assert [row["extra_columns"] for row in taken.rows.values()] == [None, '{"note": "c"}']


@pytest.mark.parametrize(
    "names",
    [
        ["", ""],
        ["x", "x"],
        ["x", "x", "x"],
        ["x", "X"],
        ["x", "x", "x#5", "x#6"],
        ["x#5", "x", "x"],
        ["x#6", "x#7", "x", "x"],
        ["", "column#5"],
        ["column#6", ""],
        ["", "column#5", "column#5", ""],
        ["x#6#6", "x", "x", "x#6"],
    ],
)
def test_no_unknown_column_hides_another(names: list[str]) -> None:
    values = [f"v{i}" for i, _ in enumerate(names)]
    taken = take(f"{PRODUCTS_HEADER},{','.join(names)}\n1,2,a,b,{','.join(values)}\n")
    kept = json.loads(taken.rows[1]["extra_columns"], object_pairs_hook=list)
    assert [value for _, value in kept] == values
    assert len({name for name, _ in kept}) == len(names)
    for (kept_name, _), name in zip(kept, names, strict=True):
        assert kept_name.startswith(name or "column")


@given(st.lists(st.sampled_from(["", "x", "x#5", "x#6", "x#7", "column", "column#5", "x#6#6"])))
def test_unknown_columns_are_as_many_as_delivered(names: list[str]) -> None:
    """Law: whatever the header calls them, every value of an unknown column is kept."""
    values = [f"v{i}" for i, _ in enumerate(names)]
    taken = take(f"{','.join([*NAMES, *names])}\n{','.join(['1', '2', 'a', 'b', *values])}\n")
    kept = json.loads(taken.rows[1]["extra_columns"] or "{}")
    assert sorted(kept.values()) == sorted(values)


def test_hundreds_of_unknown_columns_are_accepted() -> None:
    more = [f"c{i}" for i in range(500)]
    taken = take(f"{PRODUCTS_HEADER},{','.join(more)}\n1,2,a,b{',x' * 500}\n")
    assert json.loads(taken.rows[1]["extra_columns"]) == dict.fromkeys(more, "x")


def test_unknown_columns_that_would_make_every_row_huge_are_refused() -> None:
    more = ",".join(f"{i:0200}" for i in range(60))
    refusal = refused(f"{PRODUCTS_HEADER},{more}\n1,2,a,b{',' * 60}\n")
    assert refusal.check == "header"
    assert "60 unknown columns" in refusal.reason


def test_ten_thousand_columns_are_refused() -> None:
    more = ",".join(f"c{i}" for i in range(10_000))
    refusal = refused(f"{PRODUCTS_HEADER},{more}\n1,2,a,b{',x' * 10_000}\n")
    assert refusal.check == "header"
    assert "10004 columns" in refusal.reason


def test_name_as_long_as_a_page_is_refused() -> None:
    refusal = refused(f"{PRODUCTS_HEADER},{'n' * 100_000}\n{',,,,' * 10}\n")
    assert refusal.check == "header"
    assert "100,000 characters" in refusal.reason
    assert len(refusal.reason) < 1_000


def test_name_of_255_characters_is_accepted() -> None:
    name = "é" * 255
    taken = take(f"{PRODUCTS_HEADER},{name}\n1,2,a,b,c\n")
    assert json.loads(taken.rows[1]["extra_columns"]) == {name: "c"}


@pytest.mark.parametrize(
    "text",
    [
        f'{PRODUCTS_HEADER},"note\n1,2,a,b,c\n',
        f'"{PRODUCTS_HEADER}\n1,2,a,b\n',
        f'{PRODUCTS_HEADER},"note\n' + "1,2,a,b,c\n" * 60_000,
        f'"{PRODUCTS_HEADER}\n' + "1,2,a,b\n" * 200_000,
        PRODUCTS_HEADER + "," * 400_000 + "\n1,2,a,b\n",
    ],
    ids=["last", "first", "last-of-big", "first-of-big", "endless"],
)
def test_header_that_does_not_end_is_refused(text: str) -> None:
    assert refused(text).check in {"header", "empty", "line"}


def test_blank_lines_before_the_header_are_passed_over() -> None:
    assert take("\n\r\n\n" + products("1,2,a,b")).shown() == [("1", "2", "a", "b")]
