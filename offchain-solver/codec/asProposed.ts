import type { ClearingResult, Trade } from "../market/result/clearingResult.ts";
import { invalid, VALID, type Finding } from "../market/result/finding.ts";
import { tradeKey } from "./payload.ts";

/**
 * Whether a result is the one that the proposals make, to the last Wh and nano-dollar; names the first thing that
 * differs.
 */
export function asProposed(expected: ClearingResult, given: ClearingResult): Finding {
  for (const field of ["sessionStart", "periodSeconds", "periods"] as const)
    if (given[field] !== expected[field])
      return invalid("notTheSession", `${field} is ${given[field]}, not ${expected[field]}`);
  if (given.participants.join() !== expected.participants.join())
    return invalid("wrongParticipants", given.participants.join(" "));
  for (const [i, row] of expected.reactiveVar.entries())
    for (const [t, reactive] of row.entries())
      if (given.reactiveVar[i]?.[t] !== reactive)
        return invalid(
          "reactiveNotAsProposed",
          `prosumer ${expected.participants[i]}, period ${t}: ${given.reactiveVar[i]?.[t]} var, not ${reactive}`,
        );
  return tradesAsProposed(expected, given);
}

function tradesAsProposed(expected: ClearingResult, given: ClearingResult): Finding {
  const named = ({ product, period, seller, buyer }: Trade): string => {
    const party = (at: number): number => expected.participants[at] ?? at;
    return `${product} from ${party(seller)} to ${party(buyer)} in period ${period}`;
  };
  const most = Math.max(expected.trades.length, given.trades.length);
  for (let k = 0; k < most; k++) {
    const [wanted, found] = [expected.trades[k], given.trades[k]];
    if (wanted === undefined) return invalid("tradeNotAsProposed", `${named(found)} was not proposed`);
    if (found === undefined || tradeKey(found) !== tradeKey(wanted))
      return invalid("tradeNotAsProposed", `${named(wanted)} is ${found ? `replaced by ${named(found)}` : "missing"}`);
    if (found.quantity !== wanted.quantity)
      return invalid("quantityNotAsProposed", `${named(wanted)}: ${found.quantity}, not ${wanted.quantity}`);
    if (found.price !== wanted.price)
      return invalid("priceNotAsProposed", `${named(wanted)}: ${found.price}, not ${wanted.price}`);
  }
  return VALID;
}
