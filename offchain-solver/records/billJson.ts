/** A bill as a document: one member, one month, line by line with the batch that each line comes of. Private. */
import * as z from "zod";

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const nano = z.string().regex(/^-?\d+$/);

/** What a line is for: what settled, what meters made of it, and energy at the tariff where no session settled. */
export const BILL_ITEMS = [
  "bought",
  "sold",
  "fromUtility",
  "toUtility",
  "reserveBought",
  "reserveSold",
  "allowancesBought",
  "allowancesSold",
  "network",
  "short",
  "long",
  "called",
  "undelivered",
  "allowancesLacking",
  "bound",
  "takenUp",
  "unpaid",
  "cut",
  "drawn",
  "fedIn",
] as const;
export type BillItem = (typeof BILL_ITEMS)[number];

export const BillJsonSchema = z.strictObject({
  /** Of this document; of a correction also the one that it corrects, and why. */
  number: z.string().min(1),
  corrects: z.string().min(1).optional(),
  reason: z.string().min(1).optional(),
  /** The member's account, and its name where it has one. */
  prosumer: z.int().positive(),
  name: z.string().min(1).optional(),
  /** Month by the community's clock, YYYY-MM. */
  month: z.string().regex(/^\d{4}-\d\d$/),
  currency: z.string().min(1),
  timeZone: z.string().min(1),
  lines: z.array(
    z.strictObject({
      /** First period of the session, Unix seconds, and its day by the clock. */
      start: z.int().nonnegative(),
      day: z.string().regex(/^\d{4}-\d\d-\d\d$/),
      /** What it comes of: the batch, and the transaction that moved it; neither where no session settled. */
      batch: hash.optional(),
      transaction: hash.optional(),
      /** Number of the entry of readings; 0: the settlement itself. */
      entry: z.int().nonnegative(),
      item: z.enum(BILL_ITEMS),
      /** Wh, W or g, as the item has it. */
      quantity: z.int(),
      /** 1e-9 of the currency; positive is paid, negative received. */
      nano,
    }),
  ),
  /** The sum of all lines, as the accounts have moved. */
  totalNano: nano,
  /** Value-added tax on the total, where the biller states a rate; it is owed beside the accounts. */
  vat: z.strictObject({ percent: z.number().min(0).max(100), nano }),
});
export type BillJson = z.infer<typeof BillJsonSchema>;
