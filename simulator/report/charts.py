"""Where the marks of the pictures stand: numbers only, drawn by the templates.

Every picture is laid out twice, `WIDE` and `NARROW`, so that its letters have the same size on a
desk and on a phone; the style sheet shows the one that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from simulator.report.books import Run
from simulator.report.quality import LAYERS, Measured
from simulator.report.scale import date_ticks, short, ticks
from simulator.report.shop import Period

_MOST_BARS = 92
_MEAN_OF = 7
_CENTS = 100


@dataclass(frozen=True)
class Form:
    """The room for a picture, in the units of its letters' size."""

    name: str
    width: int
    height: int
    date_labels: int


WIDE = Form("wide", 1000, 300, 8)
NARROW = Form("narrow", 340, 230, 3)
FORMS = (WIDE, NARROW)


@dataclass(frozen=True)
class Plot:
    """The part of a picture that values are drawn in."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Its width."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Its height."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Mark:
    """A label on an axis, at a place along it."""

    at: float
    label: str


@dataclass(frozen=True)
class Rect:
    """A rectangle with what it says when pointed at, and the word that its colour follows."""

    x: float
    y: float
    width: float
    height: float
    kind: str = ""
    value: float = 0
    key: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class History:
    """Sales over time: bars while there are few, else a line with its seven-period mean.

    Attributes:
        form: The room.
        plot: Where the values are drawn.
        y_marks: Labels of the money axis.
        x_marks: Labels of the time axis.
        bars: One bar per period; empty when there is a line.
        area: Outline of the area under the line, as a path.
        line: The line, as a path.
        mean: The line of the mean of seven periods, as a path; empty when there are fewer.
    """

    form: Form
    plot: Plot
    y_marks: tuple[Mark, ...]
    x_marks: tuple[Mark, ...]
    bars: tuple[Rect, ...]
    area: str
    line: str
    mean: str


def history(periods: Sequence[Period], form: Form) -> History:
    """Lay out sales over time."""
    plot = Plot(46, 12, form.width - 6, form.height - 26)
    values = [period.sales / _CENTS for period in periods]
    marks = ticks(max(values, default=0))
    step = plot.width / max(len(values), 1)

    def x(place: float) -> float:
        return round(plot.left + step * (place + 0.5), 1)

    def y(value: float) -> float:
        return round(plot.bottom - plot.height * value / marks[-1], 1)

    few = len(values) <= _MOST_BARS
    gap = min(step * 0.24, 6)
    bars = [
        Rect(
            round(plot.left + step * n + gap / 2, 1),
            y(value),
            round(step - gap, 1),
            round(plot.bottom - y(value), 1),
        )
        for n, value in enumerate(values)
    ]
    points = [(x(n), y(value)) for n, value in enumerate(values)]
    line = path(points)
    area = f"{line}V{plot.bottom}H{points[0][0]}Z" if points else ""
    means = [
        (x(n), y(sum(values[n - _MEAN_OF + 1 : n + 1]) / _MEAN_OF))
        for n in range(_MEAN_OF - 1, len(values))
    ]
    return History(
        form=form,
        plot=plot,
        y_marks=tuple(Mark(y(value), short(value)) for value in marks),
        x_marks=_dates(plot, step, [period.start for period in periods], form),
        bars=tuple(bars) if few else (),
        area="" if few else area,
        line="" if few else line,
        mean=path(means) if len(values) > 2 * _MEAN_OF else "",
    )


def _dates(plot: Plot, step: float, days: Sequence[date], form: Form) -> tuple[Mark, ...]:
    return tuple(
        Mark(round(plot.left + step * (place + 0.5), 1), label)
        for place, label in date_ticks(days, form.date_labels)
    )


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return points as the text of an SVG path."""
    return "".join(f"{'L' if n else 'M'}{x:g} {y:g}" for n, (x, y) in enumerate(points))


@dataclass(frozen=True)
class Week:
    """Orders by weekday and hour, as a grid whose cells are the darker the more orders they have.

    Attributes:
        form: The room.
        height: Its height, which follows from the cells.
        cells: A square per weekday and hour; `value` is its share of the greatest one, `key` its
            weekday and hour.
        x_marks: Labels of the hours.
        y_marks: Labels of the weekdays.
    """

    form: Form
    height: int
    cells: tuple[Rect, ...]
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS = range(24)


def week(orders: dict[tuple[int, int], int], form: Form) -> Week:
    """Lay out the pattern of a week."""
    left, top = 34.0, 4.0
    width = (form.width - left) / len(HOURS)
    height = 26 if form is WIDE else 20
    greatest = max(orders.values(), default=0) or 1
    cells = [
        Rect(
            round(left + width * hour, 1),
            top + height * place,
            round(width - 2, 1),
            height - 2,
            value=round(orders.get((place + 1, hour), 0) / greatest, 2),
            key=(place + 1, hour),
        )
        for place in range(len(WEEKDAYS))
        for hour in HOURS
    ]
    every = 2 if form is WIDE else 6
    return Week(
        form=form,
        height=int(top + height * len(WEEKDAYS) + 20),
        cells=tuple(cells),
        x_marks=tuple(
            Mark(round(left + width * (hour + 0.5) - 1, 1), f"{hour:02}") for hour in HOURS[::every]
        ),
        y_marks=tuple(
            Mark(top + height * (n + 0.5) - 1, label) for n, label in enumerate(WEEKDAYS)
        ),
    )


