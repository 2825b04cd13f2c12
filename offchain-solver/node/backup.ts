/**
 * What a party needs to come back on another machine: keystores (as they are, encrypted), configuration, private file
 * and peers, in one file. The journal is not in it: an old journal would not know what was signed since, so whoever
 * comes back begins a new one and sits out the session that is open then (`joined` of the journal).
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import * as z from "zod";
import { canonicalBytes } from "../codec/canonicalJson.ts";
import { InputError } from "../io/inputError.ts";
import { complaint, readJson, readText } from "../io/readJson.ts";
import {
  configFile,
  journalFile,
  keyFile,
  makeHome,
  peersFile,
  privateFile,
  registrationFile,
  writeOwn,
} from "./home.ts";
import { inspectKey, KEY_ROLES } from "./keystore.ts";

const NAMES = [
  "wallet.json",
  "node.json",
  "meter.json",
  "node.yaml",
  "private.json",
  "peers.json",
  "registration.json",
] as const;

const BackupSchema = z.strictObject({
  kind: z.literal("gridpact backup"),
  version: z.literal(1),
  files: z.partialRecord(z.enum(NAMES), z.string()),
  /** SHA-256 of `files`. */
  checksum: z.string(),
});

type Files = z.infer<typeof BackupSchema>["files"];

const checksum = (files: Files): string => createHash("sha256").update(canonicalBytes(files)).digest("hex");

/** Where each of the files lives in a home. */
const placesIn = (home: string): [(typeof NAMES)[number], string][] => [
  ...KEY_ROLES.map((role) => [`${role}.json`, keyFile(home, role)] as [(typeof NAMES)[number], string]),
  ["node.yaml", configFile(home)],
  ["private.json", privateFile(home)],
  ["peers.json", peersFile(home)],
  ["registration.json", registrationFile(home)],
];

/** Writes a new file `to`. Keystores that are damaged are refused: a backup of those would be worth nothing. */
export function backUp(home: string, to: string): string[] {
  for (const role of KEY_ROLES) inspectKey(keyFile(home, role), role);
  const there = placesIn(home).filter(([, file]) => existsSync(file));
  const files: Files = Object.fromEntries(there.map(([name, file]) => [name, readText(file)]));
  const content = { kind: "gridpact backup", version: 1, files, checksum: checksum(files) };
  writeOwn(to, `${JSON.stringify(content, undefined, 2)}\n`);
  return there.map(([name]) => name);
}

/** Puts a backup into a home that holds no keys and no journal; whole or not at all. */
export function restore(from: string, home: string): string[] {
  const { files, checksum: said } = readJson(from, BackupSchema);
  if (said !== checksum(files)) throw complaint(from, "checksum", said, "the file was changed after it was written");
  for (const role of KEY_ROLES)
    if (files[`${role}.json`] === undefined)
      throw complaint(from, `files["${role}.json"]`, undefined, "is missing: without it the party cannot come back");
  const places = placesIn(home);
  for (const file of [...places.map(([, place]) => place), journalFile(home)])
    if (existsSync(file)) throw new InputError(`${file}: is there already: restore into a folder of its own`);
  // Configuration last: without it no node starts from half a home.
  const order = places
    .filter(([name]) => files[name] !== undefined)
    .sort(([a], [b]) => Number(a === "node.yaml") - Number(b === "node.yaml"));
  const made = missingFolders(dirname(keyFile(home, "node")));
  try {
    makeHome(home);
    for (const [name, file] of order) writeOwn(file, files[name] as string);
    for (const role of KEY_ROLES) inspectKey(keyFile(home, role), role);
  } catch (error) {
    for (const [, file] of order) rmSync(file, { force: true });
    for (const folder of made) if (existsSync(folder)) rmdirSync(folder);
    throw error;
  }
  return order.map(([name]) => name);
}

/** Of the folders that lead there those that are not there yet, the innermost first. */
function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let one = resolve(folder); !existsSync(one); one = dirname(one)) missing.push(one);
  return missing;
}

/** Keystores of keys that are being rotated in, which a backup does not hold. */
export const unfinishedRotations = (home: string): string[] => {
  const folder = dirname(keyFile(home, "node"));
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".next.json"))
        .map((name) => basename(join(folder, name)))
    : [];
};
