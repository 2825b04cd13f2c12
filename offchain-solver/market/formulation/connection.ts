/** Where a prosumer meets grid, utility, partners and desk: what its devices do, added up. */
import type { RowHandle, Terms } from "../../numerics/conicModel.ts";
import { reactiveMvar } from "../scenario/capability.ts";
import { GROUP, type Draft, type Hour, type ProsumerVariables } from "./hour.ts";

/** P = what the devices inject less the fixed load, MW. */
export function addInjection({ model, prosumer, variables, injection, t }: Hour): void {
  const p = (variables.p[t] = model.add());
  model.equal([[p, 1], ...injection.map(([x, c]) => [x, -c] as const)], -prosumer.load.fixedMw[t]);
}

/** Q = what generator and inverter give less what the load draws, Mvar. */
export function addReactivePower({ model, market, prosumer, variables, drawn, t }: Hour): void {
  const { load } = prosumer;
  const range = reactiveMvar(prosumer);
  const q = (variables.q[t] = model.add());
  const given: Terms = range > 0 ? [[(variables.reactive[t] = model.bounded(-range, range)), -1]] : [];
  for (const [device] of given) model.square(device, market.regularisation.reactive * market.dt);
  model.equal([[q, 1], ...given, ...drawn], -load.mvarPerMw * load.fixedMw[t]);
}

/** P + imports - exports = sold to partners, MW: the utility at its tariff takes what partners do not. */
export function addBalance(hour: Hour): RowHandle {
  const { model, market, index, variables: v, t } = hour;
  const { tariff, carbon } = market.scenario;
  const imports = (v.imports[t] = model.bounded(0, Infinity));
  const exports = (v.exports[t] = model.bounded(0, Infinity));
  model.linear(imports, tariff.buyPerMwh[t] * market.dt);
  model.linear(exports, -tariff.sellPerMwh[t] * market.dt);
  hour.emissions.push([imports, carbon.gridTPerMwh[t] * market.dt]);
  const sold = (v.sold[t] = model.add());
  const terms: Terms = [
    [v.p[t], 1],
    [imports, 1],
    [exports, -1],
    [sold, -1],
  ];
  model.group = GROUP.balance;
  const row = model.equal(terms, 0);
  model.group = GROUP.device;
  // Energy cleared before: its trades stand, devices and the utility connection may still move. Who has no partner
  // sells nothing anyway.
  if (market.fixedSoldMw && market.pairsOf[index].length > 0) model.equal([[sold, 1]], market.fixedSoldMw[index][t]);
  return row;
}

type Allowances = Pick<ProsumerVariables, "allowanceBought" | "allowanceSold" | "allowanceTraded" | "allowance">;

/** Emissions <= free allowance + bought from the desk - sold to it - sold to partners, tCO2 over the session. */
export function addAllowances({ model, market, index, emissions }: Draft): Allowances {
  if (!market.settings.carbon)
    return { allowanceBought: -1, allowanceSold: -1, allowanceTraded: -1, allowance: undefined };
  const { carbon } = market.scenario;
  const allowanceBought = model.bounded(0, Infinity);
  const allowanceSold = model.bounded(0, Infinity);
  const allowanceTraded = model.add();
  model.linear(allowanceBought, carbon.deskBuyPerT);
  model.linear(allowanceSold, -carbon.deskSellPerT);
  model.group = GROUP.allowance;
  const allowance = model.lessEqual(
    [...emissions, [allowanceBought, -1], [allowanceSold, 1], [allowanceTraded, 1]],
    market.allowanceT[index],
  );
  return { allowanceBought, allowanceSold, allowanceTraded, allowance };
}
