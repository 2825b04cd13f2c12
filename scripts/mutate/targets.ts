/** What each file of contracts/ is compiled into, and the tests that it can touch. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { basename } from "node:path";
import { createHash } from "node:crypto";
import { mutantsOf, type Mutant } from "./mutants.ts";

export const CONTRACTS = fileURLToPath(new URL("../../contracts/", import.meta.url));

const MARKET = ["market/Market.sol"];
const REGISTRY = ["market/Registry.sol"];
const PLAIN = ["reference/ReferenceMarket.sol"];
const DELIVERY = ["delivery/Delivery.sol"];
const PLAIN_DELIVERY = ["reference/ReferenceDelivery.sol"];
const CARBON = ["carbon/CarbonCredit.sol"];
const HARNESS = "test/GridHarness.sol";
const PARTS = "test/DeliveryHarness.sol:OptimisedParts";
const PLAIN_PARTS = "test/DeliveryHarness.sol:PlainParts";

const within = (room: string, names: string, targets: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(names.split(" ").map((name) => [`${room}/${name}.sol`, targets]));

/**
 * One contract of the same name is in each target, or the one that is named behind the colon. What both markets share
 * is changed in the optimised one; the extension and the writer of tables are made by the market and the lens by the
 * plain one, so their code is part of it.
 */
export const TARGETS: Readonly<Record<string, readonly string[]>> = {
  ...within("rules", "PlainPayload PlainTrades PlainAccounts PlainRules", PLAIN),
  "rules/PlainGrid.sol": [...PLAIN, HARNESS],
  ...within("rules", "PlainDelivery", [...PLAIN_DELIVERY, PLAIN_PARTS]),
  ...within("reference", "ReferenceMarket ReferencePostings", PLAIN),
  ...within("reference", "ReferenceDelivery", PLAIN_DELIVERY),
  "market/AuditLens.sol": ["market/AuditLens.sol"],
  ...within("libraries", "Ledger LedgerRefusals Netting FrozenTable StandingLoads", MARKET),
  "libraries/Quorum.sol": [...MARKET, "test/QuorumHarness.sol"],
  "libraries/GridCheck.sol": [...MARKET, HARNESS],
  ...within("libraries", "CodeBlob GridModel", [...MARKET, ...REGISTRY]),
  ...within("libraries", "ConnectionTable DueCheck Lanes RowTree Waterfall", DELIVERY),
  ...within("libraries", "Metering", [...DELIVERY, PARTS]),
  ...within("libraries", "CivilYear", CARBON),
  ...within("types", "Mandate", MARKET),
  ...within("market", "Market MarketExtension Sessions Accounts Mandates Postings StandingPosts State", MARKET),
  ...within("market", "Tables TableWriter", MARKET),
  ...within("market", "Registry Parties Committees", REGISTRY),
  "market/Authority.sol": ["market/Authority.sol"],
  ...within("delivery", "Connections Deliveries Delivery Entries", DELIVERY),
  ...within("carbon", "CarbonCredit", CARBON),
};

const BATCHES = ["mutations", "quorum", "limits", "namedRefusals", "settle"];
const ACCOUNTS = ["accounts", "mandates", "sessions", "postings", "holds", "ledgerRanges", "randomPostings"];
const TABLES = ["tables", "standing", "capability"];
const WHO = ["registry", "committees", "governance"];
const AFTERWARDS = [
  "delivery",
  "laterEntries",
  "deliveryBounds",
  "deliveryAttestation",
  "deliveryScenarios",
  "deliveryTimes",
  "deliveryRoles",
  "entryTerms",
];
const LAST = ["hostileTokens", "threats", "conspiracy", "differential", "audit", "grid"];
/** Names of suites: what one of the two markets, or deliveries, is tried with alone says so. */
const OPTIMISED = "^(?:(?!.*\\bplain\\b)|(?=.*\\boptimised\\b))";
const PLAIN_ONLY = "\\bplain\\b";

