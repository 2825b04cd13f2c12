/** An audit that somebody else made, beside this one: who files audit.json need not believe whoever wrote it. */
import type { AuditJson } from "../records/sessionJson.ts";
import type { Audited } from "./audit.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";
import { creditJson, entryJson, verdictJson } from "./verdictJson.ts";

type Row = Readonly<Record<string, unknown>>;

/** Older files say nothing of these. */
const SINCE: readonly string[] = ["block", "transaction", "start", "settledAt", "says", "uncounted"];

/**
 * Every row of `told` beside what is found now. What one of the two could not decide the other may: then nothing is
 * contradicted. `delivery`: what is found of the session's delivery.json.
 */
export function checkAuditFile(told: AuditJson, found: Audited, delivery: Verdict): Verdict {
  const { chain, verdicts, entries = [], credits = [] } = told;
  const about = chain && [
    ["chainId", Number(found.chainId), chain.chainId],
    ["market", found.market, chain.market],
    ["registry", found.registry, chain.registry],
  ];
  const other = about?.find(([, is, said]) => is !== said);
  if (other !== undefined) return forged(`${other[0]} is ${other[1]}, not ${other[2]}`);
  const tables: readonly (readonly [
    name: string,
    keys: readonly string[],
    told: readonly Row[],
    is: readonly Row[],
  ])[] = [
    ["batch", ["session"], verdicts, found.sessions.map(verdictJson)],
    ["entry", ["session", "entry"], entries, found.entries.map(entryJson)],
    ["credits", ["transaction", "prosumer"], credits, found.credits.map(creditJson)],
  ];
  for (const [name, keys, rows, is] of tables)
    for (const row of rows) {
      const own = is.find((one) => keys.every((key) => one[key] === row[key]));
      const what = `${name} ${keys.map((key) => String(row[key])).join(" ")}`;
      const fault = own === undefined ? "there is none on chain" : rowFault(row, own);
      if (fault !== undefined) return forged(`${what}: ${fault}`);
    }
  const kinds = [
    ["the market", told.market?.verdict, found.standing.kind],
    ["the delivery", told.delivery?.verdict, delivery.kind],
  ] as const;
  const wrong = kinds.find(([, said, is]) => said !== undefined && decided(said) && decided(is) && said !== is);
  return wrong === undefined ? VALID : forged(`${wrong[0]} is ${wrong[2]}, not ${wrong[1]}`);
}

const forged = (what: string): Verdict => invalid("auditNotTheChain", `audit.json: ${what}`);
const decided = (kind: unknown): boolean => kind !== "undecided";

/** The first figure that is another. */
function rowFault(told: Row, is: Row): string | undefined {
  if (!decided(told.verdict) || !decided(is.verdict)) return undefined;
  for (const field of new Set([...Object.keys(is), ...Object.keys(told)])) {
    if (told[field] === undefined && SINCE.includes(field)) continue;
    const [said, here] = [told[field], is[field]].map((value) => JSON.stringify(value) ?? "nothing");
    if (said !== here) return `${field} is ${here}, not ${said}`;
  }
  return undefined;
}
