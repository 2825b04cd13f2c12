/** Reserve of one prosumer in one hour: what it books, and who answers its own error. MW. */
import { triangularFactor } from "../../numerics/qr.ts";
import { RESERVES } from "../devices/devices.ts";
import { addTwoSided, type Affine } from "../risk/tsDrcc.ts";
import { GROUP, type Answer, type Hour } from "./hour.ts";
import { riskLevel } from "./network.ts";

/** Booked capacity covers what the shares may ask, two-sided and distributionally robust. */
export function addBooking(hour: Hour): void {
  const { model, market, prosumer, shares, variables: v, t } = hour;
  const sold = shares.sold[t];
  if (sold.length === 0) return;
  const booking = RESERVES.filter(({ up }) => v[up][t] >= 0);
  const booked = (side: "up" | "down"): number[] => booking.map((names) => v[names[side]][t]);
  for (const x of booked("up")) model.linear(x, prosumer.reserveUpPerMw * market.dt);
  for (const x of booked("down")) model.linear(x, prosumer.reserveDownPerMw * market.dt);
  model.group = GROUP.booking;
  if (market.joint === undefined) {
    addCapacity(hour, sold, booked("up"), booked("down"));
    return;
  }
  const answered = booking.map(({ up }) => hour.answered.get(up)![t]);
  shareAmongDevices(hour, sold, answered);
  booking.forEach(({ up, down }, k) => addCapacity(hour, answered[k], [v[up][t]], [v[down][t]]));
}

/** What a prosumer answers is answered by one of its devices or another; how it is shared stays its own affair. */
function shareAmongDevices({ model }: Hour, sold: readonly Answer[], devices: readonly Answer[][]): void {
  for (const { buyer, variable } of sold) {
    const parts = devices.length === 1 ? [variable] : devices.map(() => model.bounded(0, Infinity));
    devices.forEach((answers, k) => answers.push({ buyer, variable: parts[k] }));
    if (devices.length !== 1) model.equal([[variable, 1], ...parts.map((part) => [part, -1] as const)], 0);
  }
}

function addCapacity(
  { model, market, t }: Hour,
  answers: readonly Answer[],
  ups: readonly number[],
  downs: readonly number[],
): void {
  const columns = triangularFactor(answers.map(({ buyer }) => market.error[t][buyer]));
  const perMw = answers.map(({ buyer }) => 1 / (market.halfWidth[t] * market.sigma[t][buyer]));
  const spread = Array.from(columns[0], (_, row): Affine => ({
    terms: answers.map(({ variable }, k) => [variable, columns[k][row] * perMw[k]] as const),
    constant: 0,
  }));
  addTwoSided(
    model,
    {
      centre: { terms: [], constant: 0 },
      spread,
      coefficients: answers.map(({ variable }, k) => ({ terms: [[variable, perMw[k]]], constant: 0 })),
      lower: { terms: downs.map((x) => [x, -1] as const), constant: 0 },
      upper: { terms: ups.map((x) => [x, 1] as const), constant: 0 },
    },
    { ...riskLevel(market, t), whole: market.joint !== undefined },
  );
}

/** The whole error of an uncertain prosumer is answered: by itself, by partners, or by the utility at its tariff. */
export function addRequirement({ model, market, index, shares, variables, t }: Hour): void {
  if (market.error[t][index].length === 0) return;
  const { tariff } = market.scenario;
  model.group = GROUP.device;
  const utility = (variables.utilityShare[t] = model.bounded(0, Infinity));
  model.linear(utility, (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * market.dt);
  model.group = GROUP.requirement;
  model.equal(
    [[utility, 1], ...shares.bought[t].map(({ variable }) => [variable, 1] as const)],
    market.halfWidth[t] * market.sigma[t][index],
  );
}
