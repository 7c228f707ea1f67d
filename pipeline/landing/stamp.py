"""What a run writes beside every row."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Stamp:
    """What a run writes beside every row that it takes in.

    Attributes:
        batch_id: Number of the run.
        run_time: The run's own time, UTC.
    """

    batch_id: int
    run_time: datetime
