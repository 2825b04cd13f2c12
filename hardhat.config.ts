import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { defineConfig } from "hardhat/config";
import { SIMULATED, simulatedNetwork } from "./offchain-solver/devnet/simulated.ts";

const require = createRequire(import.meta.url);
/** The compiler comes from the npm package `solc`, so that set-up needs no compiler download. */
const soljson = require.resolve("solc/soljson.js");

const long = process.env.GRIDPACT_LONG !== undefined;
/** `npm run coverage`: instrumented code is not optimised, which would fold what is counted. */
const coverage = process.env.GRIDPACT_COVERAGE !== undefined;
/** Code that is not optimised is longer than a chain allows, and dearer to make: it is tried here, never deployed. */
const anySize = coverage || process.env.GRIDPACT_ANY_SIZE !== undefined;
const ROOM = { allowUnlimitedContractSize: true, transactionGasCap: 1n << 26n, blockGasLimit: 1n << 26n };

const compiler = {
  version: "0.8.36",
  path: soljson,
  settings: {
    optimizer: { enabled: !coverage, runs: 200 },
    viaIR: true,
    evmVersion: "osaka",
    // Code is compared with the release: a changed comment must not make a market another one.
    metadata: { bytecodeHash: "none" },
  },
};

export default defineConfig({
  plugins: [toolbox],
  paths: {
    ignition: "deploy",
    tests: {
      mocha: fileURLToPath(new URL("./test/contracts", import.meta.url)),
      // What takes minutes to compile: only for the long run. Nothing in the other folder is Solidity.
      solidity: fileURLToPath(new URL(long ? "./test/campaigns" : "./test/contracts", import.meta.url)),
    },
  },
  // `hardhat ignition deploy` builds for production: what is deployed is what was tested. File by file, as is the
  // default there, types without contracts would leave build records that the simulated network cannot read.
  solidity: {
    // Devnets build contracts alone: in one job with the tests' each would undo the other's record.
    splitTestsCompilation: true,
    profiles: { default: compiler, production: { ...compiler, isolated: false } },
  },
  coverage: { skipFiles: ["contracts/test/**"] },
  test: {
    // Against what hangs; how long a test takes is measured in benchmarks alone.
    mocha: { timeout: 300_000 },
    // `npm run invariants` sets GRIDPACT_LONG: the whole number of runs; tests take a sample.
    solidity: {
      fuzz: { runs: long ? 10_000 : 200, seed: "0x67726964" },
      invariant: { runs: long ? 1_000 : 20, depth: long ? 64 : 32, failOnRevert: false },
    },
  },
  networks: {
    [SIMULATED]: { ...simulatedNetwork, ...(anySize ? ROOM : {}) },
  },
});
