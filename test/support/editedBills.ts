/** Bills that say something else than they did, their pages and sums with them, and what an auditor makes of that. */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { verdictText } from "../../offchain-solver/auditor/verdict.ts";
import { auditFolder } from "../../offchain-solver/cli/audit.ts";
import { audited } from "../../offchain-solver/cli/auditing.ts";
import { BillJsonSchema, type BillJson } from "../../offchain-solver/records/billJson.ts";
import { SettlementJsonSchema } from "../../offchain-solver/records/sessionJson.ts";
import { renderBill } from "../../offchain-solver/report/billPage.ts";

const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

export type Edit = readonly [says: string, edit: (bill: BillJson) => void];

/** Of some bills no page can be made: then it is any. */
function pageOf(bill: BillJson): string {
  try {
    return renderBill(bill);
  } catch {
    return "";
  }
}

/** What an auditor says of a folder in which bills that fit a pattern are edited, their pages and sums with them. */
export async function judged(folder: string, rpc: string) {
  const [settlement] = globSync(`${folder}/*/settlement.json`);
  const { market, marketBlock: from } = SettlementJsonSchema.parse(read(settlement));
  const found = await audited({ rpc: [rpc], market: market!, from: from!, bundle: folder });
  return (pattern: string, edit: (bill: BillJson) => void): string => {
    const files = globSync(join(folder, pattern)).flatMap((file) => [file, file.replace(/json$/, "html")]);
    const before = files.map((file) => readFileSync(file, "utf8"));
    for (const file of files.filter((one) => one.endsWith(".json"))) {
      const bill = BillJsonSchema.parse(read(file));
      edit(bill);
      writeFileSync(file, JSON.stringify(bill));
      writeFileSync(file.replace(/json$/, "html"), pageOf(bill));
    }
    const says = verdictText(auditFolder(folder, found));
    files.forEach((file, k) => writeFileSync(file, before[k]));
    return says;
  };
}

/** Whatever was added to its lines, a fifth of the total is its tax. */
export function summed(bill: BillJson): void {
  const total = bill.lines.reduce((sum, { nano }) => sum + BigInt(nano), 0n);
  const size = ((total < 0n ? -total : total) * 2n + 5n) / 10n;
  Object.assign(bill, { totalNano: `${total}`, vat: { percent: 20, nano: `${total < 0n ? -size : size}` } });
}

export const more = (line: BillJson["lines"][number], nano: bigint): void => {
  line.nano = `${BigInt(line.nano) + nano}`;
};