@dataclass(frozen=True)
class Spark:
    """A small line without axes, and the point that it ends in."""

    width: int
    height: int
    line: str
    end: tuple[float, float]


def spark(values: Sequence[int]) -> Spark | None:
    """Lay out a small line from 0 to the greatest value; None for less than two values."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    width, height = 96, 24
    greatest = max(*values, 1)
    points = [
        (
            round(2 + (width - 6) * n / (len(values) - 1), 1),
            round(height - 3 - 18 * v / greatest, 1),
        )
        for n, v in enumerate(values)
    ]
    return Spark(width, height, path(points), points[-1])


FATES = ("taken", "superseded", "held", "rejected")


@dataclass(frozen=True)
class RunBars:
    """Rows of the latest runs as stacked bars, oldest first."""

    form: Form
    plot: Plot
    y_marks: tuple[Mark, ...]
    x_marks: tuple[Mark, ...]
    bars: tuple[Rect, ...]


def run_bars(runs: Sequence[Run], form: Form) -> RunBars:
    """Lay out what became of the rows of each run that took files in; `runs` latest first."""
    shown = [run for run in reversed(runs) if run.batch_id is not None]
    plot = Plot(46, 12, form.width - 6, form.height - 90)
    if form is NARROW:
        shown = shown[-20:]
        plot = Plot(46, 12, form.width - 6, form.height - 60)
    marks = ticks(max((sum(_parts(run)) for run in shown), default=0), 3)
    step = plot.width / max(len(shown), 1)
    gap, bars = min(step * 0.24, 6), []
    wide = min(step - gap, 60)
    for n, run in enumerate(shown):
        bottom = plot.bottom
        for fate, rows in zip(FATES, _parts(run), strict=True):
            height = plot.height * rows / marks[-1]
            if rows:
                x = plot.left + step * (n + 0.5) - wide / 2
                top = bottom - height
                bars.append(
                    Rect(round(x, 1), round(top, 1), round(wide, 1), round(height, 1), fate)
                )
                bottom = top
    every = max(1, -(-len(shown) // (form.date_labels * 2)))
    return RunBars(
        form=form,
        plot=plot,
        y_marks=tuple(
            Mark(round(plot.bottom - plot.height * value / marks[-1], 1), short(value))
            for value in marks
        ),
        x_marks=tuple(
            Mark(round(plot.left + step * (n + 0.5), 1), str(run.batch_id))
            for n, run in enumerate(shown)
            if n % every == 0
        ),
        bars=tuple(bars),
    )


def _parts(run: Run) -> tuple[int, int, int, int]:
    return run.taken, run.superseded, run.held, run.rejected


@dataclass(frozen=True)
class ScoreLine:
    """The scores of one layer, run by run."""

    layer: str
    line: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Scores:
    """Quality scores over time, between the lowest round percentage and 100 %."""

    form: Form
    plot: Plot
    y_marks: tuple[Mark, ...]
    x_marks: tuple[Mark, ...]
    lines: tuple[ScoreLine, ...]


_WHOLE = 10_000
_TENTH = 1_000


def scores(runs: Sequence[Measured], form: Form) -> Scores:
    """Lay out the quality scores; `runs` in order of time."""
    plot = Plot(46, 12, form.width - 12, form.height - 60)
    known = [s for run in runs for s in run.scores.values() if s is not None]
    low = min(_WHOLE - _TENTH, *(s // _TENTH * _TENTH for s in known)) if known else 0
    step = plot.width / max(len(runs), 1)
    lines = []
    for layer in LAYERS:
        points = [
            (
                round(plot.left + step * (n + 0.5), 1),
                round(plot.bottom - plot.height * (score - low) / (_WHOLE - low), 1),
            )
            for n, run in enumerate(runs)
            if (score := run.scores.get(layer)) is not None
        ]
        if points:
            lines.append(ScoreLine(layer, path(points), tuple(points)))
    every = max(1, -(-len(runs) // (form.date_labels * 2)))
    return Scores(
        form=form,
        plot=plot,
        y_marks=tuple(
            Mark(
                round(plot.bottom - plot.height * part / 4, 1),
                f"{(low + (_WHOLE - low) * part / 4) / _CENTS:.3g} %",
            )
            for part in (0, 2, 4)
        ),
        x_marks=tuple(
            Mark(round(plot.left + step * (n + 0.5), 1), str(run.batch_id or "·"))
            for n, run in enumerate(runs)
            if n % every == 0
        ),
        lines=tuple(lines),
    )
