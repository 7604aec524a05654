import type { StockLine } from "./types";

interface Column {
  heading: string;
  cell: (line: StockLine) => string;
  compare: (a: StockLine, b: StockLine) => number;
  isNumber?: boolean;
}

const COLUMNS: Record<string, Column> = {
  sku: {
    heading: "SKU",
    cell: (line) => line.product.sku,
    compare: (a, b) => a.product.sku.localeCompare(b.product.sku),
  },
  name: {
    heading: "Name",
    cell: (line) => line.product.name,
    compare: (a, b) => a.product.name.localeCompare(b.product.name),
  },
  supplier: {
    heading: "Supplier",
    cell: (line) => line.product.supplier,
    compare: (a, b) => a.product.supplier.localeCompare(b.product.supplier),
  },
  units: {
    heading: "Units",
    cell: (line) => String(line.units),
    compare: (a, b) => a.units - b.units,
    isNumber: true,
  },
  value: {
    heading: "Value",
    cell: (line) => line.value,
    compare: (a, b) => Number(a.value) - Number(b.value),
    isNumber: true,
  },
};

/** The lines in the order of one column; ties stay as they were. */
export function sorted(lines: StockLine[], column: string, descending = false): StockLine[] {
  const compare = COLUMNS[column]?.compare;
  if (compare === undefined) {
    throw new RangeError(`no column ${column}`);
  }
  return [...lines].sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
}

/** The lines that have all the words somewhere, whatever their case. */
export function matching(lines: StockLine[], words: string[]): StockLine[] {
  const wanted = words.map((word) => word.toLowerCase());
  return lines.filter((line) => {
    const text = searchText(line);
    return wanted.every((word) => text.includes(word));
  });
}

function searchText(line: StockLine): string {
  const fields = [
    line.product.sku,
    line.product.name,
    line.product.category,
  ];
  return fields.join(" ").toLowerCase();
}

/** An HTML table; lines that must be ordered are marked with the class `low`. */
export function renderTable(lines: StockLine[]): string {
  const columns = Object.values(COLUMNS);
  const head = columns.map((column) => `<th>${escapeHtml(column.heading)}</th>`).join("");
  const rows = lines.map((line) => {
    const cells = columns.map((column) => {
      const align = column.isNumber ? ' class="number"' : "";
      return `<td${align}>${escapeHtml(column.cell(line))}</td>`;
    });
    return `<tr${line.is_low ? ' class="low"' : ""}>${cells.join("")}</tr>`;
  });
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
