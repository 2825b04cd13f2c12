/** A table of a page that stands alone. */
export type TableOptions = {
  readonly foot?: readonly string[];
  /** Rows that the page's script refills for another period: what they are of, and each row's index there. */
  readonly live?: { readonly kind: "bus" | "branch"; readonly indices: readonly number[] };
};

/**
 * Every row and column is shown, without a box to scroll: where a table is too wide for its card each row becomes a
 * block of named cells.
 * @param rows cells already escaped; all columns but the first are numbers.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { foot, live }: TableOptions = {},
): string {
  const label = (k: number): string => ` data-label="${head[k].replace(/<[^>]*>/g, "")}"`;
  const line = (cells: readonly string[], mark = ""): string =>
    `<tr${mark}>${cells.map((text, k) => (k === 0 ? `<th scope="row">${text}</th>` : `<td${label(k)}>${text}</td>`)).join("")}</tr>`;
  const marks = live?.indices.map((index) => ` data-${live.kind}="${index}"`) ?? [];
  const body = rows.map((row, k) => line(row, marks[k])).join("");
  const end = foot === undefined ? "" : `<tfoot>${line(foot)}</tfoot>`;
  const size = head.length > 6 ? "many" : head.length > 3 ? "some" : "few";
  return `<table class="${size}"><thead><tr>${head.map((text) => `<th scope="col">${text}</th>`).join("")}</tr></thead><tbody>${body}</tbody>${end}</table>`;
}
