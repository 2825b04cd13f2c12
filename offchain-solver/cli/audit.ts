import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { isAddress, keccak256 } from "ethers";
import { audit, type Audited } from "../auditor/audit.ts";
import { bundlesAt, bundlesOf, type Bundles } from "../auditor/bundles.ts";
import { verdictText } from "../auditor/verdict.ts";
import { verdictJson } from "../auditor/verdictJson.ts";
import { EndpointFault, httpEndpoint } from "../chain/endpoint.ts";
import { compared, look, type Look } from "../chain/look.ts";
import { canonicalBytes } from "../codec/canonicalJson.ts";
import { releasedBuild } from "../devnet/release.ts";
import { AuditJsonSchema } from "../records/sessionJson.ts";
import { InputError } from "../io/inputError.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { Exit } from "./exit.ts";
import { liveLine, note, numberOption, say } from "../io/output.ts";
import { checkTarget, writeJson } from "../io/target.ts";

type Arguments = { rpc: string[]; market: string; from: number; bundle?: string; json?: string };

export function auditCommand(): Command {
  return new Command("audit")
    .description("re-verify every settled session from the chain and the published bundle alone")
    .requiredOption("--rpc <url>", "a node of the chain; twice: two nodes, compared", collect)
    .requiredOption("--market <address>", "the market contract")
    .option("--from <block>", "block of the deployment, or earlier", numberOption("--from", 0, 1e12, true), 0)
    .option("--bundle <dir|url>", "folder (searched whole) or web address with what the sessions' parties published")
    .option("--json <file>", "write audit.json there; - is stdout")
    .action(async (args: Arguments) => {
      checkTarget(args.json);
      if (!isAddress(args.market)) throw new InputError(`--market ${args.market}: is no address`);
      if (args.rpc.length > 2) throw new InputError(`--rpc ${args.rpc[2]}: two endpoints can be compared, no more`);
      const bundles = args.bundle === undefined ? NOTHING : bundlesFrom(args.bundle);
      const [first, second] = args.rpc.map((url) => look(httpEndpoint(url)));
      for (const [k, one] of [first, second].filter((one) => one !== undefined).entries())
        await reach(one, args.rpc[k], args.market);
      const audited = await auditWith(second === undefined ? first : compared(first, second), bundles, args);
      report(audited, args.json);
      conclude(audited);
    });
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

const NOTHING: Bundles = () => Promise.resolve(undefined);

async function auditWith(eyes: Look, bundles: Bundles, args: Arguments): Promise<Audited> {
  const line = liveLine();
  try {
    return await audit({
      look: eyes,
      market: args.market,
      fromBlock: args.from,
      release: releasedBuild(),
      bundles,
      progress: ({ block, sessions }, head) => line.show(`block ${block} of ${head}, ${sessions.length} sessions`),
    });
  } catch (error) {
    if (error instanceof EndpointFault) throw new Exit(5, `undecided: ${error.message}`);
    throw error;
  } finally {
    line.end();
  }
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
}

function report({ sessions, standing }: Audited, target: string | undefined): void {
  if (target) {
    const market = { verdict: standing.kind, ...(standing.kind !== "valid" && { says: verdictText(standing) }) };
    writeJson(target, AuditJsonSchema.parse({ verdicts: sessions.map(verdictJson), market }));
  }
  if (target === "-") return;
  const figure = (dollars: number | undefined): string => (dollars === undefined ? "" : dollars.toExponential(2));
  const rows = sessions.map(({ batch, block, verdict, certificate }) => [
    batch,
    block,
    figure(certificate?.regrets),
    figure(certificate?.allowed),
    verdictText(verdict),
  ]);
  const headings = ["batch", "block", "regrets $", "allowed $", "verdict"];
  const table = terminalTable(headings, rows, { text: [0, 4], wrap: 0 });
  say(sessions.length === 0 ? "no session has settled" : table);
}

/** The exit code says the worst; a warning what does not make it worse. */
function conclude({ sessions, standing }: Audited): void {
  const bad = sessions.find(({ verdict }) => verdict.kind === "invalid");
  if (standing.kind === "invalid") throw new Exit(4, `the market: ${verdictText(standing)}`);
  if (bad) throw new Exit(4, `batch ${bad.batch}: ${verdictText(bad.verdict)}`);
  const open = sessions.find(({ verdict }) => verdict.kind === "undecided");
  if (open) throw new Exit(5, `batch ${open.batch}: ${verdictText(open.verdict)}`);
  if (standing.kind === "undecided") throw new Exit(5, `the market: ${verdictText(standing)}`);
  for (const { batch, verdict } of sessions)
    if (verdict.kind === "valid" && verdict.uncertifiedBy) note(`warning: batch ${batch}: ${verdictText(verdict)}`);
}

/** By what they hash to, whatever they are called: no file can stand for another. */
function bundlesFrom(place: string): Bundles {
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
