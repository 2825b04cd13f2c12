/** Carbon: emissions, allowances, intensity. */
import { CARBON_INTENSITY, allZero, heatHead, heatMap, heatRows } from "../charts/heat.ts";
import * as Pools from "../charts/reserveCarbon.ts";
import { byBus } from "../derive.ts";
import { inWords, named, shortNames } from "../labels.ts";
import { card, grid, legend, numbers, said, table, rowCount } from "../page.ts";
import { framed } from "../plot.ts";
import { tint } from "../theme.ts";
import { inUnit, withUnit } from "../units.ts";
import { meaningKeys, type Session } from "./session.ts";

function allowanceCard({ clearing, scenario, units: { mass } }: Session): string {
  const names = shortNames(scenario, clearing.prosumers);
  const pick = ({ carbon: c }: Session["clearing"]["prosumers"][number]): number[] => {
    const [desk, others] = [c.boughtT - c.soldT, -c.tradedT];
    return [c.emissionsT, c.allowanceT, desk, others, c.allowanceT + desk + others - c.emissionsT];
  };
  const all = byBus(clearing.prosumers);
  const sums = all.map(pick).reduce((a, b) => a.map((value, k) => value + b[k]));
  const show = (tonnes: number): string => inUnit(mass, tonnes);
  const short = Math.max(0, -sums[4], ...all.map((one) => -pick(one)[4]));
  const rest =
    mass.factor * short >= 0.5 * 10 ** -mass.digits
      ? ` Up to ${withUnit(mass, short)} is short within the clearing's tolerance; settlement buys it from the desk to the gram.`
      : "";
  return card(
    "Allowances",
    table(
      [inWords(scenario, "Prosumer"), "Emitted", "Free", "From desk", "From others", "Left over"],
      all.map((one) => [named(scenario, one.id, names.get(one.id)!), ...pick(one).map(show)]),
      { foot: ["All", ...sums.map(show)] },
    ),
    { note: `${mass.name} CO₂ as planned; negative: sold, or short.${rest}` },
  );
}

function intensityCard({ clearing, scenario }: Session): string {
  const values = clearing.carbonIntensity;
  if (values.length === 0 || allZero(values))
    return card("Carbon intensity", said("Zero at every bus in every period: nothing that is drawn caused emissions."));
  return card(
    "Carbon intensity",
    framed((frame) => heatMap(values, scenario, CARBON_INTENSITY, frame)) +
      numbers(
        `Lowest and highest of every period, ${rowCount(values)}`,
        table(heatHead(CARBON_INTENSITY), heatRows(values, scenario, CARBON_INTENSITY)),
      ),
    { note: "Of the energy drawn at the bus, by carbon emission flow." },
  );
}

export function carbon(session: Session): string {
  const on = session.clearing.settings.carbon;
  const emissions = card(
    on ? "Emissions and free allowances" : "Emissions",
    (on ? meaningKeys(Pools.CARBON_KINDS, Pools.CARBON_MEANINGS) : "") +
      framed((frame) => Pools.carbonChart(session, frame)),
    on ? {} : { note: "The market for allowances was switched off: emissions cost nothing and nobody trades them." },
  );
  if (!on) return grid(emissions, intensityCard(session));
  const price = card(
    "Marginal price of carbon",
    legend([
      { colour: tint("carbon"), text: inWords(session.scenario, "prosumer") },
      { colour: tint("utility"), text: "desk sells (upper), buys (lower)", line: "dashed" },
    ]) + framed((frame) => Pools.allowancePriceChart(session, frame)),
  );
  return grid(emissions, price, intensityCard(session), allowanceCard(session));
}
