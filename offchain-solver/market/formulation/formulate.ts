import type { ConicModel, RowHandle } from "../../numerics/conicModel.ts";
import { ownedBy } from "../devices/devices.ts";
import type { Market } from "../scenario/market.ts";
import { addAllowances, addBalance, addInjection, addReactivePower } from "./connection.ts";
import {
  GROUP,
  hourOf,
  noAnswers,
  noVariables,
  type Draft,
  type ProsumerVariables,
  type ShareVariables,
} from "./hour.ts";
import { addBooking, addRequirement } from "./reserve.ts";
import { addSustained } from "./sustained.ts";

/**
 * Adds the prosumer at `index`: its devices, connection, booking, requirement and allowance balance, with their costs
 * (docs/model.md). Trades stay outside: `sold` and `allowanceTraded` are sums that the caller ties to trades, share
 * variables are the caller's.
 */
export function addProsumer(
  model: ConicModel,
  market: Market,
  index: number,
  shares: ShareVariables,
): ProsumerVariables {
  const draft: Draft = {
    model,
    market,
    index,
    prosumer: market.prosumers[index],
    shares,
    variables: noVariables(market.hours),
    answered: noAnswers(market.hours),
    emissions: [],
    shifted: [],
  };
  const balance = Array.from({ length: market.hours }, (_, t) => addHour(draft, t));
  model.group = GROUP.device;
  addSustained(draft);
  const { shiftedMwh = 0 } = draft.prosumer.load;
  if (draft.shifted.length > 0) model.equal(draft.shifted, shiftedMwh / market.dt);
  return { ...draft.variables, answered: draft.answered, balance, ...addAllowances(draft) };
}

/** @returns the energy balance's row. The order of the steps is that of variables and rows. */
function addHour(draft: Draft, t: number): RowHandle {
  const hour = hourOf(draft, t);
  draft.model.group = GROUP.device;
  for (const { device, part } of ownedBy(draft.prosumer)) device.add(hour, part);
  addInjection(hour);
  addReactivePower(hour);
  const balance = addBalance(hour);
  addBooking(hour);
  addRequirement(hour);
  return balance;
}
