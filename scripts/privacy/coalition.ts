/**
 * `npm run bench:privacy`: what operator and one partner learn of a generator of ieee15 (3 h), and what a clearing then
 * costs: without masks, with the member's own alone, and with everybody's. Error of its slope by the iterations that
 * are fitted at once, and evaluations.
 */
import { maskKey, openMask } from "../../offchain-solver/node/agent/maskStream.ts";
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { coalition } from "../../test/support/coalition.ts";

const scenario = takeHours(loadScenario("ieee15"), 3);
const victim = scenario.prosumers.findIndex((p) => p.generator && !p.battery && !p.renewable);
const truth = 2 * scenario.prosumers[victim].generator!.costA;

for (const method of ["admm", "anderson"] as const)
  for (const who of ["nobody", "the member", "everybody"] as const)
    for (const share of who === "nobody" ? [0] : [0.1, 0.3, 0.6]) {
      const masked = (index: number): boolean => who === "everybody" || (who === "the member" && index === victim);
      const key = (index: number) => maskKey(share, "a node's key", "a session", index);
      const { evaluations, objective, fits } = coalition(scenario, victim, {
        method,
        maxIterations: 3_000,
        mask: (index) => (masked(index) ? openMask(key(index)) : undefined),
      });
      const errors = [...fits].map(([window, { slope }]) => [window, Number((slope / truth - 1).toPrecision(2))]);
      const row = { method, masks: who, share, evaluations, objective, slopeError: Object.fromEntries(errors) };
      process.stdout.write(`${JSON.stringify(row)}\n`);
    }
