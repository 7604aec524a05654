"""A report of one page: sections of tables, samples and plots in a single HTML file that loads nothing."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.output import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem; border-bottom: 1px solid #ddd }
td { font-variant-numeric: tabular-nums } td.number { text-align: right } th { text-align: left }
pre { background: #f6f6f4; padding: .8rem; overflow-x: auto; font-size: 13px } svg { max-width: 100%; height: auto }
details { margin: .5rem 0 } summary { cursor: pointer }
@media (prefers-color-scheme: dark) { body { background: #1b1b1b; color: #ddd } pre { background: #262626 }
td, th { border-color: #444 } svg { background: #eee } }
"""


@dataclass(frozen=True)
class Table:
    """Rows under a heading for each column; numbers stand to the right. Without rows it is left out."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Sample:
    """A piece of text to look at, folded away under its title."""

    title: str
    text: str


@dataclass(frozen=True)
class Section:
    """Parts in the order of the page; a `str` is a paragraph, a `Figure` of matplotlib a plot."""

    title: str
    parts: Sequence[str | Table | Sample | Figure]


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the page. Raises OutputError."""
    body = "".join(_section(section) for section in sections)
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n{body}</body></html>\n"
    )
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="replace")


def write_plot(path: Path, figure: Figure) -> None:
    """Write one plot as SVG, the same bytes for the same figures. Raises OutputError."""
    import matplotlib

    with replacing(path) as draft, matplotlib.rc_context({"svg.hashsalt": "", "svg.fonttype": "none"}):
        draft.write_text(_svg(figure), encoding="utf-8")


def settings_table(settings: Mapping[str, object]) -> Table:
    """Settings as a table."""
    return Table(("setting", "value"), [(name, str(value)) for name, value in settings.items()])


def table_lines(table: Table) -> list[str]:
    """A table for the terminal, columns aligned."""
    rows = [[_text(cell) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _section(section: Section) -> str:
    return f"<h2>{escape(section.title)}</h2>\n" + "\n".join(_part(part) for part in section.parts) + "\n"


def _part(part: str | Table | Sample | Figure) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    if isinstance(part, Table):
        if not part.rows:
            return ""
        head = "".join(f"<th>{escape(column)}</th>" for column in part.columns)
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in part.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    if isinstance(part, Sample):
        return f"<details><summary>{escape(part.title)}</summary><pre>{escape(part.text)}</pre></details>"
    return _svg(part)


def _cell(value: object) -> str:
    kind = ' class="number"' if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return f"<td{kind}>{escape(_text(value))}</td>"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
