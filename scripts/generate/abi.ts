/** Writes codec/abi.ts, the contracts' interfaces as clients use them, from the compiled contracts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Interface } from "ethers";
import { tasks } from "hardhat";
import prettier from "prettier";
import { artifact, type ContractName, readArtifact } from "../../offchain-solver/devnet/artifacts.ts";

const EXPORTS: readonly { readonly name: string; readonly contract: ContractName; readonly says: string }[] = [
  { name: "AUTHORITY", contract: "Authority", says: "Who may call what, and how long a change of that waits." },
  { name: "REGISTRY", contract: "Registry", says: "Parties, their keys, committees and grid models." },
  { name: "MARKET", contract: "Market", says: "Accounts, mandates and sessions." },
  { name: "DELIVERY", contract: "Delivery", says: "Connections, readings and what they come to." },
  { name: "CARBON_CREDIT", contract: "CarbonCredit", says: "Allowances and credits as tokens." },
  { name: "TOKEN", contract: "TestToken", says: "The token of account; only that of a devnet has `mint`." },
  {
    name: "TABLE_WRITER",
    contract: "TableWriter",
    says: "Tables of mandates, and the most that one can lose under a mandate.",
  },
];

/** What an interface says of a function, whose parameters have no names where a contract only passes the call on. */
const named = Interface.from(readArtifact("interfaces/IMarket").abi);

/** Human-readable fragments, as compilers order them only by chance: by kind, then by name. */
const fragmentsOf = (contract: ContractName): string[] =>
  Interface.from(artifact(contract).abi)
    .fragments.map((fragment) => {
      const known = fragment.type === "function" && named.getFunction(fragment.format("sighash"));
      return (known || fragment).format("full");
    })
    .filter((fragment) => !fragment.startsWith("constructor"))
    .sort();

const declaration = ({ name, contract, says }: (typeof EXPORTS)[number]): string =>
  `/** ${says} */\nexport const ${name} = new Interface(${JSON.stringify(fragmentsOf(contract))});\n`;

await tasks.getTask("build").run({ quiet: true, noTests: true });
const text = `/** What clients call and read: written by scripts/generate/abi.ts from the compiled contracts. */
import { Interface } from "ethers";

${EXPORTS.map(declaration).join("\n")}`;
const options = await prettier.resolveConfig(import.meta.filename);
writeFileSync(join(process.argv[2], "abi.ts"), await prettier.format(text, { ...options, parser: "typescript" }));
