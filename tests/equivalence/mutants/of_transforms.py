"""Errors in transforms: both engines make them, or one of them stumbles over what is left open."""

from tests.equivalence.mutants.planting import Mutant


def _gold(*names: str) -> tuple[str, ...]:
    return tuple(f"equivalence/test_gold.py::{name}" for name in names)


def _silver(*names: str) -> tuple[str, ...]:
    return tuple(f"equivalence/test_silver.py::{name}" for name in names)


_ARITHMETIC = "pipeline.transforms.arithmetic"
_READING = "pipeline.transforms.silver.reading"
_REASONS = "pipeline.transforms.silver.reasons"
_ARRIVAL = "pipeline.transforms.silver.arrival"
_REFERENCES = "pipeline.transforms.silver.references"
_QUARANTINE = "pipeline.transforms.silver.quarantine"
_ROWS = "pipeline.transforms.silver.rows"
_TALLY = "pipeline.transforms.silver.tally"
_REVENUE = "pipeline.transforms.gold.revenue"
_TABLES = "pipeline.transforms.gold.tables"
_CUSTOMERS = "pipeline.transforms.gold.customers"

MUTANTS = (
    # --- Arithmetic ---
    Mutant(
        "half-even",
        "A quotient is rounded by the engine, which on Polars takes a half to the even side.",
        _ARITHMETIC,
        "(doubled + divisor) // (divisor * 2)",
        "(doubled / (divisor * 2)).round(0).cast(nw.Int64)",
        _gold("test_division_rounds_half_away_from_zero[2]"),
    ),
    Mutant(
        "cut-off",
        "A quotient is cut off instead of rounded.",
        _ARITHMETIC,
        "(doubled + divisor) // (divisor * 2)",
        "doubled // (divisor * 2)",
        _gold("test_division_rounds_half_away_from_zero[2]"),
    ),
    Mutant(
        "divided-by-nothing",
        "A denominator of zero is taken for one.",
        _ARITHMETIC,
        "nw.when(denominator > 0).then(denominator)",
        "nw.when(denominator > 0).then(denominator).otherwise(1)",
        _gold("test_division_rounds_half_away_from_zero[2]"),
    ),
    Mutant(
        "null-is-not-null",
        "Two nulls are compared as two values.",
        _ARITHMETIC,
        "same = (left == right) | (left.is_null() & right.is_null())",
        "same = left == right",
        _gold("test_null_equals_null_only"),
    ),
    # --- Silver ---
    Mutant(
        "inclusive-end",
        "The first value that is too great is taken for the last that is not.",
        _READING,
        "too_great = value >= nw.lit(column.below)",
        "too_great = value > nw.lit(column.below)",
        _silver("test_text_is_read_and_held_against_its_rules[orders]"),
    ),
    Mutant(
        "exclusive-minimum",
        "The smallest accepted value is refused.",
        _READING,
        "out = value < nw.lit(column.minimum)",
        "out = value <= nw.lit(column.minimum)",
        _silver("test_text_is_read_and_held_against_its_rules[orders]"),
    ),
    Mutant(
        "only-the-end-counts",
        "A column with two bounds is held against the second only.",
        _READING,
        "too_great if out is None else out | too_great",
        "too_great",
        _silver("test_text_is_read_and_held_against_its_rules[orders]"),
    ),
    Mutant(
        "missing-with-others",
        "A row of a wrong field count is told to miss every value, too.",
        _READING,
        "problems = nw.when(wrong_field_count).then(bit(entity, ROW_MALFORMED)).otherwise(found)",
        "row_malformed = nw.when(wrong_field_count).then(bit(entity, ROW_MALFORMED)).otherwise(0)\n"
        "    problems = found + row_malformed",
        _silver("test_text_is_read_and_held_against_its_rules[orders]"),
    ),
    Mutant(
        "reasons-unsorted",
        "Reasons come in the order of the columns.",
        _REASONS,
        "tuple(sorted([*codes, ROW_MALFORMED]))",
        "tuple([*codes, ROW_MALFORMED])",
        _silver("test_problems_are_told_by_their_codes[order_items]"),
    ),
    Mutant(
        "waits-in-vain",
        "A row that waits for a reference is held, whatever else is wrong with it.",
        _REASONS,
        "(nw.col(PROBLEMS) == nw.sum_horizontal(nw.lit(0), *waits_for))",
        "(nw.sum_horizontal(nw.lit(0), *waits_for) > 0)",
        _silver("test_problems_are_told_by_their_codes[order_items]"),
    ),
    Mutant(
        "unstable-latest",
        "Of a key's rows any one is kept.",
        _ARRIVAL,
        '\n        subset=[entity.key], keep="last", order_by=list(SEQUENCE)\n',
        '\n        subset=[entity.key], keep="any"\n',
        _silver("test_of_the_valid_rows_of_a_key_the_latest_counts[order_items]"),
    ),
    Mutant(
        "files-out-of-order",
        "Later is told by batch and row number, whatever file a row is from.",
        _ARRIVAL,
        '\n        subset=[entity.key], keep="last", order_by=list(SEQUENCE)\n',
        '\n        subset=[entity.key], keep="last", order_by=["batch_id", "source_row"]\n',
        _silver("test_of_the_valid_rows_of_a_key_the_latest_counts[order_items]"),
    ),
    Mutant(
        "displaced-takes-part",
        "A row that was displaced while it waited comes back.",
        _ARRIVAL,
        "valid.filter(~nw.col(DISPLACED)).unique(",
        "valid.unique(",
        _silver("test_of_the_valid_rows_of_a_key_the_latest_counts[order_items]"),
    ),
    Mutant(
        "as-late-is-later",
        "A rival from the same file displaces a row that came after it.",
        _ARRIVAL,
        "nw.col(other) > nw.col(column)",
        "nw.col(other) >= nw.col(column)",
        _silver("test_held_rows_with_a_later_rival_are_displaced[order_items]"),
    ),
    Mutant(
        "null-change",
        "A value that comes or goes is compared with null, which says neither yes nor no.",
        _ARRIVAL,
        "equal_or_both_null(nw.col(c), nw.col(before(c)))",
        "nw.col(c) == nw.col(before(c))",
        _silver("test_rows_are_compared_with_silver[order_items]"),
    ),
    Mutant(
        "null-join-key",
        "A row without a reference is looked up as that of number 0.",
        _REFERENCES,
        "rows = rows.join(",
        "rows = rows.with_columns(nw.col(reference.column).fill_null(0)).join(",
        _silver("test_rows_with_unknown_references_wait[order_items]"),
    ),
    Mutant(
        "inner-lookup",
        "A row whose reference is unknown is lost in the join.",
        _REFERENCES,
        'reference.column, "left")',
        'reference.column, "inner")',
        _silver("test_rows_with_unknown_references_wait[order_items]"),
    ),
    Mutant(
        "unequal-to-null",
        "A copy is compared with what was not found.",
        _REFERENCES,
        "~equal_or_both_null(nw.col(column), nw.col(of_reference(reference.entity, column)))",
        "nw.col(column) != nw.col(of_reference(reference.entity, column))",
        _silver("test_rows_with_unknown_references_wait[order_items]"),
    ),
    Mutant(
        "null-flag",
        "A flag that only some rows got from a join is null for the others.",
        _QUARANTINE,
        'nw.col("now_displaced").fill_null(nw.lit(value=False))',
        'nw.col("now_displaced")',
        _silver("test_rows_with_problems_go_to_quarantine_as_delivered[order_items]"),
    ),
    Mutant(
        "old-reasons",
        "A row that was tried again and waits for something else keeps its old reasons.",
        _QUARANTINE,
        '        | (nw.col("now_reasons") != nw.col("reasons"))\n',
        "",
        _silver("test_rows_that_were_tried_again_tell_what_became_of_them[order_items]"),
    ),
    Mutant(
        "week-begins-on-sunday",
        "The engine's own number of the weekday is taken; on Spark Sunday is 0.",
        _ROWS,
        "placed.weekday().cast(nw.Int32) + 6) % 7 + 1",
        "placed.weekday().cast(nw.Int32))",
        _silver("test_silver_rows_know_day_and_hour[orders]"),
    ),
    Mutant(
        "product-twice",
        "A product whose content and activity both change is written twice.",
        _ROWS,
        'silver.join(content.select(PRODUCTS.key), PRODUCTS.key, "anti")',
        "silver",
        _silver("test_products_change_by_content_and_by_being_listed"),
    ),
    Mutant(
        "listed-twice",
        "A product that a catalogue names twice is listed twice.",
        _ROWS,
        ".select(PRODUCTS.key).unique()",
        ".select(PRODUCTS.key)",
        _silver("test_a_catalogue_lists_the_products_of_its_valid_rows"),
    ),
    Mutant(
        "square-overflow",
        "Squares of amounts are summed in 64 bits, as if amounts were small.",
        _TALLY,
        "(high * high).sum()",
        "((amount * amount).sum() // _SPLIT**2)",
        _silver("test_amounts_and_their_squares_are_summed"),
    ),
    Mutant(
        "bound-is-outside",
        "An amount on the bound counts as one beyond it.",
        _TALLY,
        "(amount > nw.lit(highest))",
        "(amount >= nw.lit(highest))",
        _silver("test_amounts_out_of_bounds_are_counted"),
    ),
    # --- Gold ---
    Mutant(
        "rank-ties",
        "Items of the same place in the cart share the left-over cents as chance will have it.",
        _REVENUE,
        'order_by=["add_to_cart_order", "id"]',
        'order_by=["add_to_cart_order"]',
        _gold("test_revenue_is_shared_to_the_cent"),
    ),
    Mutant(
        "lost-cent",
        "The last of the left-over cents goes to nobody.",
        _REVENUE,
        'nw.col("place") <= nw.col("total_amount")',
        'nw.col("place") < nw.col("total_amount")',
        _gold("test_revenue_is_shared_to_the_cent"),
    ),
    Mutant(
        "float-share",
        "An order's total is shared in floating point.",
        _REVENUE,
        '(nw.col("total_amount") // nw.col("count") + extra)',
        '((nw.col("total_amount") / nw.col("count")).round(0).cast(nw.Int64))',
        _gold("test_revenue_is_shared_to_the_cent"),
    ),
    Mutant(
        "orders-of-items",
        "A product's orders are counted once for each item.",
        _REVENUE,
        'group_by("date", "product_id").agg(\n        nw.len().cast(nw.Int64).alias("items"),\n'
        '        nw.col("order_id").n_unique()',
        'group_by("date", "product_id").agg(\n        nw.len().cast(nw.Int64).alias("items"),\n'
        '        nw.col("order_id").count()',
        _gold("test_items_are_summed_by_day_and_product"),
    ),
    Mutant(
        "unknown-days-count",
        "A mean counts the values that are not known.",
        _REVENUE,
        "days.count()",
        "nw.len()",
        _gold("test_items_are_summed_by_day_and_product"),
    ),
    Mutant(
        "32-bit-sum",
        "Flags are summed in the 32 bits that they are kept in.",
        _REVENUE,
        'nw.col("reordered").cast(nw.Int64).sum()',
        'nw.col("reordered").sum()',
        _gold("test_items_are_summed_by_day_and_product"),
    ),
    Mutant(
        "float-mean",
        "A mean is taken in floating point and rounded then.",
        _TABLES,
        'divide_half_up(nw.col("sum_days"), nw.col("known_days"), scale=2)',
        'nw.when(nw.col("known_days") > 0).then('
        '(nw.col("sum_days") / nw.col("known_days") * 100 + 0.5).floor().cast(nw.Int64))',
        _gold("test_items_are_summed_by_product"),
    ),
    Mutant(
        "unsold-is-unknown",
        "A product that was never sold has null items instead of none.",
        _TABLES,
        "return every.with_columns(*(nw.col(name).fill_null(0) for name in sums)).with_columns(",
        "return every.with_columns(",
        _gold("test_items_are_summed_by_product"),
    ),
    Mutant(
        "gone-products-count",
        "A department counts the products that it does not have any more.",
        _TABLES,
        'nw.col("is_active").cast(nw.Int64).sum()',
        "nw.len().cast(nw.Int64)",
        _gold("test_items_are_summed_by_department"),
    ),
    Mutant(
        "silent-departments",
        "A department that sells nothing is left out.",
        _TABLES,
        'listed.join(bought, "department", "left")',
        'listed.join(bought, "department", "inner")',
        _gold("test_items_are_summed_by_department"),
    ),
    Mutant(
        "visits-for-customers",
        "A department's customers are counted once for each day.",
        _TABLES,
        'nw.col("user_id").n_unique().cast(nw.Int64).alias("customer_count")',
        'nw.col("user_id").count().cast(nw.Int64).alias("customer_count")',
        _gold("test_items_are_summed_by_department"),
    ),
    Mutant(
        "days-before-30",
        "A customer of exactly 30 days ago is not active any more.",
        _CUSTOMERS,
        "(days <= _ACTIVE_DAYS)",
        "(days < _ACTIVE_DAYS)",
        _gold("test_orders_are_summed_by_customer"),
    ),
    Mutant(
        "loyal-at-ten",
        "Ten orders make a loyal customer, which takes eleven.",
        _CUSTOMERS,
        "orders > _LOYAL_ORDERS",
        "orders >= _LOYAL_ORDERS",
        _gold("test_orders_are_summed_by_customer"),
    ),
    Mutant(
        "first-segment-wins",
        "Of the segments that fit the last one is taken.",
        _CUSTOMERS,
        "in reversed(rules)",
        "in rules",
        _gold("test_orders_are_summed_by_customer"),
    ),
    Mutant(
        "days-in-the-future",
        "An order after the day that is asked about is a negative number of days ago.",
        _CUSTOMERS,
        "nw.when(since > 0).then(since).otherwise(0)",
        "since",
        _gold("test_orders_are_summed_by_customer"),
    ),
    Mutant(
        "no-favourite-no-customer",
        "A customer whose orders have no items is left out.",
        _CUSTOMERS,
        '.join(favorite, "user_id", "left")',
        '.join(favorite, "user_id", "inner")',
        _gold("test_orders_are_summed_by_customer"),
    ),
)
