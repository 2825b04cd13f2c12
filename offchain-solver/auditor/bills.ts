/**
 * Bills beside the chain: every line made again from its batch or its entry, to the last unit, nothing that moved left
 * out or billed twice; what stands above and below the lines by the rules that it follows.
 */
import { reasonHash } from "../codec/deliveryData.ts";
import type { BillJson } from "../records/billJson.ts";
import type { Audited } from "./audit.ts";
import { commonFault, correctsVerdict, numberFault, ownFault, type Billers } from "./billHeads.ts";
import { movesOf, type BilledMove, type Dues } from "./billLines.ts";
import { invalid, undecided, VALID, worst, type Verdict } from "./verdict.ts";

type Line = BillJson["lines"][number];
const NONE: Dues = new Map();

/** What bills are held against. */
export type Billed = {
  /** The sessions that these bills are of. */
  readonly batches: readonly string[];
  readonly found: Pick<Audited, "sessions" | "entries" | "delivery">;
  /** Entries whose documents are there, as `batch number`: what was known when the bills were made. */
  readonly told: ReadonlySet<string>;
  /** Absent where no file tells: then bills must agree with one another. */
  readonly billers?: Billers;
};

export function checkBills(bills: readonly BillJson[], { batches, found, told, billers }: Billed): Verdict {
  for (const bill of bills) {
    const fault = ownFault(bill);
    if (fault !== undefined) return fault;
  }
  const heads = commonFault(bills, billers);
  if (heads !== undefined) return heads;
  const corrects = correctsVerdict(bills);
  if (corrects.kind === "invalid") return corrects;
  const linesOf = byMove(bills);
  if ("kind" in linesOf) return linesOf;
  const verdicts = batches.map((batch): Verdict => {
    const session = found.sessions.find((one) => one.batch === batch);
    if (session === undefined) return undecided(`the payload of batch ${batch}`);
    const start = Number(session.terms?.start);
    return worst(
      movesOf(session, found).map((move) =>
        "kind" in move ? move : moveVerdict(bills, linesOf, { ...move, start }, told),
      ),
    );
  });
  return worst([
    ...verdicts,
    strangerFault(bills, batches, found) ?? VALID,
    numberFault(bills, found.sessions) ?? VALID,
    corrects,
  ]);
}

/** A line of a batch that is billed nowhere here, or of an entry that the chain does not have. */
function strangerFault(
  bills: readonly BillJson[],
  batches: readonly string[],
  { entries }: Billed["found"],
): Verdict | undefined {
  const known = new Set(entries.map(({ batch, number }) => `${batch} ${number}`));
  for (const { number, lines } of bills)
    for (const { batch, entry } of lines) {
      if (batch === undefined) continue;
      if (!batches.includes(batch))
        return invalid("billOfNoBatch", `${number}: ${batch} is none of the sessions that are billed`);
      if (entry > 0 && !known.has(`${batch} ${entry}`))
        return invalid("billOfNoEntry", `${number}: batch ${batch} has no entry ${entry}`);
    }
  return undefined;
}

/** By `batch entry account`. */
type LinesOf = ReadonlyMap<string, { readonly bill: BillJson; readonly lines: readonly Line[] }>;

function byMove(bills: readonly BillJson[]): LinesOf | Verdict {
  const all = new Map<string, { bill: BillJson; lines: Line[] }>();
  for (const bill of bills)
    for (const line of bill.lines) {
      const { batch, entry } = line;
      if (batch === undefined) continue;
      const key = `${batch} ${entry} ${bill.prosumer}`;
      const own = all.get(key) ?? { bill, lines: [] };
      if (own.bill !== bill)
        return invalid(
          "billedTwice",
          `entry ${entry} of batch ${batch} is in ${own.bill.number} and in ${bill.number}`,
        );
      own.lines.push(line);
      all.set(key, own);
    }
  return all;
}

type Move = BilledMove & { readonly start: number };

function moveVerdict(bills: readonly BillJson[], linesOf: LinesOf, move: Move, told: ReadonlySet<string>): Verdict {
  const { batch, entry, due } = move;
  const ids = new Set([...bills.map(({ prosumer }) => prosumer), ...due.keys()]);
  const billed = [...ids].some((id) => linesOf.has(`${batch} ${entry} ${id}`));
  const owed = [...due.values()].some((dues) => dues.size > 0);
  // Bills may have been left elsewhere, and an entry that came when they had been handed out is in none of them.
  if (!billed && owed) {
    const first = bills.some((one) => one.corrects === undefined && one.lines.some((line) => line.batch === batch));
    if (!first) return undecided(`the bills of batch ${batch}`);
    if (entry > 0 && !told.has(`${batch} ${entry}`)) return undecided(`the bills of entry ${entry} of batch ${batch}`);
  }
  for (const id of ids) {
    const own = linesOf.get(`${batch} ${entry} ${id}`);
    const fault = accountFault(own?.lines ?? [], due.get(id) ?? NONE, move);
    if (fault === undefined) {
      const wrong = own && placeFault(own.bill, move);
      if (wrong !== undefined) return wrong;
      continue;
    }
    return bills.some(({ prosumer }) => prosumer === id)
      ? invalid("billNotTheChain", `account ${id}, entry ${entry} of ${batch}: ${fault}`)
      : invalid("billMissing", `account ${id} has no bill for ${batch}`);
  }
  return VALID;
}

/** One line for each item that the chain has, and no other. */
function accountFault(lines: readonly Line[], due: Dues, move: Move): string | undefined {
  for (const [k, { item, quantity, nano, transaction, start }] of lines.entries()) {
    const is = due.get(item);
    if (is === undefined || lines.findIndex((line) => line.item === item) !== k) return `a line of ${item} too many`;
    if (is.nano !== BigInt(nano)) return `${item} comes to ${is.nano}, not ${nano}`;
    if (is.quantity !== quantity) return `the quantity of ${item} is ${is.quantity}, not ${quantity}`;
    if (transaction !== move.transaction) return `${item} moved in ${move.transaction}, not in ${transaction}`;
    if (start !== move.start) return `${item} is of the session from ${move.start} on, not ${start}`;
  }
  const untold = [...due].find(([item]) => !lines.some((line) => line.item === item));
  return untold && `${untold[0]} comes to ${untold[1].nano}, and has no line`;
}

/** What a settlement moves is in a bill; a later entry in a document of its own, with the reason that was signed. */
function placeFault({ number, corrects, reason }: BillJson, { entry, reason: signed }: Move): Verdict | undefined {
  if (corrects === undefined)
    return entry > 1
      ? invalid("correctionMissing", `entry ${entry} is in bill ${number}, which it came after`)
      : undefined;
  if (entry === 0) return invalid("correctionOfNoEntry", `${number}: a settlement corrects no bill`);
  const hash = reason === undefined ? `0x${"0".repeat(64)}` : reasonHash(reason);
  return hash === signed
    ? undefined
    : invalid("reasonNotTheEntry", `${number}: entry ${entry} was signed with another`);
}
