/** The network that lives in one process: for tests, and for a session that nobody else is to see. */
export const SIMULATED = "default";

export const simulatedNetwork = {
  type: "edr-simulated",
  chainType: "l1",
  hardfork: "osaka",
} as const;