/** A file of test/contracts, and which of its tests. */
export type Suite = { readonly file: string; readonly grep: string };

/** Suites that are about a file: these first. */
const ABOUT: Readonly<Record<string, string>> = {
  StandingPosts: "standing",
  StandingLoads: "standing",
  MarketExtension: "standing",
  TableWriter: "tables mandates standing",
  FrozenTable: "tables accounts",
  Tables: "tables namedRefusals accounts",
  State: "committees tables accounts namedRefusals postings",
  Postings: "postings accounts",
  ReferencePostings: "postings accounts",
  LedgerRefusals: "mutations namedRefusals ledgerRanges",
  Ledger: "namedRefusals ledgerRanges mutations limits holds",
  Mandate: "mandates",
  GridModel: "registry capability standing",
  CodeBlob: "registry",
  Quorum: "quorum",
  GridCheck: "grid",
  PlainGrid: "grid",
  Sessions: "sessions holds deliveryAttestation",
  Accounts: "accounts hostileTokens holds",
  Mandates: "mandates",
  PlainAccounts: "mutations limits holds ledgerRanges",
  PlainRules: "mutations standing",
  Committees: "committees",
  Authority: "governance",
  Connections: "connectionTable deliveryBounds",
  ConnectionTable: "connectionTable deliveryBounds",
  Deliveries: "rowProofs deliveryTimes deliveryRoles deliveryAttestation delivery",
  Entries: "laterEntries deliveryAttestation delivery",
  Waterfall: "laterEntries deliveryBounds",
  DueCheck: "dueCheck deliveryBounds",
  Metering: "deliveryVectors deliveryBounds",
  PlainDelivery: "deliveryVectors laterEntries deliveryBounds",
};

/** What `file` may touch, likely ones first; what it cannot touch is not run. */
export function suitesOf(file: string): Suite[] {
  const about = ABOUT[basename(file, ".sol")]?.split(" ") ?? [];
  const all = allSuitesOf(file);
  const [{ grep }] = all;
  return [...about.map((name) => ({ file: name, grep })), ...all.filter((suite) => !about.includes(suite.file))];
}

function allSuitesOf(file: string): Suite[] {
  const suites = (names: readonly string[], grep: string): Suite[] => names.map((name) => ({ file: name, grep }));
  const [target] = TARGETS[file];
  if (target === "market/AuditLens.sol") return suites(["differential", "standing"], "");
  if (target === "carbon/CarbonCredit.sol") return suites(["carbonCredit", "deliveryScenarios"], "");
  if (DELIVERY.includes(target)) return suites([...AFTERWARDS, "carbonCredit"], OPTIMISED);
  if (PLAIN_DELIVERY.includes(target)) return suites(AFTERWARDS, PLAIN_ONLY);
  if (REGISTRY.includes(target) || target === "market/Authority.sol")
    return suites([...WHO, "mandates", "accounts", "sessions", "threats", "quorum", "conspiracy"], OPTIMISED);
  const grep = PLAIN.includes(target) ? PLAIN_ONLY : OPTIMISED;
  return suites([...BATCHES, ...TABLES, ...ACCOUNTS, ...WHO.slice(1), ...LAST], grep);
}

/** File and name of the contract that a target is. */
export function contractOf(target: string): { readonly file: string; readonly name: string } {
  const [file, name = basename(file, ".sol")] = target.split(":");
  return { file, name };
}

export const sourceOf = (file: string): string => readFileSync(CONTRACTS + file, "utf8");
export const hashOf = (file: string): string => createHash("sha256").update(sourceOf(file)).digest("hex");
export const allMutantsOf = (file: string): Mutant[] => mutantsOf(file, sourceOf(file));

/** Every file of the product that a mutant can be made of. */
export const mutable = (): string[] =>
  readdirSync(CONTRACTS, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sol") && !file.startsWith("test/") && allMutantsOf(file).length > 0)
    .sort();
