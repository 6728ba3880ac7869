"""Small plots as SVG, which escapes every text that it is given, runs no script and loads nothing.

Lengths are in units of half a pixel, so that whole numbers are fine enough. Colours and fonts are those of
`templates/plot.css`, by the classes that are named there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from slugline.report.svg_text import draw_text, text_width, to_xml, two_lines, wrap

WIDTH = 520  # of a panel
_RIGHT, _TOP, _BELOW = 20, 48, 40  # margins of the area that is drawn in
_LINE = 30  # height of a line of text
_BOLD = 0.8  # titles are larger and bold: as much less text fits
_MAX_TICKS = 4


@dataclass(frozen=True)
class Axis:
    """What an axis shows: from `low` to `high`, with ticks at values, by default at a few round numbers."""

    low: float
    high: float
    label: str = ""
    ticks: Sequence[tuple[float, str]] | None = None

    def place(self, values: np.ndarray | float) -> np.ndarray:
        """Return where values are, from 0 to 1; what is beyond an end is at the end, and NaN stays."""
        return np.clip((np.asarray(values, float) - self.low) / ((self.high - self.low) or 1.0), 0, 1)

    def marks(self) -> Sequence[tuple[float, str]]:
        """Return where the ticks are, and their texts."""
        return _round_ticks(self.low, self.high) if self.ticks is None else self.ticks


class Panel:
    """A small plot with a title and two axes, to be drawn into; in a Jinja2 template it stands for its SVG.

    Parameters
    ----------
    title : str
        Of any length and script; in two lines where it does not fit into one.
    x, y : Axis
        The scales.
    left : int, default 84
        Space for the texts of the y axis.
    height : int, default 400
        Of all of it, a second line of the title aside.
    grid : bool, default True
        Whether a line crosses the panel at each tick.
    """

    def __init__(self, title: str, x: Axis, y: Axis, *, left: int = 84, height: int = 400, grid: bool = True) -> None:
        lines = two_lines(title, _BOLD * (WIDTH - 2 * _RIGHT))
        more = _LINE * (len(lines) - 1)
        self.title, self.height, self._top = title, height + more, _TOP + more
        self._x, self._y, self._left, self._bottom = x, y, left, self.height - _BELOW - (34 if x.label else 0)
        places = enumerate(lines)
        self._parts = [
            draw_text(WIDTH / 2, 30 + _LINE * n, line, _BOLD * (WIDTH - 2 * _RIGHT), "title") for n, line in places
        ]
        self._parts += self._draw_axes(grid)

    def line(self, x: np.ndarray, y: np.ndarray, css: str) -> None:
        """Draw a line through points; it is broken at NaN."""
        self._parts.append(f'<path class="line {css}" d="{_path(*self._places(x, y))}"/>')

    def steps(self, x: np.ndarray, y: np.ndarray, css: str) -> None:
        """Draw a line that has each `y` from the `x` before on."""
        self.line(np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:], css)

    def points(self, x: np.ndarray, y: np.ndarray, css: str) -> None:
        """Draw dots; none at NaN."""
        for across, down in zip(*self._places(x, y), strict=True):
            if np.isfinite(across + down):
                self._parts.append(f'<circle class="{css}" cx="{across:.0f}" cy="{down:.0f}" r="6"/>')

    def band(self, x: np.ndarray, low: np.ndarray, high: np.ndarray, css: str) -> None:
        """Fill what is between two lines, broken where one of them is NaN."""
        known = np.isfinite(low + high)
        for run in _runs(known):
            across, down = self._places(np.r_[x[run], x[run][::-1]], np.r_[low[run], high[run][::-1]])
            self._parts.append(f'<path class="{css}" d="{_path(across, down)}z"/>')

    def intervals(self, x: np.ndarray, low: np.ndarray, high: np.ndarray, css: str) -> None:
        """Draw an upright line from `low` to `high` at each `x`."""
        for across, bottom, top in zip(*self._places(x, low), self._places(x, high)[1], strict=True):
            if np.isfinite(bottom + top):
                self._parts.append(f'<path class="line {css}" d="M{across:.0f} {bottom:.0f}V{top:.0f}"/>')

    def rule(self, css: str, *, x: float | None = None, y: float | None = None) -> None:
        """Draw a line across the panel at a value of one of the axes, or from corner to corner."""
        ends = [self._x.low, self._x.high], [self._y.low, self._y.high]
        self.line(np.array([x, x] if x is not None else ends[0]), np.array([y, y] if y is not None else ends[1]), css)

    def bars(self, names: Sequence[str], values: np.ndarray, css: str) -> None:
        """Draw a bar from 0 for each name, the first on top, where the y axis goes from a number of rows to 0."""
        zero = self._places(np.zeros(1), np.zeros(1))[0][0]
        thick = 0.7 * (self._bottom - self._top) / (self._y.low - self._y.high)
        ends, middles = self._places(values, np.arange(len(names)) + 0.5)
        for name, end, middle in zip(names, ends, middles, strict=True):
            self._parts.append(draw_text(self._left - 10, middle + 7, name, self._left - 26, "end"))
            place = f'x="{min(zero, end):.0f}" y="{middle - thick / 2:.0f}"'
            self._parts.append(f'<rect class="{css}" {place} width="{abs(end - zero):.0f}" height="{thick:.0f}"/>')

    def cells(self, shares: np.ndarray, texts: np.ndarray) -> None:
        """Draw a table, the first row on top, each cell shaded by its share, from 0 to 1."""
        rows, columns = shares.shape
        wide, high = (WIDTH - _RIGHT - self._left) / columns, (self._bottom - self._top) / rows
        for row, column in np.ndindex(rows, columns):
            x, y, share = self._left + column * wide, self._top + row * high, shares[row, column]
            place = f'x="{x:.0f}" y="{y:.0f}" width="{wide - 4:.0f}" height="{high - 4:.0f}"'
            self._parts.append(f'<rect class="cell" {place} fill-opacity="{share:.2f}"/>')
            css = "count on" if share > 0.5 else "count"
            self._parts.append(draw_text(x + wide / 2, y + high / 2 + 8, str(texts[row, column]), wide, css))

    @property
    def content(self) -> str:
        """What is drawn, as elements of SVG."""
        return "".join(self._parts)

    def __html__(self) -> str:
        """Return the panel as SVG for a page."""
        view = f'viewBox="0 0 {WIDTH} {self.height}"'
        return f'<svg class="plot" role="img" {view}><title>{to_xml(self.title)}</title>{self.content}</svg>'

    def _places(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where values are in the panel, in whole units."""
        across = self._left + self._x.place(x) * (WIDTH - _RIGHT - self._left)
        return np.round(across), np.round(self._bottom - self._y.place(y) * (self._bottom - self._top))

    def _draw_axes(self, grid: bool) -> Iterator[str]:
        """Yield ticks, their texts and the names of the axes."""
        end = WIDTH - _RIGHT
        for value, text in self._x.marks():
            x = float(self._places(np.array([value]), np.zeros(1))[0][0])
            if grid:
                yield f'<path class="grid" d="M{x:.0f} {self._top}V{self._bottom}"/>'
            yield draw_text(x, self._bottom + 26, text, WIDTH / 3, "tick")
        for value, text in self._y.marks():
            y = float(self._places(np.zeros(1), np.array([value]))[1][0])
            if grid:
                yield f'<path class="grid" d="M{self._left} {y:.0f}H{end}"/>'
            yield draw_text(self._left - 8, y + 8, text, self._left - 8, "tick end")
        yield draw_text((self._left + end) / 2, self._bottom + 60, self._x.label, end - self._left, "name")
        middle = (self._top + self._bottom) / 2
        turned = f'<g transform="rotate(-90 20 {middle:.0f})">'
        yield (
            turned + draw_text(20, middle, self._y.label, self._bottom - self._top, "name") + "</g>"
            if self._y.label
            else ""
        )


