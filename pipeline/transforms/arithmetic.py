"""Integer arithmetic that both engines answer alike."""

import narwhals.stable.v2 as nw


def divide_half_up(numerator: nw.Expr, denominator: nw.Expr, *, scale: int = 0) -> nw.Expr:
    """Return numerator * 10^scale / denominator, rounded half away from zero.

    Both are integers of at least zero, the denominator may be zero or null (the result is null),
    and 2 * numerator * 10^scale stays below 2^52: within it every engine's floor division is exact.
    """
    divisor = nw.when(denominator > 0).then(denominator)
    doubled = numerator * (2 * 10**scale)
    quotient: nw.Expr = (doubled + divisor) // (divisor * 2)
    return quotient


def equal_or_both_null(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    """Return whether two values are equal, null being equal to null only."""
    same = (left == right) | (left.is_null() & right.is_null())
    return nw.when(same).then(nw.lit(value=True)).otherwise(nw.lit(value=False))
