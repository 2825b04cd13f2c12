/** Bills beside the chain: every line's batch and entry, to the last unit, and nothing that moved left out or twice. */
import * as Payload from "../codec/payload.ts";
import type { BillJson } from "../records/billJson.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import { accountsOf } from "./documents.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

type Found = Pick<Audited, "sessions" | "entries">;

/** `batches`: the sessions that these bills are of. */
export function checkBills(bills: readonly BillJson[], batches: readonly string[], found: Found): Verdict {
  const numbers = new Set<string>();
  for (const bill of bills) {
    if (numbers.has(bill.number)) return invalid("billTwice", `number ${bill.number}`);
    numbers.add(bill.number);
    const total = bill.lines.reduce((sum, { nano }) => sum + BigInt(nano), 0n);
    if (`${total}` !== bill.totalNano)
      return invalid("billNotItsLines", `${bill.number}: its lines add up to ${total}`);
    if (bill.corrects !== undefined && !bills.some(({ number }) => number === bill.corrects))
      return invalid("billOfNoBill", `${bill.number} corrects ${bill.corrects}, which is not there`);
  }
  const billed = linesByMove(bills);
  if ("kind" in billed) return billed;
  for (const batch of batches) {
    const session = found.sessions.find((one) => one.batch === batch);
    if (session?.payload === undefined || session.terms === undefined)
      return undecided(`the payload of batch ${batch}`);
    for (const [entry, moves] of movesOf(session, found)) {
      const fault = moveFault(bills, billed, { batch, entry, moves });
      if (fault !== undefined) return fault;
    }
  }
  const [over] = [...billed.keys()].filter((key) => !batches.includes(key.split(" ")[0]));
  return over === undefined ? VALID : invalid("billOfNoBatch", `${over} is none of the sessions that are billed`);
}

type Billed = ReadonlyMap<string, bigint>;

/** By `batch entry account`: what the lines come to. */
function linesByMove(bills: readonly BillJson[]): Billed | Verdict {
  const billed = new Map<string, bigint>();
  const inBill = new Map<string, string>();
  for (const { lines, prosumer, number } of bills)
    for (const { batch, entry, nano } of lines) {
      if (batch === undefined) continue;
      const key = `${batch} ${entry} ${prosumer}`;
      const other = inBill.get(key);
      if (other !== undefined && other !== number)
        return invalid("billedTwice", `entry ${entry} of batch ${batch} is in ${other} and in ${number}`);
      inBill.set(key, number);
      billed.set(key, (billed.get(key) ?? 0n) + BigInt(nano));
    }
  return billed;
}

/** [entry] what each account received, 0 being the settlement. */
function movesOf({ payload, terms, batch }: AuditedSession, { entries }: Found): Map<number, Map<number, bigint>> {
  const { participants, trades } = Payload.decode(payload!, terms!.periods);
  const settled = accountsOf(payload!, participants, trades);
  const moves = new Map([
    [
      0,
      new Map(
        settled.flatMap(({ account, moneyNano }) =>
          typeof account === "number" ? [[account, BigInt(moneyNano)]] : [],
        ),
      ),
    ],
  ]);
  for (const one of entries)
    if (one.batch === batch) moves.set(one.number, new Map(one.moved.map(({ id, nano }) => [id, nano])));
  return moves;
}

type Move = { readonly batch: string; readonly entry: number; readonly moves: ReadonlyMap<number, bigint> };

function moveFault(bills: readonly BillJson[], billed: Billed, { batch, entry, moves }: Move): Verdict | undefined {
  for (const prosumer of new Set(bills.map((bill) => bill.prosumer))) {
    const said = billed.get(`${batch} ${entry} ${prosumer}`) ?? 0n;
    const is = -(moves.get(prosumer) ?? 0n);
    if (said !== is)
      return invalid("billNotTheChain", `account ${prosumer} pays ${is} in entry ${entry} of ${batch}, not ${said}`);
  }
  const unbilled = [...moves].find(
    ([id, nano]) => id < 0xfffffffc && nano !== 0n && !bills.some(({ prosumer }) => prosumer === id),
  );
  return unbilled && invalid("billMissing", `account ${unbilled[0]} has no bill for ${batch}`);
}
