/** The tiles at the top: what the session came to, in a number each. */
import { reconcile } from "../accounts.ts";
import { betweenProsumers, escape, number, posted, total } from "../derive.ts";
import type { Tile } from "../page.ts";
import { tiles } from "../page.ts";
import { currencyOf, inWords } from "../labels.ts";
import { massUnit, moneyUnit, withUnit } from "../units.ts";
import { rated } from "../charts/checks.ts";
import type { Session } from "./session.ts";

function marketTiles({ clearing, scenario, units }: Session): Tile[] {
  const { hours, periodHours, prosumers } = scenario;
  const { bills, objective } = reconcile(clearing);
  const amount = moneyUnit(bills, currencyOf(scenario));
  const sum = (trades: readonly { readonly mw: number }[]): number => total(trades.map(({ mw }) => mw)) * periodHours;
  const load = sum(prosumers.flatMap(({ load: { fixedMw } }) => fixedMw.slice(0, hours).map((mw) => ({ mw }))));
  const reserve = posted(clearing, "reserve");
  const peers = betweenProsumers(reserve);
  const powerHours = { ...units.energy, name: `${units.power.name}·h` };
  const all: Tile[] = [
    {
      label: "Cost of the session",
      value: withUnit(amount, bills),
      detail: `all bills together; the objective is ${withUnit(amount, objective)} (<a href="#bills">why</a>)`,
    },
    {
      label: inWords(scenario, "Traded between prosumers"),
      value: withUnit(units.energy, sum(betweenProsumers(posted(clearing, "energy")))),
      detail: `load ${withUnit(units.energy, load)}`,
    },
  ];
  if (reserve.length > 0)
    all.push({
      label: inWords(scenario, "Reserve between prosumers"),
      value: withUnit(powerHours, sum(peers)),
      detail: `and ${withUnit(powerHours, sum(reserve) - sum(peers))} from the utility`,
    });
  const emitted = total(clearing.prosumers.map(({ carbon }) => carbon.emissionsT));
  all.push({
    label: "Emissions",
    value: withUnit(massUnit(emitted), emitted),
    detail: "CO₂ over the session, as planned",
  });
  return all;
}

export function overview(session: Session): string {
  const { clearing, scenario, units, settlements, audit } = session;
  const { ac } = clearing.network;
  const all = marketTiles(session);
  const losses = `losses ${withUnit(units.energy, total(ac.lossesMwh))}`;
  all.push({
    label: "Voltage",
    value: `${number(Math.min(...ac.minVoltage), 3)}–${number(Math.max(...ac.maxVoltage), 3)} p.u.`,
    detail: rated(scenario) ? "lowest and highest, AC sweep" : `AC sweep, ${losses}`,
  });
  if (rated(scenario)) {
    const value = `${number(100 * Math.max(...ac.maxLoading), 1)} %`;
    all.push({ label: "Highest loading", value, detail: `AC sweep, ${losses}` });
  }
  all.push({
    label: clearing.settings.method === "central" ? "Central solves" : "Iterations",
    value: number(clearing.iterations, 0),
    detail: `${number(clearing.wallMs / 1000, 1)} s`,
  });
  if (settlements.length > 0) {
    const sum = (of: "trades" | "gasUsed"): number => total(settlements.map((one) => one[of]));
    const where = settlements.length === 1 ? "one transaction" : `${settlements.length} transactions`;
    const detail = `${number(sum("trades"), 0)} trades in ${where}`;
    all.push({ label: "Settled", value: `${number(sum("gasUsed"), 0)} gas`, detail });
  }
  const verdicts = audit?.verdicts.map(({ verdict }) => verdict) ?? [];
  if (verdicts.length > 0) {
    const value = verdicts.find((verdict) => verdict !== "valid") ?? "valid";
    const why = audit?.verdicts.find(({ verdict }) => verdict === value)?.predicate;
    all.push({
      label: "Audit",
      value,
      ...(why === undefined ? {} : { detail: escape(why) }),
      ...(value === "undecided" ? {} : { mood: value === "valid" ? "good" : "bad" }),
    });
  }
  return tiles(all);
}
