/** Reserve of one prosumer in one hour: what it books, and who answers its own error. MW. */
import { triangularFactor } from "../../numerics/qr.ts";
import { ownedBy } from "../devices/devices.ts";
import { addTwoSided, type Affine } from "../risk/tsDrcc.ts";
import { GROUP, type Hour } from "./hour.ts";
import { riskLevel } from "./network.ts";

/** Booked capacity covers what the shares may ask, two-sided and distributionally robust. */
export function addBooking({ model, market, prosumer, shares, variables: v, t }: Hour): void {
  const sold = shares.sold[t];
  if (sold.length === 0) return;
  const booked = ownedBy(prosumer).flatMap(({ device: { reserve } }) => reserve ?? []);
  const ups = booked.map(({ up }) => v[up][t]).filter((x) => x >= 0);
  const downs = booked.map(({ down }) => v[down][t]).filter((x) => x >= 0);
  for (const x of ups) model.linear(x, prosumer.reserveUpPerMw * market.dt);
  for (const x of downs) model.linear(x, prosumer.reserveDownPerMw * market.dt);
  model.group = GROUP.booking;
  const columns = triangularFactor(sold.map(({ buyer }) => market.error[t][buyer]));
  const perMw = sold.map(({ buyer }) => 1 / (market.halfWidth[t] * market.sigma[t][buyer]));
  const spread = Array.from(columns[0], (_, row): Affine => ({
    terms: sold.map(({ variable }, k) => [variable, columns[k][row] * perMw[k]] as const),
    constant: 0,
  }));
  addTwoSided(
    model,
    {
      centre: { terms: [], constant: 0 },
      spread,
      coefficients: sold.map(({ variable }, k) => ({ terms: [[variable, perMw[k]]], constant: 0 })),
      lower: { terms: downs.map((x) => [x, -1] as const), constant: 0 },
      upper: { terms: ups.map((x) => [x, 1] as const), constant: 0 },
    },
    riskLevel(market, t),
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
