/** What every view is made of: cards, tables, notices, figures. */
import { useEffect, useRef, useState, type ReactNode } from "react";

export function Card({
  title,
  children,
  wide,
  note,
}: {
  title: string;
  children: ReactNode;
  wide?: boolean;
  note?: string;
}) {
  return (
    <section className={wide ? "card wide" : "card"} aria-label={title}>
      <h2>{title}</h2>
      {note !== undefined && <p className="note">{note}</p>}
      {children}
    </section>
  );
}

export type Kind = "info" | "good" | "bad" | "busy";

/** Told to whoever listens: what is wrong at once, the rest when there is time. */
export function Notice({ kind, children }: { kind: Kind; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {kind === "busy" && <span className="spinner" aria-hidden="true" />}
      <div>{children}</div>
    </div>
  );
}

export type Cell = string | { readonly key: string; readonly shown: ReactNode };

/** Whether there is more than is seen: only then is it a stop on the way of the keyboard. */
function useOverflow() {
  const place = useRef<HTMLDivElement>(null);
  const [overflows, setOverflows] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const look = (): void =>
      setOverflows(element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
    const watch = new ResizeObserver(look);
    watch.observe(element);
    if (element.firstElementChild !== null) watch.observe(element.firstElementChild);
    return () => watch.disconnect();
  }, []);
  return { place, overflows };
}

/** A unit stays on the line of the word before it. */
const withUnit = (head: string): string => head.replace(/, (\S+)$/, ",\u00a0$1");

/** The first column names the row; numbers stand right. `words`: columns that hold text. */
export function Table(props: {
  caption: string;
  heads: readonly string[];
  rows: readonly (readonly Cell[])[];
  words?: readonly number[];
  foot?: readonly string[];
  current?: number;
}) {
  const { caption, heads, rows, words = [], foot, current } = props;
  const kind = (column: number): string | undefined => (words.includes(column) ? "words" : undefined);
  const shown = (cell: Cell): ReactNode => (typeof cell === "string" ? cell : cell.shown);
  const { place, overflows } = useOverflow();
  return (
    <div ref={place} className="scroll" {...(overflows && { tabIndex: 0, role: "region", "aria-label": caption })}>
      <table role="table" className={heads.length > 2 ? "stack" : undefined}>
        <caption>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {heads.map((head, k) => (
              <th key={head} role="columnheader" scope="col" className={kind(k)}>
                {withUnit(head)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, r) => (
            <tr key={r} role="row" aria-current={r === current ? "true" : undefined}>
              {row.map((cell, k) =>
                k === 0 ? (
                  <th
                    key={k}
                    role="rowheader"
                    scope="row"
                    {...(typeof cell === "string" && /^\d+$/.test(cell) && { "data-label": heads[0] })}
                  >
                    {shown(cell)}
                  </th>
                ) : (
                  <td key={k} role="cell" className={kind(k)} data-label={withUnit(heads[k])}>
                    {shown(cell)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
        {foot !== undefined && (
          <tfoot role="rowgroup">
            <tr role="row">
              {foot.map((cell, k) =>
                k === 0 ? (
                  <th key={k} role="rowheader" scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={k} role="cell" className={kind(k)} data-label={withUnit(heads[k])}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

export type Figure = {
  readonly label: string;
  readonly value: string;
  readonly detail?: string;
  readonly kind?: "good" | "bad";
};

export function Figures({ all }: { all: readonly Figure[] }) {
  return (
    <dl className="figures">
      {all.map(({ label, value, detail, kind }) => (
        <div key={label} className={kind}>
          <dt>{label}</dt>
          <dd>{value}</dd>
          {detail !== undefined && <dd className="detail">{detail}</dd>}
        </div>
      ))}
    </dl>
  );
}

/** A file of the page's own making. */
export function saveText(name: string, text: string, type = "text/csv"): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** Cells that a spreadsheet would take for a formula, or that hold a separator, are quoted. */
export const csv = (rows: readonly (readonly (string | number)[])[]): string =>
  rows
    .map((row) =>
      row
        .map((cell) => {
          const text = typeof cell === "string" && /^[=+@\t\r]|^-(?![\d.])/.test(cell) ? `'${cell}` : String(cell);
          return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
        })
        .join(","),
    )
    .join("\r\n");
