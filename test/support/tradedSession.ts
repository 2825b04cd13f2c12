/** A session of four homes that has settled, and is to be metered. */
import { id as hashOf } from "ethers";
import type { Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { connectHomes, delivery, settleSession, type SettledSession, time } from "./delivered.ts";
import { createWorld, refusalOf, type World } from "./world.ts";

export const HOUR = 3_600;
export const DAY = 86_400;
export const WHY = hashOf("the network operator's register said otherwise");

export const energy = (seller: number, buyer: number, period: number, quantity: number, price = 80_000): Trade => ({
  product: "energy",
  seller,
  buyer,
  period,
  quantity,
  price,
});
/** 101 sells 2 kWh and then 1 kWh to 102, 103 buys 1 kWh of 104 in the second hour. */
const TRADES = [energy(0, 1, 0, 2_000), energy(0, 1, 1, 1_000), energy(3, 2, 1, 1_000)];

export type Traded = {
  readonly world: World;
  readonly session: SettledSession;
  readonly until: (seconds: number) => Promise<void>;
  /** Why `deliver` refuses its arguments. */
  readonly refusal: (args: readonly unknown[]) => ReturnType<typeof refusalOf>;
};

export async function tradedSession(
  reference: boolean,
  dollars = 100,
  participants?: readonly number[],
): Promise<Traded> {
  const mandate = (id: number) => (id < 1000 ? { maxSpendPerDay: 3_000_000n } : {});
  const world = await createWorld({ prosumers: 4, dollars, grams: 1_000n, reference, mandate });
  await connectHomes(world);
  const trades = participants === undefined ? TRADES : TRADES.filter(({ seller }) => seller < participants.length);
  const session = await settleSession(
    world,
    trades,
    2,
    participants === undefined ? {} : { participants, standing: [] },
  );
  return {
    world,
    session,
    until: (seconds) => time(world).increaseTo(seconds),
    refusal: (args) => {
      const contract = delivery(world);
      return refusalOf(contract, contract.getFunction("deliver").staticCall(...args));
    },
  };
}
