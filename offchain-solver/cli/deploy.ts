import { Command } from "commander";
import type * as Deployment from "../chain/deployment.ts";
import { openMarket } from "../devnet/steps/load.ts";
import { say } from "../io/output.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { addDrawOptions, readScenario, type DrawArguments } from "./clearOptions.ts";
import { reached } from "./reachChain.ts";

type Arguments = DrawArguments & { rpc: string; json?: string };

export function deployCommand(): Command {
  return addDrawOptions(
    new Command("deploy")
      .description("a market on a chain of one's own, with a scenario's members and the public keys of a devnet")
      .argument("[scenario]", "a case's name or a file", "ieee15"),
  )
    .requiredOption("--rpc <url>", "a node of the chain, whose first account deploys")
    .option("--json <file>", "write the addresses there; - is stdout")
    .action(async (name: string, args: Arguments) => {
      checkTarget(args.json);
      const { scenario } = await readScenario(name, args);
      const chain = await reached(args.rpc);
      try {
        const deployment: Deployment.Deployment = await openMarket(chain.admin, scenario);
        const { chainId, block, authority, token, registry, market } = deployment;
        const json = { chainId: Number(chainId), market, registry, authority, token, marketBlock: block };
        if (args.json !== undefined) writeJson(args.json, json);
        if (args.json !== "-") say(`market ${market} on chain ${chainId}, from block ${block}`);
      } finally {
        await chain.close();
      }
    });
}
