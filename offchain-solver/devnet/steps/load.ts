import { keccak256, type Signer } from "ethers";
import * as Deployment from "../../chain/deployment.ts";
import * as Onboarding from "../../chain/onboarding.ts";
import { settingsTerms } from "../../clearing/settingsTerms.ts";
import { deployAll } from "../deploy.ts";
import * as GridModel from "../../codec/gridModel.ts";
import type { Terms } from "../../codec/terms.ts";
import { HIGHEST_PRICE_CAP } from "../../ledger/settleable.ts";
import { publicScenario, type PrivatePart } from "../../market/scenario/publicScenario.ts";
import { capabilityOf } from "../../market/scenario/capability.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { settingsFor, type ClearOptions } from "../../simulation/clear.ts";
import { connectHomes, registerDevices } from "../connections.ts";
import { devnetKey } from "../devnetKeys.ts";
import { devnetMandate } from "../devnetMandate.ts";
import { devnetDeposit } from "../devnetTerms.ts";
import type { Chain } from "../embedded.ts";
import { SessionRefused } from "../refused.ts";

/**
 * Regrets that certify an optimum add up to at most this part of the gross turnover, in 1e-9, and rounding
 * (`certificate.ts`).
 */
export const WITNESS_TOLERANCE_NANO = 10_000;

export const SYSTEM_IDS = [Onboarding.DESK_ID, Onboarding.OPERATOR_ID, Onboarding.UTILITY_ID];

/** What all parties will be shown, what each keeps to itself, and the market that they are members of. */
export type Loaded = {
  readonly chain: Chain;
  readonly terms: Terms;
  /** [prosumer] its own file; only the process that stands for its node looks into it. */
  readonly parts: readonly PrivatePart[];
  readonly deployment: Deployment.Deployment;
  /** Ids in the order of the signers' bits. */
  readonly committee: readonly number[];
};

/** Splits a scenario into public terms and private parts, and puts a market with all its members on the chain. */
export async function load(scenario: Scenario, options: ClearOptions, chain: Chain): Promise<Loaded> {
  if (options.method === "central") throw new Error("a session is cleared by its nodes, not by the central twin");
  const terms: Terms = {
    scenario: publicScenario(options.trade ? scenario : { ...scenario, pairs: [] }),
    settings: options.market,
    clearing: { ...settingsTerms(settingsFor(options.method, options)) } as Terms["clearing"],
    toleranceNano: WITNESS_TOLERANCE_NANO,
  };
  const committee = Onboarding.committeeOf(scenario.prosumers.map(({ id }) => id));
  const deployment = chain.deployment ?? (await openMarket(chain.admin, scenario));
  if (chain.deployment !== undefined) {
    await checkMembers(deployment, chain.admin, scenario);
    await updateGrid(deployment, chain.admin, scenario);
  }
  await fund(deployment, chain.admin, scenario, terms);
  await connectHomes(deployment, chain.admin, [scenario], (id) => devnetKey("wallet", id));
  await registerDevices(deployment, chain.admin, [scenario]);
  if (options.market.carbon) await Onboarding.issueAllowances(deployment, chain.admin, allowances(terms));
  return { chain, terms, parts: scenario.prosumers, deployment, committee };
}

const allowances = ({ scenario }: Terms): Map<number, bigint> =>
  new Map(scenario.prosumers.map(({ id, allowanceT }) => [id, BigInt(Math.floor(allowanceT * 1e6))]));

/** A market with the scenario's members, their feeder and committee, open to deposits. */
export async function openMarket(admin: Signer, scenario: Scenario): Promise<Deployment.Deployment> {
  const deployment = await deployAll(admin, { priceCap: HIGHEST_PRICE_CAP });
  const committee = Onboarding.committeeOf(scenario.prosumers.map(({ id }) => id));
  await register(deployment, admin, scenario, committee);
  return deployment;
}

/** Refuses a market in which somebody of the scenario is nobody, or somebody else than this devnet's. */
async function checkMembers(deployment: Deployment.Deployment, admin: Signer, { prosumers }: Scenario): Promise<void> {
  const { registry } = Deployment.contracts(deployment, admin);
  for (const id of [...prosumers.map((p) => p.id), ...SYSTEM_IDS]) {
    const { wallet } = await registry.getFunction("party").staticCall(id);
    if (wallet !== devnetKey("wallet", id).address)
      throw new SessionRefused("refused", `account ${id} of market ${deployment.market} has no wallet of this devnet`);
  }
}

/**
 * Of a market that stands there: the feeder and its connections are those of another day, whose loads were smaller or
 * larger, until the operator registers what this session's terms say. An auditor compares the two.
 */
async function updateGrid(deployment: Deployment.Deployment, admin: Signer, scenario: Scenario): Promise<void> {
  const { registry } = Deployment.contracts(deployment, admin);
  const model = gridModelOf(scenario);
  const { hash } = await registry.getFunction("gridModel").staticCall();
  if (hash !== keccak256(model)) await Onboarding.addGridModel(deployment, admin, model);
}

const gridModelOf = ({ feeder, prosumers }: Scenario): Uint8Array =>
  GridModel.encode(
    GridModel.fromFeeder(
      feeder,
      prosumers.map((one) => ({ id: one.id, bus: one.bus, ...capabilityOf(one) })),
    ),
  );

async function register(
  deployment: Deployment.Deployment,
  admin: Signer,
  scenario: Scenario,
  committee: readonly number[],
): Promise<void> {
  const parties = [...scenario.prosumers.map(({ id }) => id), ...SYSTEM_IDS].map((id) => ({
    id,
    wallet: devnetKey("wallet", id).address,
    nodeKey: devnetKey("node", id),
    meterKey: devnetKey("meter", id),
  }));
  await Onboarding.register(deployment, admin, parties);
  await Onboarding.addGridModel(deployment, admin, gridModelOf(scenario));
  await Onboarding.appointCommittee(deployment, admin, committee);
  await Deployment.seal(deployment, admin);
}

/** Every account's deposit and mandate. */
async function fund(deployment: Deployment.Deployment, admin: Signer, scenario: Scenario, terms: Terms): Promise<void> {
  const held = allowances(terms);
  const { market } = Deployment.contracts(deployment, admin);
  for (const id of [...scenario.prosumers.map((p) => p.id), ...SYSTEM_IDS]) {
    const prosumer = scenario.prosumers.find((p) => p.id === id);
    await Onboarding.fund(deployment, admin, id, Onboarding.tokens(devnetDeposit(scenario, prosumer)));
    const { nonce } = await market.getFunction("registeredMandate").staticCall(id);
    const promised = devnetMandate(scenario, id, held.get(id) ?? 0n, terms.settings);
    const mandate = { ...promised, nonce: nonce + 1n };
    const signature = await Onboarding.signMandate(deployment, devnetKey("wallet", id), mandate);
    await Onboarding.registerMandate(deployment, admin, mandate, signature);
  }
}
