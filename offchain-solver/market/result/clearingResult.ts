/**
 * The quantised result of one session: integers only, what is verified, signed, posted and settled.
 * Money is never stored: it is quantity x price. Wh x (1e-6 $/kWh) = W x (1e-6 $/kW) = g x (1e-6 $/kg) = 1e-9 $.
 */
export const PRODUCTS = ["network", "energy", "reserve", "carbon"] as const;
export type Product = (typeof PRODUCTS)[number];

/** Accounts that are not prosumers, as trade endpoints. Prosumers are their index in `participants`. */
export const UTILITY = 0xffff;
export const OPERATOR = 0xfffe;
export const DESK = 0xfffd;

/** MWh, MW or t to Wh, W or g. */
export const UNITS = 1e6;
/** $/MWh, $/MW or $/t to 1e-6 $ per kWh, kW or kg. */
export const PRICE_UNITS = 1e3;

/** Period index of what belongs to the whole session: allowances and the network rebate. */
export const SESSION_PERIOD = 255;

/**
 * Directed: the seller gives `quantity` (> 0; Wh, W or g) and receives quantity x price nano-dollars from the buyer.
 * `price` is signed, 1e-6 $ per kWh, kW or kg.
 *
 * - energy: prosumer <-> prosumer, or UTILITY on one side (import: seller = UTILITY; export: buyer = UTILITY).
 *   A prosumer's net energy sold in a period, utility included, equals its physical net injection P.
 * - reserve: seller answers the buyer's forecast error; UTILITY may be the seller. Where OPERATOR is, it is the
 *   network's charge on responses and reactive power (`ancillaryCharge.ts`): quantity = W that the buyer answers and
 *   its var, price = the mean charge on them.
 * - carbon: period = SESSION_PERIOD; prosumer <-> prosumer, or DESK on one side.
 * - network: seller = OPERATOR, buyer = prosumer. Per period: quantity = |P| and price = sign(P) x charge per kWh
 *   injected (no line where P = 0 or the charge rounds to 0). At SESSION_PERIOD the rebate: quantity = the day's fixed
 *   load in Wh, price <= 0.
 */
export type Trade = {
  readonly seller: number;
  readonly buyer: number;
  readonly product: Product;
  readonly period: number;
  readonly quantity: number;
  readonly price: number;
};

export type ClearingResult = {
  /** Unix seconds, UTC. */
  readonly sessionStart: number;
  readonly periodSeconds: number;
  readonly periods: number;
  /** Prosumer ids, ascending. */
  readonly participants: readonly number[];
  /** Ascending by (product in PRODUCTS order, period, seller, buyer), no duplicates. */
  readonly trades: readonly Trade[];
  /** Net reactive injection, var: [participant][period]. */
  readonly reactiveVar: readonly (readonly number[])[];
};
