/** A market of twelve with four settled sessions, and between them what an endpoint could hide. */
import type { Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { SESSION_PERIOD, type Trade, UTILITY } from "../../offchain-solver/market/result/clearingResult.ts";
import { as, owner, proof } from "./calls.ts";
import { wallet as keyOf } from "./keys.ts";
import { recorded, type ChainRecord } from "./recordedChain.ts";
import { BUNDLE, createWorld, freeze, OPEN_MANDATE, sign, START } from "./world.ts";

/** The first five sell to the next five, another amount every day; the utility serves one of them. */
const trades = (day: number): Trade[] => {
  const sellers = [0, 1, 2, 3, 4];
  const energy = [0, 1].flatMap((period): Trade[] => [
    ...sellers.map(
      (seller) =>
        ({ product: "energy", period, seller, buyer: seller + 5, quantity: 500 + day, price: 70_000 }) as const,
    ),
    { product: "energy", period, seller: UTILITY, buyer: 6, quantity: 200, price: 80_000 },
  ]);
  const allowances = {
    product: "carbon",
    period: SESSION_PERIOD,
    seller: 2,
    buyer: 8,
    quantity: 40 + day,
    price: 27_000,
  } as const;
  return [...energy, { product: "reserve", period: 0, seller: 1, buyer: 7, quantity: 90, price: 9_000 }, allowances];
};

export async function recordedMarket(): Promise<ChainRecord> {
  const world = await createWorld({ prosumers: 12 });
  const { deployment, admin, contracts, provider } = world;
  const day = async (k: number, without: readonly number[] = []): Promise<void> => {
    const told = without.length > 0 && { standing: [] };
    const frozen = await freeze(world, 2, { start: START + 86_400 * k, ...told });
    const ids = world.ids.filter((id) => !without.includes(id));
    const payload = Payload.encode(
      { participants: ids, systems: 4, reactiveVar: ids.map(() => [0, 0]), trades: trades(k) },
      2,
    );
    await Session.postAndSettle(deployment, admin, payload, BUNDLE, await sign(world, frozen, payload));
  };
  await day(0);
  const promised = { prosumer: 101, ...OPEN_MANDATE, maxBuy: 1_500_000n, nonce: 2n };
  const signature = await Onboarding.signMandate(deployment, world.wallets.get(101) as Wallet, promised);
  await Onboarding.registerMandate(deployment, admin, promised, signature);
  await day(1);
  await Chain.send(as(contracts.market, await owner(world, 112)), "revokeMandate", 112);
  await Onboarding.fund(deployment, admin, 102, 5_000_000n);
  await day(2, [112]);
  const fresh = keyOf("a new node", 103);
  const wallet = await owner(world, 103);
  const shown = await proof(world, "node", fresh, { prosumer: 103, wallet: wallet.address, rotation: 1n });
  await Chain.send(as(contracts.registry, wallet), "rotateNodeKey", 103, fresh.address, shown);
  (world.nodeKeys as Map<number, Wallet>).set(103, fresh);
  await Chain.send(as(contracts.market, await owner(world, 104)), "requestWithdrawal", 104, 1_000_000n);
  await day(3, [112]);
  return recorded(endpointOf(provider), deployment.market, deployment.block);
}
