/** A party's configuration: one YAML file in its home, single values overridden by the environment. */
import { dirname, resolve } from "node:path";
import * as z from "zod";
import { parse, YAMLParseError } from "yaml";
import { DESK_ID, OPERATOR_ID, UTILITY_ID } from "../chain/onboarding.ts";
import { InputError } from "../io/inputError.ts";
import { checkShape, readText } from "../io/readJson.ts";
import { INSURANCE_ID } from "../ledger/posting.ts";

/** System accounts by name, prosumers by number. */
const NAMED = { operator: OPERATOR_ID, utility: UTILITY_ID, desk: DESK_ID } as const;

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "must be an address, 0x and 40 hexadecimal digits");
const port = z.int().min(0).max(65_535);
const endpoint = z.strictObject({ host: z.string().default("127.0.0.1"), port });

const TransportSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("tls"), host: z.string().default("127.0.0.1"), port }),
  z.strictObject({ kind: z.literal("nats"), servers: z.array(z.string()).min(1) }),
]);

export const ConfigSchema = z.strictObject({
  party: z.union([
    z
      .int()
      .positive()
      .max(INSURANCE_ID - 1),
    z.enum(["operator", "utility", "desk"]),
  ]),
  rpc: z.url({ protocol: /^https?$/ }),
  market: address,
  chainId: z.int().positive(),
  /** The operator's: a folder with the terms of the sessions to come, one file each, in the order of their names. */
  schedule: z.string().optional(),
  /** Where bundles are put; served to auditors. */
  bundles: z.string().default("bundles"),
  transport: TransportSchema,
  /** A file that names the other parties and says where they listen. */
  peers: z.string().default("peers.json"),
  /** Health, metrics and the read-only API; absent: none. */
  api: endpoint.optional(),
  /** Whether this node posts a batch that has its signatures, and pays for it. */
  submit: z.boolean().default(true),
  /** Part of its own steps by which the agent moves them at random, so that nobody reads its costs in them; 0: none. */
  mask: z.number().min(0).max(0.9).optional(),
  /** Whether it signs what its meter read, attests what others' read and claims its credits; absent: it does. */
  deliver: z.boolean().optional(),
  passwordFile: z.string().optional(),
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
  /** How long a clearing waits for a party before it goes on without, ms. */
  patienceMs: z.int().min(100).max(3_600_000).default(20_000),
  /** Pause between two looks at the chain, ms. */
  pollMs: z.int().min(20).max(60_000).default(1_000),
  /** How long before its start a session is frozen, s of the chain's clock. */
  leadS: z
    .int()
    .min(60)
    .max(2 * 86_400)
    .default(86_400),
  /** Most that this machine's clock may differ from the chain's newest block, s; absent: a chain on another clock. */
  clockToleranceS: z.int().positive().optional(),
});

export type Config = z.infer<typeof ConfigSchema>;

export const partyId = ({ party }: Pick<Config, "party">): number => (typeof party === "number" ? party : NAMED[party]);

/** Names of the environment and the fields they stand for. */
export const ENVIRONMENT = {
  GRIDPACT_RPC: { field: "rpc", read: String },
  GRIDPACT_MARKET: { field: "market", read: String },
  GRIDPACT_CHAIN_ID: { field: "chainId", read: Number },
  GRIDPACT_SUBMIT: { field: "submit", read: (text: string) => ({ true: true, false: false })[text] ?? text },
  GRIDPACT_LOG_LEVEL: { field: "logLevel", read: String },
} as const;

/** Reads and checks it whole; paths in it count from its own folder. Throws InputError with file, field and value. */
export function readConfig(file: string, env: NodeJS.ProcessEnv = process.env): Config {
  const value = parseYaml(file);
  const said = Object.entries(ENVIRONMENT).filter(([name]) => env[name] !== undefined);
  const over = Object.fromEntries(said.map(([name, { field, read }]) => [field, read(env[name] as string)]));
  const plain = typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value, ...over } : value;
  const where = said.length === 0 ? file : `${file} with ${said.map(([name]) => name).join(", ")}`;
  const config = checkShape(where, plain, ConfigSchema);
  const here = (path: string): string => resolve(dirname(file), path);
  return {
    ...config,
    ...(config.schedule !== undefined && { schedule: here(config.schedule) }),
    bundles: here(config.bundles),
    peers: here(config.peers),
    ...(config.passwordFile !== undefined && { passwordFile: here(config.passwordFile) }),
  };
}

function parseYaml(file: string): unknown {
  const text = readText(file);
  try {
    return parse(text, { uniqueKeys: true, maxAliasCount: 10 });
  } catch (error) {
    if (error instanceof YAMLParseError || error instanceof ReferenceError)
      throw new InputError(`${file}: is not YAML: ${error.message.split("\n")[0]}`);
    throw error;
  }
}
