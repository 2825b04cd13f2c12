import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);
/** The compiler comes from the npm package `solc`, so that set-up needs no compiler download. */
const soljson = require.resolve("solc/soljson.js");

export default defineConfig({
  plugins: [toolbox],
  paths: {
    ignition: "deploy",
    tests: { mocha: fileURLToPath(new URL("./test/contracts", import.meta.url)) },
  },
  solidity: {
    profiles: {
      default: {
        version: "0.8.36",
        path: soljson,
        settings: { optimizer: { enabled: true, runs: 200 }, viaIR: true, evmVersion: "osaka" },
      },
    },
  },
  networks: {
    default: { type: "edr-simulated", chainType: "l1", hardfork: "osaka" },
  },
});
