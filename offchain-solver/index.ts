/** `gridpact`: its parts, each of which is also an entry of its own. */
export * as auditor from "./auditor/index.ts";
export * as codec from "./codec/index.ts";
export * as node from "./node/index.ts";
export * as solver from "./simulation/index.ts";
