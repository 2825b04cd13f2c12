import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { isAddress, type JsonRpcProvider } from "ethers";
import { audit } from "../auditor/audit.ts";
import { judgeSession } from "../auditor/witness.ts";
import { connect } from "../chain/connect.ts";
import { bundleHash, WitnessSchema, type Witness } from "../codec/witness.ts";
import { AuditJsonSchema } from "../records/sessionJson.ts";
import { InputError } from "../io/inputError.ts";
import { readJson } from "../io/readJson.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { Exit } from "./exit.ts";
import { numberOption, say } from "../io/output.ts";
import { checkTarget, writeJson } from "../io/target.ts";

export function auditCommand(): Command {
  return new Command("audit")
    .description("re-verify every settled session from the chain and the published bundle alone")
    .requiredOption("--rpc <url>", "a node of the chain")
    .requiredOption("--market <address>", "the market contract")
    .option("--from <block>", "block of the deployment, or earlier", numberOption("--from", 0, 1e12, true), 0)
    .option("--bundle <dir>", "folder (searched whole) with the sessions' witness.json")
    .option("--json <file>", "write audit.json there; - is stdout")
    .action(async (args: { rpc: string; market: string; from: number; bundle?: string; json?: string }) => {
      checkTarget(args.json);
      if (!isAddress(args.market)) throw new InputError(`--market ${args.market}: is no address`);
      const witnesses = args.bundle === undefined ? new Map<string, Witness>() : readWitnesses(args.bundle);
      const provider = connect(args.rpc);
      try {
        const { chainId } = await reach(provider, args.rpc);
        if ((await provider.getCode(args.market)) === "0x")
          throw new InputError(`--market ${args.market}: there is no contract at this address on ${args.rpc}`);
        const sessions = await audit({
          provider,
          market: args.market,
          fromBlock: args.from,
          witness: async (session) =>
            judgeSession(session, witnesses.get(session.bundleHash ?? ""), { chainId, market: args.market }),
        });
        const json = AuditJsonSchema.parse({
          verdicts: sessions.map(({ batch, verdict }) => ({
            session: batch,
            verdict: verdict.kind,
            ...(verdict.kind === "invalid" ? { predicate: verdict.predicate } : {}),
            ...(verdict.kind === "undecided" ? { predicate: verdict.missing } : {}),
          })),
        });
        if (args.json) writeJson(args.json, json);
        if (args.json !== "-") {
          const rows = sessions.map(({ batch, block, verdict }) => [
            batch,
            block,
            verdict.kind,
            verdict.kind === "invalid"
              ? `${verdict.predicate}: ${verdict.detail}`
              : verdict.kind === "undecided"
                ? verdict.missing
                : "",
          ]);
          const table = terminalTable(["batch", "block", "verdict", ""], rows, { text: [0, 2, 3], wrap: 0 });
          say(sessions.length === 0 ? "no session has settled" : table);
        }
        const bad = sessions.find(({ verdict }) => verdict.kind === "invalid");
        if (bad) throw new Exit(4, `batch ${bad.batch}: invalid`);
      } finally {
        provider.destroy();
      }
    });
}

async function reach(provider: JsonRpcProvider, url: string): Promise<{ chainId: bigint }> {
  try {
    return { chainId: BigInt(await provider.send("eth_chainId", [])) };
  } catch (error) {
    throw new InputError(`--rpc ${url}: no answer (${(error as Error).message.split("\n")[0]})`);
  }
}

function readWitnesses(folder: string): Map<string, Witness> {
  const shown = folder === "" ? '""' : folder;
  let files: string[];
  try {
    files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such folder" : `is no folder that can be read (${code})`;
    throw new InputError(`--bundle ${shown}: ${reason}`);
  }
  return new Map(
    files
      .filter((file) => file.endsWith("witness.json"))
      .map((file) => {
        const witness = readJson(join(folder, file), WitnessSchema);
        return [bundleHash(witness), witness] as const;
      }),
  );
}
