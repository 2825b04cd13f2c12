/** Opens a party's process from its folder, or says in one sentence why that cannot be. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import { connect } from "../chain/connect.ts";
import { isNoMarket, marketAt, registered } from "../chain/keys.ts";
import { OPERATOR_ID } from "../chain/onboarding.ts";
import { genesisOf } from "../chain/watch.ts";
import { TermsSchema, type Terms } from "../codec/terms.ts";
import { InputError } from "../io/inputError.ts";
import { complaint, readJson } from "../io/readJson.ts";
import { createApi, serveApi } from "./api.ts";
import { openCarrier } from "./carrier.ts";
import { partyId, readConfig, type Config } from "./config.ts";
import { checkOwnerOnly, configFile, journalFile, keyFile, oldKeyFile, privateFile } from "./home.ts";
import { Journal } from "./journal/journal.ts";
import { openKey } from "./keystore.ts";
import { createMetrics } from "./metrics.ts";
import { Party, type Log, type PartyOptions } from "./party.ts";
import { readPassword } from "./password.ts";
import { readPeers } from "./peers.ts";
import { partFor, PrivateFileSchema } from "./privateFile.ts";
import { Records } from "./records.ts";

export type Opened = {
  readonly party: Party;
  readonly id: number;
  readonly config: Config;
  readonly records: Records;
  readonly journal: Journal;
  /** Rejects with what keeps it from going on. */
  readonly failed: Promise<never>;
  readonly close: () => Promise<void>;
};

/** A chain that has just been started is waited for. */
const CHAIN_MS = 30_000;

/** `role`: what the command is for. Throws InputError that names file, field and value. */
export async function openParty(home: string, role: "node" | "operator", log: Log): Promise<Opened> {
  const file = configFile(home);
  const { config, id, schedule } = readOwn(home, role);
  const password = await readPassword({ ...(config.passwordFile && { file: config.passwordFile }) });
  const keys = await openKeys(home, password);
  const provider = connect(config.rpc);
  // Whatever was opened is closed again where it does not come to a party that runs.
  const opened: { close: () => unknown }[] = [];
  try {
    const deployment = await checkChain(file, config, provider);
    await checkRegistered(file, id, { provider, deployment, nodeKey: keys.node.address, wallet: keys.wallet.address });
    const owner = {
      party: id,
      chainId: String(config.chainId),
      genesis: await genesisOf(provider),
      market: config.market,
    };
    const journal = new Journal(journalFile(home), owner);
    opened.push(journal);
    const observe = ({ kind, ...rest }: { kind: string }): void => log(LOUD.has(kind) ? "warn" : "debug", kind, rest);
    const carrier = await openCarrier({ config, party: id, nodeKey: keys.node, deployment, observe });
    opened.push(carrier);
    const records = new Records(home, config.bundles);
    const watchers = new Set<() => void>();
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => undefined);
    const party = new Party({
      party: id,
      config,
      provider,
      deployment,
      keys,
      journal,
      carrier,
      records,
      ...(role === "node" && { partFor: (terms: Terms) => partFor(privateFile(home), terms) }),
      ...(schedule && { schedule }),
      log,
      failed: reject,
      changed: () => watchers.forEach((changed) => changed()),
    });
    // It closes carrier and journal with it.
    opened.splice(0, 2, party);
    const watch = (changed: () => void): (() => void) => {
      watchers.add(changed);
      return () => void watchers.delete(changed);
    };
    const metrics = createMetrics({ party, records, journal, carrier });
    const { api } = config;
    const server = api && (await serveApi(createApi({ party, id, records, journal, metrics, watch }, api.host), api));
    if (server) opened.push({ close: () => [server.closeAllConnections(), server.close()] });
    const parties = readPeers(config.peers).map(({ party: other }) => other);
    await party.start([...new Set([...parties, OPERATOR_ID, id])]);
    const close = async (): Promise<void> => {
      server?.closeAllConnections();
      server?.close();
      await party.close();
      provider.destroy();
    };
    return { party, id, config, records, journal, failed, close };
  } catch (error) {
    // What cannot be closed must not keep the rest open: the process would never end.
    for (const one of opened)
      await Promise.resolve(one)
        .then(() => one.close())
        .catch(() => undefined);
    provider.destroy();
    throw error;
  }
}