def picture(caption: str, keys: Sequence[tuple[str, str]], panels: Sequence[Panel], across: int = 3) -> str:
    """Return a file of SVG with panels side by side, below their caption and what each line means.

    Parameters
    ----------
    caption : str
        What is shown.
    keys : sequence of (str, str)
        The class of each line and what it means.
    panels : sequence of Panel
        The plots, of one height but for titles of two lines.
    across : int, default 3
        How many stand in a row; there is space for two at least, since the caption needs it.
    """
    width = WIDTH * max(2, min(across, len(panels)))
    lines, x = [], 20
    for number, part in enumerate(wrap(caption, width - 40), 1):
        lines.append(f'<text class="start" x="20" y="{_LINE * number + 6}">{to_xml(part)}</text>')
    y = _LINE * (len(lines) + 1) + 6
    for css, text in keys:
        lines.append(f'<path class="line {css}" d="M{x} {y - 8}h48"/>')
        lines.append(f'<text class="start" x="{x + 58}" y="{y}">{to_xml(text)}</text>')
        x += 100 + round(text_width(text))
    top = y + (_LINE if keys else 0) - 10

    tallest = max((panel.height for panel in panels), default=0)
    for number, panel in enumerate(panels):
        row, column = divmod(number, across)
        place = f"translate({column * WIDTH} {top + (row + 1) * tallest - panel.height})"
        lines.append(f'<g transform="{place}"><title>{to_xml(panel.title)}</title>{panel.content}</g>')
    height = top + -(-len(panels) // across) * tallest + 10
    size = f'width="{width / 2:g}" height="{height / 2:g}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="plot file" role="img" {size}>'
    return f"{head}<title>{to_xml(caption)}</title><style>{style()}</style>" + "".join(lines) + "</svg>\n"


@cache
def style() -> str:
    """Return the colours and fonts of plots as CSS."""
    return (files("slugline.report") / "templates" / "plot.css").read_text(encoding="utf-8")


def _round_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return a few round numbers between two, with their texts."""
    span = high - low
    if not span > 0:
        return [(low, f"{low:g}")]
    power = 10.0 ** np.floor(np.log10(span / _MAX_TICKS))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if span / (power * factor) <= _MAX_TICKS)
    values = step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
    return [(float(value), f"{value + 0.0:.6g}") for value in values]


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Return the path through points in whole units, broken at NaN, without points that change nothing."""
    parts = []
    for run in _runs(np.isfinite(x + y)):
        points = _thin(x[run].astype(int), y[run].astype(int))
        moves = np.diff(points, axis=0).tolist()
        parts.append(f"M{points[0, 0]} {points[0, 1]}l{' '.join(f'{right} {down}' for right, down in moves) or '0 0'}")
    return "".join(parts)


def _runs(known: np.ndarray) -> list[slice]:
    """Return where values are known one after the other."""
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(int)))
    return [slice(start, end) for start, end in edges.reshape(-1, 2).tolist()]


def _thin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the points, shape (points, 2), that draw the same line: of one `x` the first, lowest, highest and last."""
    starts = np.r_[0, np.flatnonzero(np.diff(x)) + 1]
    ends = np.r_[starts[1:], len(x)] - 1
    first, last = y[starts], y[ends]
    falls, low, high = first > last, np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    columns = [first, np.where(falls, high, low), np.where(falls, low, high), last]
    points = np.column_stack([np.repeat(x[starts], 4), np.stack(columns, axis=1).ravel()])
    points = points[np.r_[True, np.any(np.diff(points, axis=0), axis=1)]]
    before, after = np.diff(points, axis=0)[:-1], np.diff(points, axis=0)[1:]
    straight = (before[:, 0] * after[:, 1] == before[:, 1] * after[:, 0]) & (np.sum(before * after, axis=1) > 0)
    return np.asarray(points[np.r_[True, ~straight, True][: len(points)]])
