/** A browser's wallet for tests: announced by EIP-6963, its key in the test's process, so that it really signs. */
import type { Page } from "playwright-core";
import { toQuantity, type TransactionLike, type TypedDataField, type Wallet } from "ethers";
import { connect } from "../../offchain-solver/chain/connect.ts";

export type PageWallet = {
  /** What was asked of the owner so far: signatures and transactions, in order. */
  readonly asked: readonly string[];
  /** The typed messages that were shown before they were signed. */
  readonly messages: readonly { readonly primaryType: string; readonly message: Readonly<Record<string, unknown>> }[];
  /** Declines whatever comes next, or takes it again. */
  readonly decline: (declines: boolean) => void;
  /** Its own node answers nothing of that name; undefined: it answers all. */
  readonly silence: (methods: RegExp | undefined) => void;
  /** Called before each signature is given. */
  readonly beforeSigning: (act: (() => Promise<void>) | undefined) => void;
  /** The owner goes to another of its keys, or to another chain. */
  readonly goTo: (key: Wallet) => Promise<void>;
  readonly onChain: (chainId: number) => Promise<void>;
  readonly close: () => void;
};

type Typed = {
  readonly domain: Record<string, unknown>;
  readonly types: Record<string, TypedDataField[]>;
  readonly primaryType: string;
  readonly message: Record<string, unknown>;
};
type Answer = { readonly result: unknown } | { readonly error: { code: number; message: string; data?: unknown } };

const DECLINED = { code: 4001, message: "User rejected the request." };

/** Runs in the page, before its own scripts. */
const announce = `(() => {
  const listeners = new Map();
  const wallet = {
    async request({ method, params = [] }) {
      const answer = JSON.parse(await globalThis.gridpactWallet(JSON.stringify({ method, params })));
      if ("error" in answer) throw Object.assign(new Error(answer.error.message), answer.error);
      return answer.result;
    },
    on(event, listener) { listeners.set(event, [...(listeners.get(event) ?? []), listener]); },
    removeListener(event, listener) { listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== listener)); },
  };
  globalThis.gridpactTell = (event, value) => { for (const listener of listeners.get(event) ?? []) listener(value); };
  const info = { uuid: "7e57-wallet", name: "Test wallet", icon: "", rdns: "test.wallet" };
  const detail = Object.freeze({ info, provider: wallet });
  const say = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  window.addEventListener("eip6963:requestProvider", say);
  say();
})();`;

/** The wallet's side: what its owner has chosen, and what it was asked. */
type State = {
  readonly provider: ReturnType<typeof connect>;
  /** The chain that the wallet sends to, and the one that it says it is on. */
  readonly home: number;
  chainId: number;
  key: Wallet;
  declines: boolean;
  silent: RegExp | undefined;
  before: (() => Promise<void>) | undefined;
  readonly asked: string[];
  readonly messages: Typed[];
};

async function owner(state: State, what: string): Promise<void> {
  if (state.declines) throw DECLINED;
  state.asked.push(what);
  await state.before?.();
}

async function answerOf(state: State, method: string, params: readonly unknown[]): Promise<unknown> {
  const { provider } = state;
  switch (method) {
    case "eth_requestAccounts":
    case "wallet_switchEthereumChain":
      if (state.declines) throw DECLINED;
      return method === "eth_requestAccounts" ? [state.key.address] : null;
    case "eth_accounts":
      return [state.key.address];
    case "eth_chainId":
      return toQuantity(state.chainId);
    case "eth_signTypedData_v4": {
      const typed = JSON.parse(params[1] as string) as Typed;
      const signer = state.key;
      state.messages.push(typed);
      await owner(state, `sign ${typed.primaryType}`);
      const { EIP712Domain: _, ...types } = typed.types;
      return signer.signTypedData(typed.domain, types, typed.message);
    }
    case "eth_sendTransaction": {
      await owner(state, "send");
      const { from, gas, ...transaction } = params[0] as TransactionLike & { gas?: string };
      if (from?.toLowerCase() !== state.key.address.toLowerCase()) throw { code: 4100, message: "not this account" };
      const sent = await state.key.connect(provider).sendTransaction({ ...transaction, ...(gas && { gasLimit: gas }) });
      return sent.hash;
    }
    default:
      if (state.silent?.test(method)) throw { code: -32603, message: "no answer" };
      if (state.chainId !== state.home) throw { code: -32000, message: "another chain" };
      return provider.send(method, [...params]);
  }
}

/** As a wallet hands on what a node refuses: its code, its words, its data. */
function faultOf(error: unknown) {
  type Inner = { readonly code?: number; readonly data?: unknown };
  const {
    code,
    message,
    data,
    info,
    error: inner,
  } = error as {
    code?: unknown;
    message?: string;
    data?: unknown;
    info?: { error?: Inner };
    error?: Inner;
  };
  const known = inner ?? info?.error;
  const number = typeof code === "number" ? code : (known?.code ?? -32603);
  return { code: number, message: message ?? "failed", data: data ?? known?.data };
}

/** Before the page is opened. `rpc`: the chain that the wallet itself sends to. */
export async function giveWallet(page: Page, key: Wallet, rpc: string): Promise<PageWallet> {
  const provider = connect(rpc);
  const home = Number((await provider.getNetwork()).chainId);
  const place = { provider, home, chainId: home };
  const state: State = {
    ...place,
    key,
    declines: false,
    silent: undefined,
    before: undefined,
    asked: [],
    messages: [],
  };
  const tell = async (event: string, value: unknown): Promise<void> => {
    const told = JSON.stringify([event, value]);
    await page.evaluate(`globalThis.gridpactTell(...${told})`);
  };
  const onChain = async (id: number): Promise<void> => {
    state.chainId = id;
    await tell("chainChanged", toQuantity(id));
  };
  await page.exposeFunction("gridpactWallet", async (text: string): Promise<string> => {
    const { method, params } = JSON.parse(text) as { method: string; params: readonly { chainId: string }[] };
    let reply: Answer;
    try {
      reply = { result: await answerOf(state, method, params) };
      if (method === "wallet_switchEthereumChain") await onChain(Number(params[0].chainId));
    } catch (error) {
      reply = { error: faultOf(error) };
    }
    return JSON.stringify(reply, (_, value: unknown) => (typeof value === "bigint" ? toQuantity(value) : value));
  });
  await page.addInitScript(announce);
  return {
    asked: state.asked,
    messages: state.messages,
    decline: (now) => void (state.declines = now),
    silence: (methods) => void (state.silent = methods),
    beforeSigning: (act) => void (state.before = act),
    async goTo(next) {
      state.key = next;
      await tell("accountsChanged", [next.address]);
    },
    onChain,
    close: () => provider.destroy(),
  };
}
