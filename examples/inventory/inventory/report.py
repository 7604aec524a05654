"""Stock reports: numbers first, then one renderer for each format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

from inventory.models import Category, StockLine
from inventory.money import Money, total
from inventory.store import Store

HEADINGS = ("SKU", "Name", "Units", "Value")


@dataclass(frozen=True)
class Summary:
    """The stock in four numbers."""

    n_products: int
    n_units: int
    n_low: int
    value: Money


def summarize(lines: list[StockLine]) -> Summary:
    return Summary(
        n_products=len(lines),
        n_units=sum(line.units for line in lines),
        n_low=sum(line.is_low for line in lines),
        value=total([line.value for line in lines]),
    )


def summarize_by_category(store: Store) -> dict[Category, Summary]:
    """A summary of each category that has products."""
    lines_by_category = {category: store.lines_of(category) for category in Category}
    return {category: summarize(lines) for category, lines in lines_by_category.items() if lines}


def _cells(line: StockLine) -> tuple[str, str, str, str]:
    return line.product.sku, line.product.name, str(line.units), str(line.value)


def render_text(lines: list[StockLine]) -> str:
    """Columns as wide as their widest cell; numbers to the right."""
    rows = [HEADINGS, *map(_cells, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    return "".join(
        f"{sku:<{widths[0]}}  {name:<{widths[1]}}  {units:>{widths[2]}}  {value:>{widths[3]}}\n"
        for sku, name, units, value in rows
    )


def render_csv(lines: list[StockLine]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows(map(_cells, lines))
    return out.getvalue()


def render_json(lines: list[StockLine]) -> str:
    rows = [dict(zip(HEADINGS, _cells(line), strict=True)) for line in lines]
    return json.dumps(rows, indent=2) + "\n"


def render_markdown(lines: list[StockLine]) -> str:
    rows = [HEADINGS, ("---", "---", "--:", "--:"), *map(_cells, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


RENDERERS: dict[str, Callable[[list[StockLine]], str]] = {
    "text": render_text,
    "csv": render_csv,
    "json": render_json,
    "markdown": render_markdown,
}
