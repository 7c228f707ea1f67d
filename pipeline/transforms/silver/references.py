"""References: rows whose order or product is not known yet wait in quarantine."""

from collections.abc import Mapping

import narwhals.stable.v2 as nw

from pipeline.contracts.model import UNKNOWN_REFERENCE, Entity, Reference
from pipeline.portable import Frame
from pipeline.transforms.arithmetic import equal_or_both_null
from pipeline.transforms.silver.reasons import PROBLEMS, bit

DIFFERS = "differs_from_reference"


def of_reference(entity: str, column: str) -> str:
    """Return the name under which a row carries a column of the row that it refers to."""
    return f"{entity}__{column}"


def check_references(rows: Frame, entity: Entity, silver: Mapping[str, Frame]) -> Frame:
    """Look every reference up and hold the rows whose reference is unknown.

    Only rows without any other problem are checked: a row that can never be valid waits for
    nothing.

    Args:
        rows: Rows as `read_rows` gives them.
        entity: The contract.
        silver: Silver tables by entity name; those that the entity refers to are needed.

    Returns:
        The rows, same grain, with the bits of unknown references added to `problems`, the columns
        of the referred rows that the contract compares (`of_reference`), and
        `differs_from_reference`: whether one of those differs from the row's own copy.
    """
    for reference in entity.references:
        rows = rows.join(_looked_up(silver[reference.entity], reference), reference.column, "left")
    unknown = [
        nw.when((nw.col(PROBLEMS) == 0) & nw.col(_known(reference)).is_null())
        .then(bit(entity, f"{reference.column}:{UNKNOWN_REFERENCE}"))
        .otherwise(0)
        for reference in entity.references
    ]
    differs = [
        ~equal_or_both_null(nw.col(column), nw.col(of_reference(reference.entity, column)))
        for reference in entity.references
        for column in reference.same
    ]
    return rows.with_columns(
        nw.sum_horizontal(PROBLEMS, *unknown).alias(PROBLEMS),
        (nw.any_horizontal(*differs, ignore_nulls=False) if differs else nw.lit(value=False)).alias(
            DIFFERS
        ),
    ).drop([_known(reference) for reference in entity.references])


def _known(reference: Reference) -> str:
    return of_reference(reference.entity, "known")


def _looked_up(silver: Frame, reference: Reference) -> Frame:
    return silver.select(
        nw.col(reference.column),
        *(
            nw.col(column).alias(of_reference(reference.entity, column))
            for column in reference.same
        ),
        nw.lit(value=True).alias(_known(reference)),
    )
