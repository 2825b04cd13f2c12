import { Command } from "commander";
import * as z from "zod";
import { connect } from "../chain/connect.ts";
import * as Keys from "../chain/keys.ts";
import { InputError } from "../io/inputError.ts";
import { say } from "../io/output.ts";
import { complaint, readJson } from "../io/readJson.ts";
import { readConfig } from "../node/config.ts";
import { configFile, keyFile } from "../node/home.ts";
import { openKey } from "../node/keystore.ts";
import { readPassword } from "../node/password.ts";
import { reachMarket } from "./reach.ts";

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const proof = z.string().regex(/^0x[0-9a-fA-F]+$/);
const MeterSchema = z.strictObject({ prosumer: z.int().positive(), meterKey: address, meterProof: proof });
const RegistrationSchema = MeterSchema.extend({
  chainId: z.string().regex(/^\d+$/),
  registry: address,
  wallet: address,
  nodeKey: address,
  nodeProof: proof,
});

export function admitCommand(): Command {
  return new Command("admit")
    .description("the operator registers a party, or its new meter, from the file with its proofs")
    .argument("<file>", "registration.json or meter-rotation.json")
    .requiredOption("--dir <dir>", "the operator's folder")
    .action(async (file: string, { dir }: { dir: string }) => {
      const request = readJson(file, z.union([RegistrationSchema, MeterSchema]));
      const config = readConfig(configFile(dir));
      const provider = connect(config.rpc);
      try {
        await reachMarket(provider, config.rpc, config.market);
        const market = await Keys.marketAt(provider, config.market);
        const password = await readPassword({ ...(config.passwordFile && { file: config.passwordFile }) });
        const operator = (await openKey(keyFile(dir, "wallet"), password, "wallet")).connect(provider);
        if (!("registry" in request)) {
          await Keys.rotateMeterKey(market, operator, request.prosumer, request.meterKey, request.meterProof);
          return say(`the meter key of party ${request.prosumer} is now ${request.meterKey}`);
        }
        if (request.chainId !== market.chainId.toString())
          throw complaint(file, "chainId", request.chainId, `this market is on chain ${market.chainId}`);
        if (request.registry.toLowerCase() !== market.registry.toLowerCase())
          throw complaint(file, "registry", request.registry, `this market's registry is ${market.registry}`);
        const { wallet } = await Keys.registered(market, provider, request.prosumer);
        if (wallet !== undefined)
          throw new InputError(`${file}: prosumer = ${request.prosumer}: is registered already`);
        await Keys.admit(market, operator, request);
        say(`party ${request.prosumer} is registered with wallet ${request.wallet}`);
      } finally {
        provider.destroy();
      }
    });
}
