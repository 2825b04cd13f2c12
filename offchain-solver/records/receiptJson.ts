/**
 * What one account bought, sold and paid over a period: of chain data alone, so that two who ask get the same bytes.
 */
import * as z from "zod";

const count = z.int().nonnegative();
const amounts = z.strictObject({
  /** Wh bought and sold, peers and utility together. */
  boughtWh: count,
  soldWh: count,
  /** W-periods of reserve bought and sold; g of allowances. */
  reserveBoughtW: count,
  reserveSoldW: count,
  allowancesBoughtG: count,
  allowancesSoldG: count,
  /** Paid, 1e-9 $, in decimal text; negative: received. What the operator charges less its rebate is the network's. */
  energyNano: z.string(),
  reserveNano: z.string(),
  carbonNano: z.string(),
  networkNano: z.string(),
  paidNano: z.string(),
});

export const ReceiptJsonSchema = z.strictObject({
  chainId: count,
  market: z.string(),
  /** Account, and the wallet that owns it now. */
  account: z.int().positive(),
  wallet: z.string().optional(),
  /** UTC seconds, from the first to before the second, of sessions' starts. */
  from: count,
  to: count,
  /** The last block that was read. */
  block: count,
  sessions: z.array(
    amounts.extend({
      batch: z.string(),
      transaction: z.string(),
      start: count,
      /** `valid`, or why it is not. */
      verdict: z.string(),
    }),
  ),
  total: amounts,
});
export type ReceiptJson = z.infer<typeof ReceiptJsonSchema>;
export type Amounts = z.infer<typeof amounts>;
