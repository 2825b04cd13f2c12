/**
 * Test files that open the simulated network in their process, whose chai matchers then take every number for an
 * integer: they run in a process of their own. And one that builds the contracts, when they have been built: two builds
 * at once undo each other's record, and whoever comes next compiles again.
 */
export const ON_DEVNET: readonly string[] = [
  "activations",
  "agentHosts",
  "brokenDay",
  "chainRefusals",
  "chaos",
  "commandLines",
  "corruptions",
  "dayInSessions",
  "deliveredDevnet",
  "devnet",
  "devnetNats",
  "endedConnection",
  "examples",
  "keys",
  "laterDelivery",
  "leftOut",
  "liveAudit",
  "meterMessages",
  "month",
  "nodeRefusals",
  "page",
  "refusals",
  "rotatedCommittee",
  "runOptions",
  "session",
  "tightenedSession",
  "wallet",
  "package",
].map((name) => `test/${name}.test.ts`);
