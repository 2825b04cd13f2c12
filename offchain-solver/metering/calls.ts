/**
 * What reserve was called for in a session: each error is answered in proportion to the shares that were bought, and
 * never by more than was sold. Integers: W of reserve, Wh of energy.
 */
import { type ClearingResult, OPERATOR, UTILITY } from "../market/result/clearingResult.ts";

/** [participant][period] Wh. */
export type PerPeriod = readonly (readonly number[])[];

export type Calls = {
  /** Given to others as they called for it; negative: taken from them. */
  readonly given: PerPeriod;
  /** Given by others for own errors; negative: taken by them. */
  readonly received: PerPeriod;
  /** Of that, what the utility gave. */
  readonly ofUtility: PerPeriod;
  /** What own devices have to answer of own errors. */
  readonly own: PerPeriod;
  /** Mean price of the reserve that it sold, 1e-6 $ per kW, rounded; 0 where it sold none or was paid less. */
  readonly price: PerPeriod;
};

/**
 * `needW` [period][participant]: what answers the whole error, as the frozen terms have it. `errorWh`
 * [participant][period]: generated less planned.
 */
export function callsOf(result: ClearingResult, needW: readonly (readonly number[])[], errorWh: PerPeriod): Calls {
  const zeros = (): number[][] => result.participants.map(() => new Array<number>(result.periods).fill(0));
  const calls = { given: zeros(), received: zeros(), ofUtility: zeros(), own: zeros(), price: zeros() };
  const [soldW, paid] = [zeros(), zeros()];
  const restW = result.participants.map((_, j) => needW.map((hour) => hour[j]));
  for (const { product, seller, buyer, period: t, quantity, price } of result.trades) {
    // What the operator sells is its charge on responses.
    if (product !== "reserve" || seller === OPERATOR) continue;
    const wh = answer(quantity, errorWh[buyer][t], needW[t][buyer], result.periodSeconds);
    restW[buyer][t] -= quantity;
    calls.received[buyer][t] += wh;
    if (seller === UTILITY) {
      calls.ofUtility[buyer][t] += wh;
      continue;
    }
    calls.given[seller][t] += wh;
    soldW[seller][t] += quantity;
    paid[seller][t] += quantity * price;
  }
  calls.own.forEach((row, j) =>
    row.forEach((_, t) => {
      row[t] = answer(Math.max(0, restW[j][t]), errorWh[j][t], needW[t][j], result.periodSeconds);
      if (soldW[j][t] > 0) calls.price[j][t] = Math.max(0, Math.round(paid[j][t] / soldW[j][t]));
    }),
  );
  return calls;
}

/** -share x error, halves away from zero, and at most what the reserve gives in a period. */
function answer(quantityW: number, errorWh: number, needW: number, seconds: number): number {
  if (needW <= 0 || errorWh === 0) return 0;
  const [share, error, need] = [quantityW, Math.abs(errorWh), needW].map(BigInt);
  const asked = Number((2n * share * error + need) / (2n * need));
  const most = Math.floor((quantityW * seconds) / 3600);
  return (errorWh > 0 ? -1 : 1) * Math.min(asked, most) + 0;
}