/** What the folder says, checked before anything runs. */
function readOwn(home: string, role: "node" | "operator") {
  const file = configFile(home);
  const config = readConfig(file);
  const id = partyId(config);
  if ((id === OPERATOR_ID) !== (role === "operator"))
    throw complaint(
      file,
      "party",
      config.party,
      `gridpact ${role} is for ${role === "node" ? "prosumers" : "the operator"}`,
    );
  const schedule = role === "operator" ? readSchedule(file, config) : undefined;
  schedule?.();
  if (role === "node") readJson(privateFile(home), PrivateFileSchema);
  return { config, id, schedule };
}

/** The meter's may be in the meter alone: then its readings come from there. */
export async function openKeys(home: string, password: string): Promise<PartyOptions["keys"]> {
  for (const one of ["wallet", "node", "meter"] as const) checkOwnerOnly(keyFile(home, one));
  const meter = existsSync(keyFile(home, "meter"));
  return {
    ...(meter && { meter: await openKey(keyFile(home, "meter"), password, "meter") }),
    wallet: await openKey(keyFile(home, "wallet"), password, "wallet"),
    node: await openKey(keyFile(home, "node"), password, "node"),
    oldNode: (address) => openKey(oldKeyFile(home, "node", address), password, "node"),
  };
}

/** What whoever runs a node should see without asking. */
const LOUD: ReadonlySet<string> = new Set(["refused", "turnedAway", "dropped"]);

async function checkChain(file: string, config: Config, provider: JsonRpcProvider) {
  const { rpc, chainId, market, clockToleranceS } = config;
  const found = BigInt(await answered(file, rpc, provider));
  if (found !== BigInt(chainId)) throw complaint(file, "chainId", chainId, `${rpc} is another chain, ${found}`);
  if ((await provider.getCode(market)) === "0x")
    throw complaint(file, "market", market, `there is no contract at this address on ${rpc}`);
  const { timestamp } = (await provider.getBlock("latest"))!;
  const offS = Math.round(Date.now() / 1000) - timestamp;
  if (clockToleranceS !== undefined && offS < -clockToleranceS)
    throw complaint(
      file,
      "clockToleranceS",
      clockToleranceS,
      `this machine's clock is ${Math.round(-offS / 60)} minutes behind the chain's newest block: set it right`,
    );
  return marketAt(provider, market).catch((error: unknown) => {
    throw isNoMarket(error) ? complaint(file, "market", market, "the contract at this address is no market") : error;
  });
}

async function answered(file: string, rpc: string, provider: JsonRpcProvider): Promise<string> {
  for (const end = performance.now() + CHAIN_MS; ;) {
    try {
      const response = await fetch(rpc, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      });
      if (response.ok) return await provider.send("eth_chainId", []);
      throw new Error(`HTTP ${response.status}`);
    } catch (error) {
      if (performance.now() > end)
        throw complaint(file, "rpc", rpc, `no answer for ${CHAIN_MS / 1000} s (${(error as Error).message})`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

type Own = {
  readonly provider: JsonRpcProvider;
  readonly deployment: Awaited<ReturnType<typeof marketAt>>;
  readonly nodeKey: string;
  readonly wallet: string;
};

async function checkRegistered(
  file: string,
  id: number,
  { provider, deployment, nodeKey, wallet }: Own,
): Promise<void> {
  const found = await registered(deployment, provider, id);
  if (found.wallet === undefined)
    throw complaint(
      file,
      "party",
      id,
      "is not registered: the operator admits it with gridpact admit registration.json",
    );
  if (found.nodeKey !== nodeKey)
    throw complaint(
      file,
      "party",
      id,
      `its node key ${nodeKey} is not registered; the registry names ${found.nodeKey}`,
    );
  if (found.wallet !== wallet)
    throw complaint(file, "party", id, `its wallet ${wallet} is not registered; the registry names ${found.wallet}`);
}

/** Read anew each time: the operator adds sessions while its process runs. */
function readSchedule(file: string, { schedule }: Config): () => readonly Terms[] {
  if (schedule === undefined)
    throw complaint(file, "schedule", undefined, "is missing: a folder with terms of sessions");
  const known = new Map<string, Terms>();
  return () => {
    let names: string[];
    try {
      names = readdirSync(schedule).filter((name) => name.endsWith(".json"));
    } catch (error) {
      throw new InputError(
        `${file}: schedule = ${schedule}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      );
    }
    return names.sort().map((name) => {
      const terms = known.get(name) ?? readJson(join(schedule, name), TermsSchema);
      known.set(name, terms);
      return terms;
    });
  };
}
