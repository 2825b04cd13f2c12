/** What `audit` and `receipt` share: which chain is looked at, through what, and what was published. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { getAddress, isAddress, keccak256 } from "ethers";
import { audit, type Audited, type Standing } from "../auditor/audit.ts";
import { bundlesAt, bundlesOf, type Bundles } from "../auditor/bundles.ts";
import { isDecided, restored, written } from "../auditor/checkpoint.ts";
import { addressIn } from "../auditor/words.ts";
import { RELEASE } from "../auditor/releasedContracts.ts";
import { EndpointFault, httpEndpoint } from "../chain/endpoint.ts";
import { compared, look, type Look } from "../chain/look.ts";
import { canonicalBytes } from "../codec/canonicalJson.ts";
import { InputError } from "../io/inputError.ts";
import { liveLine, note, numberOption } from "../io/output.ts";
import { isFile, readText } from "../io/readJson.ts";
import { checkTarget, writeText } from "../io/target.ts";
import { Exit } from "./exit.ts";

export type LookArguments = { rpc?: string[]; market?: string; from?: number; bundle?: string; checkpoint?: string };

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export const addLookOptions = (command: Command): Command =>
  command
    .option("--rpc <url>", "a node of the chain; given twice: two nodes, compared", collect)
    .option("--market <address>", "the market contract")
    .option("--from <block>", "block of the deployment, or earlier (default: 0)", numberOption("--from", 0, 1e12, true))
    .option("--bundle <dir|url>", "folder (searched whole) or web address with what the sessions' parties published")
    .option("--checkpoint <file>", "keep there how far it came, and go on from there the next time");

/** Every settled session of a market, or one clear message; exit 5 where not even its events can be read. */
export async function audited(args: LookArguments): Promise<Audited> {
  const { rpc = [], market } = args;
  if (rpc.length === 0) throw new InputError("--rpc: a node of the chain must be named");
  if (rpc.length > 2) throw new InputError(`--rpc ${rpc[2]}: two endpoints can be compared, no more`);
  if (market === undefined) throw new InputError("--market: the market's address must be named");
  if (!isAddress(market)) throw new InputError(`--market ${market}: is no address`);
  checkTarget(args.checkpoint, "--checkpoint");
  const bundles = args.bundle === undefined ? NOTHING : bundlesFrom(args.bundle);
  const looks = rpc.map((url) => look(httpEndpoint(url)));
  for (const [k, one] of looks.entries()) await reach(one, rpc[k], market);
  const eyes = looks.length === 1 ? looks[0] : compared(looks[0], looks[1]);
  return followed(eyes, getAddress(market), bundles, args);
}

const NOTHING: Bundles = () => Promise.resolve(undefined);
/** ms between two checkpoints. */
const KEEP_EVERY_MS = 5_000;

async function followed(eyes: Look, market: string, bundles: Bundles, args: LookArguments): Promise<Audited> {
  const line = liveLine();
  let last: Standing | undefined;
  let keptAt = Date.now();
  try {
    const about = `${await eyes.chainId()} ${market} ${RELEASE.market.hash}`;
    const keep = (standing: Standing): void => {
      if (args.checkpoint !== undefined) writeText(args.checkpoint, written(standing, about));
    };
    const from = async (resume?: Standing): Promise<Audited> =>
      audit({
        look: eyes,
        market,
        fromBlock: args.from ?? 0,
        release: RELEASE,
        bundles,
        ...(resume && { resume }),
        progress(standing, head) {
          line.show(`block ${standing.block} of ${head}, ${standing.sessions.length} sessions`);
          last = standing;
          if (Date.now() - keptAt < KEEP_EVERY_MS) return;
          keptAt = Date.now();
          keep(standing);
        },
      });
    const found = (await goneOn(() => resumed(eyes, args.checkpoint, about), from)) ?? (await from());
    if (found.standing.kind === "undecided") forget(args.checkpoint);
    else if (last !== undefined) keep(last);
    return found;
  } catch (error) {
    if (error instanceof EndpointFault) throw new Exit(5, `undecided: ${error.message}`);
    throw error;
  } finally {
    line.end();
  }
}

/**
 * What is found from a checkpoint on; undefined: all is read again. So it is where the market as a whole is undecided,
 * since what was hidden before the checkpoint would stay so, and where what was kept is none of ours: whoever edits a
 * checkpoint can hash it again.
 */
async function goneOn(
  resumed: () => Promise<Standing | undefined>,
  from: (resume: Standing) => Promise<Audited>,
): Promise<Audited | undefined> {
  try {
    const resume = await resumed();
    const found = resume && (await from(resume));
    return found?.standing.kind === "undecided" ? undefined : found;
  } catch (error) {
    // A fault of our own is heard of again when all is read.
    if (error instanceof EndpointFault) throw error;
    return undefined;
  }
}

/** An audit of which the market as a whole is undecided is none to go on from. */
function forget(checkpoint: string | undefined): void {
  if (checkpoint !== undefined && isFile(checkpoint)) rmSync(checkpoint);
}

/** What was kept, if it is of this chain, and decided all: what was missing then may be there now. */
async function resumed(eyes: Look, file: string | undefined, about: string): Promise<Standing | undefined> {
  if (file === undefined || !isFile(file)) return undefined;
  const standing = restored(readText(file), about);
  if (standing === undefined || !isDecided(standing)) return undefined;
  if (!Number.isSafeInteger(standing.block) || standing.block < 0) return undefined;
  const block = await eyes.block(standing.block);
  return block?.hash === standing.hash ? standing : undefined;
}

/** Whether a chain answers there, and has something at the market's address. */
async function reach(one: Look, url: string, market: string): Promise<void> {
  let code: string;
  try {
    await one.chainId();
    code = await one.code(market);
  } catch (error) {
    if (!(error instanceof EndpointFault)) throw error;
    throw new InputError(`--rpc ${url}: ${error.message}`);
  }
  if (code === "0x") throw new InputError(`--market ${market}: there is no contract at this address on ${url}`);
  try {
    await addressIn(one, market, "registry", await one.head());
  } catch (error) {
    // A node that does not answer leaves the audit undecided; a contract that refuses the question is another one.
    if (error instanceof EndpointFault && /revert|registry\(\) is/.test(error.message))
      throw new InputError(`--market ${market}: the contract at this address is no market (${error.message})`);
    if (!(error instanceof EndpointFault)) throw error;
  }
}

/** By what they hash to, whatever they are called: no file can stand for another. */
export function bundlesFrom(place: string): Bundles {
  if (/^https?:\/\//.test(place)) return bundlesAt(place);
  const shown = place === "" ? '""' : place;
  let files: string[];
  try {
    files = readdirSync(place, { recursive: true, encoding: "utf8" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such folder" : `is no folder that can be read (${code})`;
    throw new InputError(`--bundle ${shown}: ${reason}`);
  }
  const found = new Map<string, Uint8Array>();
  for (const file of files) {
    const named = /(?:^|[/\\])(0x[0-9a-f]{64})\.json$/.exec(file);
    if (named === null && !file.endsWith("witness.json")) continue;
    try {
      const bytes = new Uint8Array(readFileSync(join(place, file)));
      if (named !== null) found.set(named[1], bytes);
      else {
        const spelled = canonicalBytes(JSON.parse(new TextDecoder().decode(bytes)));
        found.set(keccak256(spelled), spelled);
      }
    } catch (error) {
      note(`${join(place, file)}: is not read (${(error as Error).message.split("\n")[0]})`);
    }
  }
  return bundlesOf(found);
}
