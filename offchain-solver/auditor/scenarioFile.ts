/** scenario.json beside the terms that were frozen: what of it is public is nobody's to change afterwards. */
import type { Terms } from "../codec/terms.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { publicScenario, PublicScenarioSchema, type PublicScenario } from "../market/scenario/publicScenario.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";

/** What follows from the devices that are shown, too. A file of some who were invited is one of their session. */
export function checkScenario(scenario: Scenario, { scenario: frozen }: Terms): Verdict {
  const ids = scenario.prosumers.map(({ id }) => id);
  const stranger = ids.find((id) => !frozen.prosumers.some((one) => one.id === id));
  if (stranger !== undefined) return other(`prosumer ${stranger} was not invited`);
  const shown = PublicScenarioSchema.safeParse(publicScenario(scenario));
  if (!shown.success) return other(shown.error.issues[0].path.join(".") + " follows from no such devices");
  const fault = difference(sessionOf(frozen, ids), shown.data);
  return fault === undefined ? VALID : other(fault);
}

const other = (what: string): Verdict => invalid("scenarioNotTheTerms", `scenario.json: ${what}`);

/** The first figure of a file that is another in the terms. */
function difference(is: PublicScenario, told: PublicScenario): string | undefined {
  const pending: { at: string; is: unknown; told: unknown }[] = [{ at: "", is, told }];
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    const { at } = one;
    const [own, said] = [one.is, one.told];
    if (own === said) continue;
    if (!isObject(own) || !isObject(said)) return `${at} is ${shown(own)}, not ${shown(said)}`;
    const names = [...new Set([...Object.keys(own), ...Object.keys(said)])];
    for (const name of names.toReversed())
      pending.push({ at: at === "" ? name : `${at}.${name}`, is: own[name], told: said[name] });
  }
  return undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
