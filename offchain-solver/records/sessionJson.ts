/**
 * settlement.json and audit.json of one session: what the chain did with the result, and what an auditor thinks of it.
 */
import * as z from "zod";

const count = z.int().nonnegative();
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);

/** Sums over `accounts` are zero in every column: value moves, none is made. */
export const SettlementJsonSchema = z.strictObject({
  /** Where it settled: the chain, the market's contract and the block from which on it is there. */
  chainId: count.optional(),
  market: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .optional(),
  marketBlock: count.optional(),
  /** An endpoint of that chain, where it is no secret; an embedded devnet has ended with its run. */
  rpc: z.string().optional(),
  txHash: hash,
  block: count,
  gasUsed: count,
  /** Length of the posted payload. */
  bytes: count,
  trades: count,
  prosumers: count,
  accounts: z.array(
    z.strictObject({
      /** A prosumer's id, or `utility`, `operator`, `desk`. */
      account: z.union([z.int().positive(), z.enum(["utility", "operator", "desk"])]),
      /** 1e-9 $. */
      moneyNano: z.int(),
      carbonG: z.int(),
      energyWh: z.int(),
    }),
  ),
});

export const AuditJsonSchema = z.strictObject({
  /** What was read: of which chain and contracts, up to which block. */
  chain: z
    .strictObject({
      chainId: count,
      market: z.string(),
      registry: z.string(),
      block: count,
      endpoints: z.array(z.string()),
    })
    .optional(),
  verdicts: z.array(
    z.strictObject({
      session: z.string().min(1),
      verdict: z.enum(["valid", "invalid", "undecided"]),
      /** Where it settled, and the UTC seconds of its first period and of its settlement. */
      block: count.optional(),
      transaction: hash.optional(),
      start: count.optional(),
      settledAt: count.optional(),
      /** The violated predicate, or the data that is missing. */
      predicate: z.string().optional(),
      /** What broke it, in words and figures. */
      detail: z.string().optional(),
      /** Valid, but these prosumers' regrets are missing, not signed or absurd. */
      uncertifiedBy: z.array(z.int().positive()).optional(),
      /** Why their regrets do not count, as far as the witness shows it. */
      uncounted: z.array(z.strictObject({ prosumer: z.int().positive(), why: z.string() })).optional(),
      /**
       * $: all regrets that count, the most that they may be, and the gross turnover that they are measured against.
       */
      regrets: z.number().optional(),
      allowed: z.number().optional(),
      turnover: z.number().optional(),
      /** $: what plans and trades differ by, as the parties signed it. */
      open: z.number().optional(),
    }),
  ),
  /** Readings that were entered, oldest first: of which batch, the how manieth, and what it moved in all, 1e-9 $. */
  entries: z
    .array(
      z.strictObject({
        session: z.string().min(1),
        entry: count,
        kind: z.enum(["none", "provisional", "final", "correction"]),
        block: count,
        transaction: hash,
        receivedNano: count,
        verdict: z.enum(["valid", "invalid", "undecided"]),
        says: z.string().optional(),
      }),
    )
    .optional(),
  /** Credits that were issued, oldest first. */
  credits: z
    .array(
      z.strictObject({
        batchNumber: count,
        prosumer: z.int().positive(),
        asset: z.string(),
        wh: count,
        transaction: hash,
        verdict: z.enum(["valid", "invalid", "undecided"]),
        says: z.string().optional(),
      }),
    )
    .optional(),
  /** Of the market as a whole: its code, its ledger, its tokens, and that no event was hidden. */
  market: z
    .strictObject({ verdict: z.enum(["valid", "invalid", "undecided"]), says: z.string().optional() })
    .optional(),
  /** Of delivery.json, made again from the batch on chain and what meters and nodes signed. */
  delivery: z
    .strictObject({ verdict: z.enum(["valid", "invalid", "undecided"]), says: z.string().optional() })
    .optional(),
  /** Of settlement.json, clearing.json and report.html beside the chain, where a session's folder was audited. */
  documents: z
    .strictObject({ verdict: z.enum(["valid", "invalid", "undecided"]), says: z.string().optional() })
    .optional(),
});

/** A valid session's verdict in words. */
export const validWords = ({ uncertifiedBy, uncounted = [] }: AuditJson["verdicts"][number]): string => {
  const why = (id: number): string | undefined => uncounted.find(({ prosumer }) => prosumer === id)?.why;
  const by = uncertifiedBy?.map((id) => (why(id) === undefined ? `${id}` : `${id} (${why(id)})`));
  return by === undefined ? "valid" : `valid, uncertified by ${by.join(", ")}`;
};

export type SettlementJson = z.infer<typeof SettlementJsonSchema>;
export type AuditJson = z.infer<typeof AuditJsonSchema>;
