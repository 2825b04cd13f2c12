/** A batch that a whole committee signs, for the suites that change it or its signatures. */
import type * as Grid from "../../offchain-solver/codec/gridModel.ts";
import { hexlify } from "ethers";
import { judge } from "../../offchain-solver/auditor/judge.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { marketDomain } from "../../offchain-solver/codec/typedData.ts";
import { ANY_PRICE, IDS, MANDATE, PERIODS } from "./baseBatch.ts";
import { BUNDLE, createWorld, freeze, type Frozen, lineGrid, refusalOf, SYSTEM_IDS, type World } from "./world.ts";

/**
 * What a prosumer's mandate has of its own: the second never buys, the fourth never sells, the fifth asks more than
 * others give, and gives anything.
 */
const OWN = new Map([
  [102, { maxBuy: -0x800000n }],
  [104, { minSell: 0x7fffffn }],
  [105, { minReservePrice: 30_001n, maxReservePrice: 0x7fffffn, minCarbonPrice: 40_001n, maxCarbonPrice: 0x7fffffn }],
]);

export const encode = (payload: Payload.Payload | Uint8Array): Uint8Array =>
  payload instanceof Uint8Array ? payload : Payload.encode(payload, PERIODS);

/**
 * The session that mocha's hooks make before the tests of a suite; `refusals`: what the market and the auditor refuse a
 * batch with, and with which values.
 */
export function committeeBatch(reference: boolean) {
  const made = {} as { world: World; frozen: Frozen };
  before(async () => {
    const grid = lineGrid(IDS, 6, 16_000n);
    const narrow = {
      ...grid,
      prosumers: grid.prosumers.map((placed) => ({ ...placed, absorbVar: 8_000, feedVar: 8_200 })),
      branches: grid.branches.map((b) => ({ ...b, vMin2: (1n << 32n) - 2_000n, vMax2: (1n << 32n) + 100n })),
    };
    made.world = await createWorld({
      prosumers: 5,
      reference,
      grid: narrow satisfies Grid.GridModel,
      mandate: (id) => (SYSTEM_IDS.includes(id) ? ANY_PRICE : { ...MANDATE, ...OWN.get(id) }),
    });
    made.frozen = await freeze(made.world, PERIODS);
  });

  const everybody = (): number[] => made.world.committee.map((_, bit) => bit);
  async function refusals(payload: Uint8Array, signers: number, signatures: string) {
    const { market } = made.world.contracts;
    const call = market
      .getFunction("settle")
      .staticCall(hexlify(payload), BUNDLE, signers, signatures, { gasLimit: 16_000_000 });
    const context = {
      domain: marketDomain(made.world.deployment.chainId, made.world.deployment.market),
      terms: made.frozen.terms,
      committee: made.world.committee.map((id) => made.world.nodeKeys.get(id)?.address as string),
      ledger: made.frozen.ledger,
      state: "open" as const,
    };
    const { verdict } = judge(context, {
      payload,
      bundleHash: BUNDLE,
      signers,
      signatures,
      settledAt: made.frozen.terms.deadline,
    });
    const { predicate, detail } = await refusalOf(market, call);
    return { onChain: { kind: "invalid", predicate, detail: detail.join(", ") }, verdict };
  }
  return { made, everybody, refusals };
}
