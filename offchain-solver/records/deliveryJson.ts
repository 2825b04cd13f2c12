/**
 * delivery.json: what became of what a session promised, account by account, and meters.json: what its meters and
 * parties have signed of it. What is metered is about homes: both are private.
 */
import * as z from "zod";
import { KINDS } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";

const count = z.int().nonnegative();
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const wh = z.array(z.int());
const signature = z.string().regex(/^0x[0-9a-f]{130}$/);

const system = z.enum(["insurance", "desk", "utility"]);

/**
 * 1e-9 $, received (+) or paid (-). The parts of what is due add up to `dueNano`; `movedNano` is what was moved. Of an
 * entry that follows another they are the differences to it, as are allowances that were surrendered and bought.
 */
const PartsSchema = z.strictObject({
  /** Deviations from the position at the utility's prices: less than was due, and more. */
  shortNano: z.int(),
  longNano: z.int(),
  /** Energy of reserve that was called, given or received. */
  responsesNano: z.int(),
  /** Of reserve that was called and not delivered. */
  penaltyNano: z.int(),
  /** Allowances bought from the desk for emissions that nothing covered. */
  allowancesNano: z.int(),
  /** What the bound of the connection took off, or what of allowances it did not let buy. */
  boundNano: z.int(),
});

export const DeliveryJsonSchema = z.strictObject({
  batch: hash,
  kind: z.enum(KINDS).exclude(["none"]),
  /** Of a correction: why it was made. */
  reason: z.string().optional(),
  /** Of a later entry: the one before it, and the hash of its readings. */
  follows: z.strictObject({ entry: count, readings: hash }).optional(),
  /** The entry on chain; absent: reckoned by the ledger of this program, and settled nowhere. */
  entered: z
    .strictObject({ delivery: z.string(), entry: count, txHash: hash, block: count, gasUsed: count })
    .optional(),
  /** Credits issued for what was measured renewable: tokens of which id, new Wh, in which transaction. */
  credits: z
    .array(
      z.strictObject({
        prosumer: z.int().positive(),
        asset: z.string().regex(/^\d+$/),
        wh: count,
        txHash: hash,
        gasUsed: count,
      }),
    )
    .optional(),
  /** keccak256 of the readings' bytes, and of what the meters signed. */
  readings: hash,
  meters: hash,
  start: count,
  periodSeconds: count,
  periods: count,
  /** Multiple of its price that reserve costs that was called and not delivered. */
  multiple: count,
  /** 1e-6 $ per kg. */
  allowancePrice: count,
  /** 1e-6 $ per kWh, by period. */
  prices: z.array(z.strictObject({ shortPrice: z.int(), longPrice: z.int(), responsePrice: z.int() })),
  /** Ascending by id. Arrays by period. */
  members: z.array(
    z.strictObject({
      id: z.int().positive(),
      /** Whether it took part; who was left out is metered as well, and pays the utility's prices. */
      tookPart: z.boolean(),
      /** Sold less bought in the batch. */
      promisedWh: wh,
      /** What it was called to give for others' errors, less what others gave for its own. */
      calledWh: wh,
      undeliveredW: wh,
      /** Fed in less drawn. */
      meteredWh: wh,
      renewableWh: wh,
      quality: z.array(z.enum(QUALITIES)),
      parts: PartsSchema,
      dueNano: z.int(),
      /** What earlier entries could not move of it: still to be received, below zero: to be paid. */
      takenUpNano: z.int().default(0),
      emissionsG: count,
      /** Allowances of its own that were surrendered, and those that the desk sold it. */
      surrenderedG: z.int(),
      boughtG: z.int(),
      /** What was held since settlement and is free now, thousandths of a dollar. */
      releasedMilli: count,
      /** What the account could not pay, of this entry and of what it takes up. */
      arrearsNano: count,
      /** What was cut from what it was to receive, since others could not pay. */
      cutNano: count,
      movedNano: z.int(),
    }),
  ),
  systems: z.array(z.strictObject({ account: system, takenUpNano: z.int().default(0), movedNano: z.int() })),
  /** Sums over all. */
  shortfall: z.strictObject({ byFundNano: count, byReceiversNano: count }),
  carbon: z.strictObject({ emissionsG: count, surrenderedG: z.int(), boughtG: z.int(), renewableWh: count }),
});
export type DeliveryJson = z.infer<typeof DeliveryJsonSchema>;

export const MetersJsonSchema = z.strictObject({
  /** The contract in whose domain meters sign, on which chain. */
  chainId: count,
  delivery: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  batch: hash,
  /** One a meter, ascending by prosumer; a meter that said nothing has none. Arrays by period. */
  meters: z.array(
    z.strictObject({
      prosumer: z.int().positive(),
      start: count,
      periodSeconds: count,
      number: z.int().positive().max(0xffffffff),
      meteredWh: wh,
      renewableWh: wh,
      quality: z.array(z.enum(QUALITIES)),
      signature,
    }),
  ),
  /** What each account's connection is: the bound of all that its meter can say. */
  connections: z.array(
    z.strictObject({ prosumer: z.int().positive(), feedW: count, takeW: count, renewableW: count, maxPrice: count }),
  ),
  /** What renewables of those who took part were planned to give and gave, said before others' devices answered. */
  activations: z.array(
    z.strictObject({
      prosumer: z.int().positive(),
      plannedWh: z.array(count),
      generatedWh: z.array(count),
      /** Opens what it committed to in the witness. */
      salt: hash,
      signature,
    }),
  ),
  statements: z.array(z.strictObject({ prosumer: z.int().positive(), generatorG: count.max(0xffffffff), signature })),
});
export type MetersJson = z.infer<typeof MetersJsonSchema>;
