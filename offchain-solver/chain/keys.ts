/** A party's keys in the registry: proofs of possession, admission, rotation. */
import { Contract, isError, type BaseWallet, type Provider, type Signer } from "ethers";
import { METER_KEY_TYPES, NODE_KEY_TYPES, registryDomain, sessionHash, type SessionTerms } from "../codec/typedData.ts";
import { contracts, type Deployment, send } from "./deployment.ts";
import { eventsOf, type ContractEvent } from "./logs.ts";

/** What the registry holds of a party; `wallet` undefined: nobody has this id. */
export type Registered = {
  readonly wallet: string | undefined;
  readonly nodeKey: string;
  readonly meterKey: string;
  readonly rotations: bigint;
  readonly meterRotations: bigint;
};

/** Shown to whoever admits parties: addresses, and that the keys behind them are held. */
export type Registration = {
  readonly prosumer: number;
  readonly chainId: string;
  readonly registry: string;
  readonly wallet: string;
  readonly nodeKey: string;
  readonly meterKey: string;
  readonly nodeProof: string;
  readonly meterProof: string;
};

/** What a node or a wallet knows of a market that was deployed by others: its address says the rest. */
export async function marketAt(provider: Provider, market: string): Promise<Deployment> {
  const { chainId } = await provider.getNetwork();
  const parts = new Contract(
    market,
    ["function registry() view returns (address)", "function token() view returns (address)"],
    provider,
  );
  const [registry, token] = await Promise.all([
    parts.getFunction("registry").staticCall(),
    parts.getFunction("token").staticCall(),
  ]);
  return { chainId, block: 0, authority: "0x0000000000000000000000000000000000000000", token, registry, market };
}

/** Whether that failed for what the contract at the address is, not for who was asked. */
export const isNoMarket = (error: unknown): boolean => isError(error, "BAD_DATA") || isError(error, "CALL_EXCEPTION");

export async function registered(deployment: Deployment, provider: Provider, id: number): Promise<Registered> {
  const party = await contracts(deployment, provider).registry.getFunction("party").staticCall(id);
  const nobody = /^0x0+$/.test(party.wallet);
  const { nodeKey, meterKey, rotations, meterRotations } = party;
  return { wallet: nobody ? undefined : party.wallet, nodeKey, meterKey, rotations, meterRotations };
}

/** Everybody who was ever registered, system accounts too. */
export async function partyIds(deployment: Deployment, provider: Provider): Promise<number[]> {
  const { registry } = contracts(deployment, provider);
  const all = await eventsOf(registry, registry.filters.Registered(), deployment.block);
  return all.map(({ event }) => Number(event.args.id));
}

/** By party id: whose signatures count for what became of a session. */
export type SessionKeys = {
  /** Those that the meter has had since the freeze, the one of then first: one that is replaced later has read too. */
  readonly meterKeys: ReadonlyMap<number, readonly string[]>;
  /** As they were at the freeze. */
  readonly nodeKeys: ReadonlyMap<number, string>;
};

/** Keys of a frozen session, from the events of registry and market. Throws where its freeze is not on chain. */
export async function keysOfSession(
  deployment: Deployment,
  provider: Provider,
  terms: SessionTerms,
): Promise<SessionKeys> {
  const { registry, market } = contracts(deployment, provider);
  const [freeze] = await eventsOf(market, market.filters.SessionFrozen(null, sessionHash(terms)), deployment.block);
  if (freeze === undefined) throw new Error(`no SessionFrozen event of ordinal ${terms.ordinal}`);
  const names = ["Registered", "NodeKeyRotated", "MeterKeyRotated"] as const;
  const all = await Promise.all(names.map((name) => eventsOf(registry, registry.filters[name](), deployment.block)));
  const isBefore = (one: ContractEvent, other: ContractEvent): number =>
    one.log.blockNumber - other.log.blockNumber || one.log.index - other.log.index;
  const meterKeys = new Map<number, readonly string[]>();
  const nodeKeys = new Map<number, string>();
  for (const one of all.flat().toSorted(isBefore)) {
    const { id, nodeKey, meterKey } = one.event.args.toObject();
    const frozen = isBefore(one, freeze) > 0;
    if (nodeKey !== undefined && !frozen) nodeKeys.set(Number(id), nodeKey);
    if (meterKey !== undefined)
      meterKeys.set(Number(id), [...(frozen ? (meterKeys.get(Number(id)) ?? []) : []), meterKey]);
  }
  return { meterKeys, nodeKeys };
}

/** A new party's proofs; the registry's address is in what they sign, so they hold nowhere else. */
export async function registrationOf(
  { chainId, registry }: Pick<Deployment, "chainId" | "registry">,
  prosumer: number,
  keys: Readonly<Record<"wallet" | "node" | "meter", BaseWallet>>,
): Promise<Registration> {
  const domain = registryDomain(chainId, registry);
  const wallet = keys.wallet.address;
  const message = { prosumer, wallet, rotation: 0n };
  return {
    prosumer,
    chainId: chainId.toString(),
    registry,
    wallet,
    nodeKey: keys.node.address,
    meterKey: keys.meter.address,
    nodeProof: await keys.node.signTypedData(domain, NODE_KEY_TYPES, message),
    meterProof: await keys.meter.signTypedData(domain, METER_KEY_TYPES, message),
  };
}

/** By the operator. */
export async function admit(deployment: Deployment, operator: Signer, one: Registration): Promise<void> {
  const { registry } = contracts(deployment, operator);
  const { prosumer, wallet, nodeKey, meterKey, nodeProof, meterProof } = one;
  await send(registry, "register", prosumer, wallet, nodeKey, meterKey, nodeProof, meterProof);
}

/** By the party's wallet, which pays. */
export async function rotateNodeKey(deployment: Deployment, wallet: Signer, id: number, key: BaseWallet) {
  const { rotations } = await registered(deployment, wallet.provider as Provider, id);
  const domain = registryDomain(deployment.chainId, deployment.registry);
  const message = { prosumer: id, wallet: await wallet.getAddress(), rotation: rotations + 1n };
  const proof = await key.signTypedData(domain, NODE_KEY_TYPES, message);
  return send(contracts(deployment, wallet).registry, "rotateNodeKey", id, key.address, proof);
}

/** By the party's old wallet. Ends its mandate, its recoverer and its place in a committee. */
export const rotateWallet = (deployment: Deployment, wallet: Signer, id: number, next: string) =>
  send(contracts(deployment, wallet).registry, "rotateWallet", id, next);

/** What a new meter proves with; the operator sends it. */
export async function meterProof(deployment: Deployment, provider: Provider, id: number, key: BaseWallet) {
  const { wallet, meterRotations } = await registered(deployment, provider, id);
  const domain = registryDomain(deployment.chainId, deployment.registry);
  return key.signTypedData(domain, METER_KEY_TYPES, { prosumer: id, wallet, rotation: meterRotations + 1n });
}

/** By the operator. */
export const rotateMeterKey = (deployment: Deployment, operator: Signer, id: number, meterKey: string, proof: string) =>
  send(contracts(deployment, operator).registry, "rotateMeterKey", id, meterKey, proof);
