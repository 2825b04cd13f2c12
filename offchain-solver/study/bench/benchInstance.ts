import { createMarket, defaultSettings, type Market } from "../../market/scenario/market.ts";
import { RISK_METHODS, type RiskMethod } from "../../market/scenario/scenario.ts";
import { InputError } from "../../io/inputError.ts";
import { scaleForecasts } from "../../scenarios/loadScenario.ts";
import { scenarioOf } from "../experiments/common.ts";

/** What is cleared: a case by name or file, with what differs from it. */
export type Instance = {
  readonly scenario: string;
  readonly epsilon?: number;
  readonly risk?: RiskMethod;
  /** Multiplies every forecast of wind and sun. */
  readonly forecast?: number;
};

/** The small feeder's day with other limits, other guarantees and another weather, and the large one's. */
export const INSTANCES: readonly Instance[] = [
  { scenario: "ieee15" },
  { scenario: "ieee15", epsilon: 0.1 },
  { scenario: "ieee15", risk: "gaussian" },
  { scenario: "ieee15", risk: "bonferroni" },
  { scenario: "ieee15", forecast: 0.95 },
  { scenario: "ieee15", forecast: 1.05 },
  { scenario: "ieee141" },
];

/** As the command line takes it: CASE, CASE:eps, CASE:risk or CASE:xF (F times the forecasts). */
export function argumentOf({ scenario, epsilon, risk, forecast }: Instance): string {
  return [scenario, epsilon ?? risk ?? (forecast === undefined ? undefined : `x${forecast}`)]
    .filter((part) => part !== undefined)
    .join(":");
}

/** The other way round; throws InputError. */
export function instanceOf(text: string): Instance {
  const split = /^(.+):([\d.]+|x[\d.]+|[a-z-]+)$/.exec(text);
  if (split === null) return { scenario: text };
  const [, scenario, what] = split;
  const risk = RISK_METHODS.find((name) => name === what);
  if (risk) return { scenario, risk };
  if (/^[a-z-]+$/.test(what)) throw new InputError(`${text}: ${what} must be one of ${RISK_METHODS.join(", ")}`);
  if (what.startsWith("x")) {
    const forecast = Number(what.slice(1));
    if (!(forecast > 0 && forecast <= 10))
      throw new InputError(`${text}: x must be followed by a number above 0, at most 10`);
    return { scenario, forecast };
  }
  const epsilon = Number(what);
  if (!(epsilon >= 1e-4 && epsilon <= 0.5)) throw new InputError(`${text}: eps must be a number from 0.0001 to 0.5`);
  return { scenario, epsilon };
}

/** The instance's market and the name that records know it by. */
export function marketOf(instance: Instance, hours?: number): { readonly name: string; readonly market: Market } {
  const { epsilon, risk, forecast } = instance;
  const given = scenarioOf(instance.scenario, hours);
  const scenario = forecast === undefined ? given : scaleForecasts(given, forecast);
  const defaults = defaultSettings(scenario);
  const market = createMarket(scenario, {
    ...defaults,
    epsilon: epsilon ?? defaults.epsilon,
    risk: risk ?? defaults.risk,
  });
  const differs = [
    ...(epsilon === undefined ? [] : [`eps ${epsilon}`]),
    ...(risk === undefined ? [] : [risk]),
    ...(forecast === undefined ? [] : [`forecasts x ${forecast}`]),
  ];
  const span = market.dt === 1 ? `${market.hours} h` : `${market.hours} x ${Number((market.dt * 60).toPrecision(6))} min`;
  return { name: [scenario.name, ...differs, span].join(" "), market };
}
