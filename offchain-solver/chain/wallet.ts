/**
 * What the owner of an account does with its wallet: look, pay in, take out, promise, take back. The same functions for
 * the page and for `gridpact wallet`; the signer is a key or a browser's wallet.
 */
import { Contract, Signature, type Provider, type Signer, type TypedDataDomain } from "ethers";
import { DELIVERY, TABLE_WRITER } from "../codec/abi.ts";
import { unpackLimits, type FrozenLimits, type Mandate } from "../codec/typedData.ts";
import { lossOf, takenOf, type SessionLength } from "../ledger/mandateLoss.ts";
import { endingsOf } from "./delivery.ts";
import { contracts, send, type Deployment } from "./deployment.ts";
import { registered } from "./keys.ts";
import { eventsOf } from "./logs.ts";
import { registerMandate, signMandate } from "./onboarding.ts";

/** Money in nano-dollars, tokens in their own units of 1e-6, times in Unix seconds of the chain's clock. */
export type WalletAccount = {
  readonly id: number;
  readonly wallet: string;
  readonly deposit: bigint;
  /** What could leave now, what the open session may still take, and what waits for the meters. */
  readonly free: bigint;
  readonly lock: bigint;
  readonly hold: bigint;
  readonly allowanceG: bigint;
  /** Spent in the sessions that start on `spentDay` (days since 1970). */
  readonly spentMicro: bigint;
  readonly spentDay: bigint;
  /** Tokens that have left the deposit, tokens that follow as soon as they are free, and when they can be paid. */
  readonly leaving: { readonly tokens: bigint; readonly queued: bigint; readonly availableAt: bigint };
  /** Registered for the next freeze; undefined: none, or it has expired or was revoked. */
  readonly mandate: FrozenLimits | undefined;
  readonly nonce: bigint;
  /** Sessions that begin from then on cannot charge what a meter says; 0n: it goes on; undefined: there is none. */
  readonly connectionEnds: bigint | undefined;
  /** What it owes of metered sessions that it could not pay. */
  readonly arrears: bigint;
  /** Of the wallet itself. */
  readonly tokens: bigint;
  readonly now: bigint;
};

/** How long a permit counts, s of the chain's clock. */
const PERMIT_S = 3_600n;
const ZERO = "0x0000000000000000000000000000000000000000";

/** Accounts that a wallet owns now, ascending. */
export async function accountsOf(deployment: Deployment, provider: Provider, wallet: string): Promise<number[]> {
  const { registry } = contracts(deployment, provider);
  const ids = new Set<number>();
  // A change of the wallet is rare, and its event is not found by the new one.
  for (const filter of [registry.filters.Registered(undefined, wallet), registry.filters.WalletRotated()])
    for (const { event } of await eventsOf(registry, filter, deployment.block)) ids.add(Number(event.args.id));
  const owners = await Promise.all([...ids].map((id) => registered(deployment, provider, id)));
  return [...ids].filter((_, k) => owners[k].wallet?.toLowerCase() === wallet.toLowerCase()).sort((a, b) => a - b);
}

/** Everything that the contracts say of an account at the newest block. */
export async function readAccount(deployment: Deployment, provider: Provider, id: number): Promise<WalletAccount> {
  const { market, token, registry } = contracts(deployment, provider);
  const ask = (method: string) => market.getFunction(method).staticCall(id);
  const block = provider.getBlock("latest");
  const [word, free, lock, hold, leaving, registeredOne, owner, connected] = await Promise.all([
    ask("account"),
    ask("free"),
    ask("lockOf"),
    ask("holdOf"),
    ask("pending"),
    ask("registeredMandate"),
    registry.getFunction("walletOf").staticCall(id),
    connectionIn(deployment, provider, id),
  ]);
  const { delivery, ends: connectionEnds } = connected;
  const now = BigInt((await block)?.timestamp ?? 0);
  const limits = unpackLimits(registeredOne.limits, registeredOne.capacity);
  return {
    id,
    wallet: owner,
    deposit: word.deposit,
    free,
    lock,
    hold,
    allowanceG: word.carbon,
    spentMicro: word.spentMicro,
    spentDay: word.day,
    leaving: { tokens: leaving.tokens, queued: leaving.queued, availableAt: leaving.availableAt },
    mandate: limits.validUntil > now ? limits : undefined,
    nonce: registeredOne.nonce,
    connectionEnds,
    arrears: delivery === undefined ? 0n : await delivery.getFunction("arrearsOf").staticCall(id),
    tokens: owner === ZERO ? 0n : await token.getFunction("balanceOf").staticCall(owner),
    now,
  };
}

/** The EIP-712 domain of the token's permits, as the token itself says; undefined where it knows of no permits. */
async function permitDomain(token: Contract, owner: string) {
  try {
    const { name, version, chainId, verifyingContract } = await token.getFunction("eip712Domain").staticCall();
    const nonce: bigint = await token.getFunction("nonces").staticCall(owner);
    return { domain: { name, version, chainId, verifyingContract } satisfies TypedDataDomain, nonce };
  } catch (error) {
    if ((error as { code?: string }).code === "CALL_EXCEPTION" || (error as { code?: string }).code === "BAD_DATA")
      return undefined;
    throw error;
  }
}

export const PERMIT_TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

/**
 * Pays tokens of the wallet into an account: a permit that is signed and one transaction, or two transactions where the
 * token takes no permits.
 */
