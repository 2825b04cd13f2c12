/** A devnet's parties on the disk: each its folder with keys, configuration and private file, and what all may know. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { Wallet } from "ethers";
import { parseDocument, stringify } from "yaml";
import * as Onboarding from "../chain/onboarding.ts";
import type { Deployment } from "../chain/deployment.ts";
import { termsBytes, TermsSchema, type Terms } from "../codec/terms.ts";
import { readJson } from "../io/readJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { ConfigSchema, type Config } from "../node/config.ts";
import { configFile, makeHome, privateFile, putOwn, writeOwn } from "../node/home.ts";
import { KEY_ROLES, SCRYPT_N, type KeyRole } from "../node/keystore.ts";
import { readPassword } from "../node/password.ts";
import { PrivateFileSchema } from "../node/privateFile.ts";
import { ownKey } from "../node/rotation.ts";
import { devnetKey } from "./devnetKeys.ts";

export type PartyHome = {
  readonly id: number;
  readonly home: string;
  readonly keys: Readonly<Record<KeyRole, Wallet>>;
};

export const passwordFile = (data: string): string => join(data, "password");
export const peersFile = (data: string): string => join(data, "public", "peers.json");
export const scheduleFolder = (data: string): string => join(data, "public", "terms");
export const bundleFolder = (data: string): string => join(data, "public", "bundles");
export const homeOf = (data: string, id: number): string =>
  join(data, id === Onboarding.OPERATOR_ID ? "operator" : join("nodes", String(id)));

/**
 * Folders and keys of the operator and the prosumers, those that are there kept; utility and desk have no process, and
 * keys that anybody knows.
 */
export async function makeParties(data: string, ids: readonly number[]): Promise<PartyHome[]> {
  for (const folder of ["public/terms", "public/bundles", "nodes", "log"])
    mkdirSync(join(data, folder), { recursive: true });
  if (!existsSync(passwordFile(data))) writeOwn(passwordFile(data), `${randomBytes(16).toString("hex")}\n`);
  const password = await readPassword({ file: passwordFile(data) });
  const homes: PartyHome[] = [];
  for (const id of [Onboarding.OPERATOR_ID, ...ids]) {
    const home = homeOf(data, id);
    makeHome(home);
    const keys = {} as Record<KeyRole, Wallet>;
    for (const role of KEY_ROLES) keys[role] = await ownKey(home, role, password, SCRYPT_N.devnet);
    homes.push({ id, home, keys });
  }
  return homes;
}

/** Utility and desk: accounts that nobody's node stands for. */
export const systemKeys = (id: number): Record<KeyRole, Wallet> => ({
  wallet: devnetKey("wallet", id),
  node: devnetKey("node", id),
  meter: devnetKey("meter", id),
});

export type Wiring = {
  readonly rpc: string;
  readonly deployment: Deployment;
  readonly transport: { readonly kind: "tls" } | { readonly kind: "nats"; readonly servers: readonly string[] };
  /** [party] a port for its peers and one for its API. */
  readonly ports: ReadonlyMap<number, { readonly peers: number; readonly api: number }>;
  readonly settings: Pick<Config, "patienceMs" | "pollMs" | "leadS" | "logLevel" | "deliver">;
};

/**
 * What every process reads when it starts: its configuration, and where the others listen. Of a configuration that is
 * there only what hangs on this run is written anew; the rest may be its owner's.
 */
export function writeConfigs(data: string, homes: readonly PartyHome[], wiring: Wiring): void {
  const { rpc, deployment, transport, ports, settings } = wiring;
  const portsOf = (id: number) => ports.get(id) as { peers: number; api: number };
  const parties = homes.map(({ id }) => ({
    party: id,
    ...(transport.kind === "tls" && { host: "127.0.0.1", port: portsOf(id).peers }),
  }));
  putOwn(peersFile(data), `${JSON.stringify({ parties }, undefined, 2)}\n`);
  for (const { id, home } of homes) {
    const ofRun = {
      rpc,
      transport:
        transport.kind === "tls"
          ? { kind: "tls", port: portsOf(id).peers }
          : { kind: "nats", servers: [...transport.servers] },
      api: { port: portsOf(id).api },
    };
    if (existsSync(configFile(home))) {
      const kept = parseDocument(readFileSync(configFile(home), "utf8"));
      for (const [field, value] of Object.entries(ofRun)) kept.set(field, kept.createNode(value));
      putOwn(configFile(home), kept.toString());
      continue;
    }
    // Counted from the home, as whoever reads it counts: the devnet's folder may be named as one likes, and moved.
    const from = (path: string): string => relative(home, path);
    const config = ConfigSchema.parse({
      ...ofRun,
      party: id === Onboarding.OPERATOR_ID ? "operator" : id,
      market: deployment.market,
      chainId: Number(deployment.chainId),
      bundles: from(bundleFolder(data)),
      peers: from(peersFile(data)),
      passwordFile: from(passwordFile(data)),
      ...(id === Onboarding.OPERATOR_ID && { schedule: from(scheduleFolder(data)) }),
      ...settings,
    });
    writeOwn(configFile(home), stringify(config));
  }
}

/** Terms of all sessions that a devnet has had or was to have, in their order. */
export function readSchedule(data: string): { readonly file: string; readonly terms: Terms }[] {
  return readdirSync(scheduleFolder(data))
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(scheduleFolder(data), name))
    .map((file) => ({ file, terms: readJson(file, TermsSchema) }));
}

/**
 * Public terms for the operator to freeze, and to each prosumer its own parts of the same sessions, after those that
 * are there. Of a session that is there already nothing is written.
 */
export function writeSessions(
  data: string,
  homes: readonly PartyHome[],
  days: readonly Scenario[],
  terms: readonly Terms[],
): void {
  const there = readSchedule(data).map((one) => one.terms.scenario.startUtc);
  const fresh = days.flatMap((day, k) => (there.includes(day.startUtc) ? [] : [{ day, terms: terms[k] }]));
  fresh.forEach((one, k) =>
    writeOwn(
      join(scheduleFolder(data), `${String(there.length + k + 1).padStart(4, "0")}.json`),
      new TextDecoder().decode(termsBytes(one.terms)),
    ),
  );
  const starts = new Set(fresh.map(({ day }) => day.startUtc));
  for (const { id, home } of homes) {
    const sessions = fresh.flatMap(({ day: { startUtc, hours: periods, prosumers } }) =>
      prosumers.filter((prosumer) => prosumer.id === id).map((part) => ({ startUtc, periods, part })),
    );
    if (sessions.length === 0) continue;
    const before = existsSync(privateFile(home)) ? readJson(privateFile(home), PrivateFileSchema).sessions : [];
    const kept = before.filter(({ startUtc }) => !starts.has(startUtc));
    putOwn(privateFile(home), JSON.stringify({ sessions: [...kept, ...sessions] }));
  }
}

/** Takes sessions that were planned and have not been had off the schedule. */
export function cancelPlanned(files: readonly string[]): void {
  for (const file of files) rmSync(file);
}
