/** An audit on one page that can be filed: what was read, what was found, and with which figures. */
import { validWords, type AuditJson } from "../records/sessionJson.ts";
import { escape } from "./derive.ts";
import { table } from "./table.ts";

const utc = (seconds: number | undefined): string =>
  seconds === undefined ? "" : new Date(1000 * seconds).toISOString().slice(0, 16).replace("T", " ");
const figure = (dollars: number | undefined): string => (dollars === undefined ? "" : dollars.toPrecision(4));

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}" +
  "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}td,th{padding:.3rem .6rem;text-align:left;" +
  "border-bottom:1px solid #d5d9de;vertical-align:top}thead th{vertical-align:bottom}.few thead{display:none}" +
  // Hashes, addresses and what is said of a session break anywhere; figures and dates nowhere.
  ".few td,.many th[scope=row],.many td:last-child{overflow-wrap:anywhere}.many td:not(:last-child){white-space:nowrap}" +
  ".many th[scope=row]{font-weight:400;font-family:ui-monospace,monospace;font-size:13px}.many td:last-child{min-width:9rem}" +
  "@media screen and (max-width:760px){.many thead{display:none}.many,.many tbody{display:block}" +
  ".many tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.2rem .8rem;padding:.6rem 0;" +
  "border-bottom:1px solid #d5d9de}.many :is(th,td){display:block;padding:0 .6rem;border:0}" +
  ".many :is(th[scope=row],td:last-child){grid-column:1/-1}.many td::before{content:attr(data-label);display:block;" +
  "color:#59636e;font-size:12px}.many td:empty{display:none}}@media print{body{margin:0;max-width:none}}";

/** `said`: what a row's verdict is in words. */
function said(row: AuditJson["verdicts"][number]): string {
  if (row.verdict === "invalid") return `invalid: ${row.predicate}: ${row.detail ?? ""}`;
  if (row.verdict === "undecided") return `undecided, missing: ${row.predicate}`;
  return validWords(row);
}

export function renderAudit({ chain, verdicts, market, documents }: AuditJson): string {
  const count = (kind: string): number => verdicts.filter(({ verdict }) => verdict === kind).length;
  const facts: [string, string][] = [
    ...(chain === undefined
      ? []
      : ([
          ["Chain", `${chain.chainId}, up to block ${chain.block}`],
          ["Market", chain.market],
          ["Registry", chain.registry],
          ["Read from", chain.endpoints.join(" and ")],
        ] as [string, string][])),
    ["Market as a whole", market?.says ?? market?.verdict ?? "not judged"],
    ...(documents === undefined
      ? []
      : [["Files of the session", documents.says ?? documents.verdict] as [string, string]]),
    ["Sessions", `${count("valid")} valid, ${count("invalid")} invalid, ${count("undecided")} undecided`],
  ];
  const rows = verdicts.map((row) =>
    [
      row.session,
      utc(row.start),
      utc(row.settledAt),
      figure(row.regrets),
      figure(row.allowed),
      figure(row.turnover),
      said(row),
    ].map(escape),
  );
  const heads = ["Batch", "Starts, UTC", "Settled, UTC", "Regrets, $", "Allowed, $", "Turnover, $", "Verdict"];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Audit of a gridpact market</title>
<style>${STYLE}</style></head><body><main><h1>Audit of a gridpact market</h1>
${table(
  ["What", ""],
  facts.map((row) => row.map(escape)),
)}
<h2>Sessions</h2>
${rows.length === 0 ? "<p>No session has settled.</p>" : table(heads, rows)}
<p>A session is valid where its payload, signatures, terms, prices, payments, limits and AC state follow from the chain and the
published witness, and the regrets of all that count add up to no more than is allowed. That holds for the costs that its members
claim; whether a claimed cost is true is not judged. Of a member that a session is uncertified by nobody knows how much better it could
have done: no regret of it counts. Whether it signed none or somebody left its claim out of what was published nothing here shows: a
quorum may leave out a few. Ask the member: what its node has signed it can show.</p></main></body></html>
`;
}