export async function deposit(deployment: Deployment, wallet: Signer, id: number, tokens: bigint) {
  const { market, token } = contracts(deployment, wallet);
  const owner = await wallet.getAddress();
  const permit = await permitDomain(token, owner);
  if (permit === undefined) {
    await send(token, "approve", deployment.market, tokens);
    return send(market, "deposit", id, tokens);
  }
  const block = await wallet.provider?.getBlock("latest");
  const deadline = BigInt(block?.timestamp ?? 0) + PERMIT_S;
  const message = { owner, spender: deployment.market, value: tokens, nonce: permit.nonce, deadline };
  const { v, r, s } = Signature.from(await wallet.signTypedData(permit.domain, PERMIT_TYPES, message));
  return send(market, "depositWithPermit", id, tokens, deadline, v, r, s);
}

/** Asks for tokens of the deposit: what is free leaves it at once, and is paid once the delay is over. */
export const requestWithdrawal = (deployment: Deployment, wallet: Signer, id: number, tokens: bigint) =>
  send(contracts(deployment, wallet).market, "requestWithdrawal", id, tokens);

/** Pays out what was asked for, once the delay is over. Anybody may send it. */
export const withdraw = (deployment: Deployment, sender: Signer, id: number) =>
  send(contracts(deployment, sender).market, "withdraw", id);

/** Ends every mandate that was signed so far, from the next session on. */
export const revoke = (deployment: Deployment, wallet: Signer, id: number) =>
  send(contracts(deployment, wallet).market, "revokeMandate", id);

/** Where a wallet's connection stands: none, one that goes on, or one that ends. */
async function connectionIn(deployment: Deployment, runner: Provider | Signer, id: number) {
  const named = contracts(deployment, runner).market.getFunction("delivery");
  const address: string = deployment.delivery ?? (await named.staticCall());
  if (address === ZERO) return { delivery: undefined, ends: undefined };
  const delivery = new Contract(address, DELIVERY, runner);
  const [{ maxPrice, feedW, takeW }, endings] = await Promise.all([
    delivery.getFunction("connectionOf").staticCall(id),
    endingsOf(delivery),
  ]);
  const ending = endings.findLast((one) => one.id === id && one.until === 0n);
  // A nonce alone is none: who ends a connection that it has not, voids what it had signed of one.
  const none = maxPrice === 0n && feedW === 0n && takeW === 0n;
  return { delivery, ends: none ? undefined : (ending?.from ?? 0n) };
}

/**
 * Ends every mandate and every connection that was signed so far, sent or not, so that no session which begins more
 * than two days from now takes anything, then asks for the whole deposit: a transaction each.
 */
export async function leave(deployment: Deployment, wallet: Signer, account: WalletAccount): Promise<void> {
  const { id, deposit: nano, leaving } = account;
  await revoke(deployment, wallet, id);
  const { delivery } = await connectionIn(deployment, wallet, id);
  if (delivery !== undefined) await send(delivery, "endConnection", id);
  const tokens = nano / 1_000n - leaving.queued;
  if (tokens > 0n) await requestWithdrawal(deployment, wallet, id, tokens);
}

/**
 * Moves what an account owes out of what has come into its deposit since, into the insurance fund, as far as that goes.
 * Anybody may send it.
 */
export async function collect(deployment: Deployment, sender: Signer, id: number) {
  const { delivery } = await connectionIn(deployment, sender, id);
  if (delivery === undefined) throw new RangeError("the market has no delivery contract");
  return send(delivery, "collect", id);
}

/** The number that the account's next mandate must have. */
export const nextNonce = ({ nonce }: Pick<WalletAccount, "nonce">): bigint => nonce + 1n;

/** Signs a mandate and registers it. `relay` pays for it, the wallet itself unless given. */
export async function promise(deployment: Deployment, wallet: Signer, mandate: Mandate, relay?: Signer) {
  const signature = await signMandate(deployment, wallet, mandate);
  await registerMandate(deployment, relay ?? wallet, mandate, signature);
}

/** What answers for the chain says another figure of a mandate's cost than the contract can. */
export class FalseFigure extends Error {
  constructor() {
    super("what answers for the chain says another figure than the contract can");
    this.name = "FalseFigure";
  }
}

async function askedOf(
  deployment: Deployment,
  provider: Provider,
  view: "mostLoss" | "mostTaken",
  args: readonly unknown[],
  due: bigint,
): Promise<bigint> {
  const writer = await contracts(deployment, provider).market.getFunction("tableWriter").staticCall();
  const nano = await new Contract(writer, TABLE_WRITER, provider).getFunction(view).staticCall(...args);
  if (nano !== due) throw new FalseFigure();
  return nano;
}

/**
 * The most that one session can take under a mandate, whoever signed it, nano-dollars: the contract's own figure, held
 * against its rule, since an endpoint may say anything in its name. Throws FalseFigure.
 */
export const mostLoss = (
  deployment: Deployment,
  provider: Provider,
  mandate: Mandate,
  length: SessionLength,
): Promise<bigint> => {
  const args = [mandate, length.periodSeconds, length.periods];
  return askedOf(deployment, provider, "mostLoss", args, lossOf(mandate, length));
};

/**
 * What its delivery can take besides, where the meter keeps to the mandate, nano-dollars: the contract's own too.
 * Throws FalseFigure.
 */
export const mostTaken = (
  deployment: Deployment,
  provider: Provider,
  mandate: Mandate,
  { imbalancePrice, ...length }: SessionLength & { readonly imbalancePrice: bigint },
): Promise<bigint> => {
  const args = [mandate, length.periodSeconds, length.periods, imbalancePrice];
  return askedOf(deployment, provider, "mostTaken", args, takenOf(mandate, length, imbalancePrice));
};
