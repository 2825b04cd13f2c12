import { exactly, scenarioIn } from "../market/scenario/perUnit.ts";
import type { Scenario } from "../market/scenario/scenario.ts";

/**
 * The same market `x` times as large: every MW, MWh and MVA times x at the same prices and voltages, so every quantity
 * and every amount of money of its solution is x times as large too.
 */
export const resized = (scenario: Scenario, x: number): Scenario =>
  scenarioIn({ mw: 1 / x, hours: 1, price: 1 }, scenario, exactly);
