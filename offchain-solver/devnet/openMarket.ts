/** A devnet's market on its chain: deployed, its parties registered, paid in and mandated, sealed. */
import { keccak256, type JsonRpcProvider, type Signer } from "ethers";
import type { Deployment } from "../chain/deployment.ts";
import { contracts, seal } from "../chain/deployment.ts";
import * as Onboarding from "../chain/onboarding.ts";
import * as GridModel from "../codec/gridModel.ts";
import type { Mandate } from "../codec/typedData.ts";
import { HIGHEST_PRICE_CAP, MOST_SPEND } from "../ledger/settleable.ts";
import { capabilityOf } from "../market/scenario/capability.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { giveGas } from "./chain/served.ts";
import { connectHomes, registerDevices } from "./connections.ts";
import { deployAll } from "./deploy.ts";
import { devnetMandate } from "./devnetMandate.ts";
import { devnetDeposit } from "./devnetTerms.ts";
import { systemKeys, type PartyHome } from "./parties.ts";
import { SYSTEM_IDS } from "./steps/load.ts";

type Place = { readonly provider: JsonRpcProvider; readonly admin: Signer };

/** `days`: all sessions to come, whose needs the mandates must cover. */
export async function openMarket(
  { provider, admin }: Place,
  homes: readonly PartyHome[],
  days: readonly Scenario[],
  allowancesOf: (day: Scenario, id: number) => bigint,
): Promise<Deployment> {
  const [operator] = homes;
  await giveGas(
    provider,
    homes.map(({ keys }) => keys.wallet.address),
  );
  const roles = { OPERATOR: operator.keys.wallet.address };
  const deployment = await deployAll(admin, { priceCap: HIGHEST_PRICE_CAP, roles });
  const signer = operator.keys.wallet.connect(provider);
  const [{ feeder, prosumers }] = days;
  const keysOf = (id: number) => homes.find((home) => home.id === id)?.keys ?? systemKeys(id);
  const ids = [...prosumers.map(({ id }) => id), ...SYSTEM_IDS];
  const parties = ids.map((id) => {
    const { wallet, node, meter } = keysOf(id);
    return { id, wallet: wallet.address, nodeKey: node, meterKey: meter };
  });
  await Onboarding.register(deployment, signer, parties);
  await Onboarding.addGridModel(deployment, signer, modelOf(feeder, prosumers));
  await Onboarding.appointCommittee(deployment, signer, Onboarding.committeeOf(prosumers.map(({ id }) => id)));
  await seal(deployment, admin);
  for (const id of ids) {
    await Onboarding.fund(deployment, admin, id, Onboarding.tokens(depositOf(days, id)));
    const mandate = widest(days.map((day) => devnetMandate(day, id, allowancesOf(day, id))));
    const signature = await Onboarding.signMandate(deployment, keysOf(id).wallet, mandate);
    await Onboarding.registerMandate(deployment, admin, mandate, signature);
  }
  await connectHomes(deployment, signer, days, (id) => keysOf(id).wallet);
  await registerDevices(deployment, admin, days);
  return deployment;
}

/** For days to come after `earlier` ones: deposits for them, and mandates, feeder and connections as wide as all. */
export async function widenMarket(
  { provider, admin, deployment }: Place & { readonly deployment: Deployment },
  homes: readonly PartyHome[],
  { days, earlier }: { readonly days: readonly Scenario[]; readonly earlier: readonly Scenario[] },
  allowancesOf: (day: Scenario, id: number) => bigint,
): Promise<void> {
  const signer = homes[0].keys.wallet.connect(provider);
  await giveGas(
    provider,
    homes.map(({ keys }) => keys.wallet.address),
  );
  const [{ feeder, prosumers }] = days;
  const { registry, market } = contracts(deployment, provider);
  const model = modelOf(feeder, days.at(-1)!.prosumers);
  const { hash } = await registry.getFunction("gridModel").staticCall();
  if (hash !== keccak256(model)) await Onboarding.addGridModel(deployment, signer, model);
  const keysOf = (id: number) => homes.find((home) => home.id === id)?.keys ?? systemKeys(id);
  for (const id of [...prosumers.map((one) => one.id), ...SYSTEM_IDS]) {
    await Onboarding.fund(deployment, admin, id, Onboarding.tokens(depositOf(days, id)));
    const { nonce } = await market.getFunction("registeredMandate").staticCall(id);
    const needed = widest([...earlier, ...days].map((day) => devnetMandate(day, id, allowancesOf(day, id))));
    const mandate = { ...needed, nonce: BigInt(nonce) + 1n };
    const signature = await Onboarding.signMandate(deployment, keysOf(id).wallet, mandate);
    await Onboarding.registerMandate(deployment, admin, mandate, signature);
  }
  await connectHomes(deployment, signer, days, (id) => keysOf(id).wallet);
  await registerDevices(deployment, admin, days);
}

const modelOf = (feeder: Scenario["feeder"], prosumers: Scenario["prosumers"]): Uint8Array =>
  GridModel.encode(
    GridModel.fromFeeder(
      feeder,
      prosumers.map((one) => ({ id: one.id, bus: one.bus, ...capabilityOf(one) })),
    ),
  );

/** Enough for all sessions, $. */
function depositOf(days: readonly Scenario[], id: number): number {
  const needs = days.map((day) =>
    devnetDeposit(
      day,
      day.prosumers.find((one) => one.id === id),
    ),
  );
  return Math.min(
    Math.floor(MOST_SPEND),
    needs.reduce((sum, need) => sum + need, 0),
  );
}

/** One mandate that covers what each of these allows: a devnet's owner signs once. */
export function widest(mandates: readonly Mandate[]): Mandate {
  const most = (field: keyof Mandate): bigint =>
    mandates.reduce((best, one) => (BigInt(one[field]) > best ? BigInt(one[field]) : best), BigInt(mandates[0][field]));
  const least = (field: keyof Mandate): bigint =>
    mandates.reduce((best, one) => (BigInt(one[field]) < best ? BigInt(one[field]) : best), BigInt(mandates[0][field]));
  return {
    ...mandates[0],
    maxBuy: most("maxBuy"),
    minSell: least("minSell"),
    maxBuyW: most("maxBuyW"),
    maxSellW: most("maxSellW"),
    minReservePrice: least("minReservePrice"),
    maxReservePrice: most("maxReservePrice"),
    maxReserveW: most("maxReserveW"),
    maxCarbonPrice: most("maxCarbonPrice"),
    minCarbonPrice: least("minCarbonPrice"),
    maxCarbonG: most("maxCarbonG"),
    maxSpendPerDay: most("maxSpendPerDay"),
  };
}
