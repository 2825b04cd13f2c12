/** Why a price between members is what it is, told from public prices alone. */

/** `utility`: at what the utility's energy and its allowance cost; `surplus`: at what the utility pays; */
export type Reason = "none" | "utility" | "below" | "surplus" | "above";

export const WHY_TEXTS: Readonly<Record<Reason, string>> = {
  none: "You traded with no member: the tariff alone, and the allowance for its CO₂.",
  utility: "Energy is short on the street: what the utility's next kWh costs, its allowance included, sets the price.",
  below: "Between the utility's two prices: a battery, a generator or shifted load is the next kWh.",
  surplus: "There is sun to spare: what the utility would pay for it sets the price.",
  above: "A limit of the network is reached: a kWh at the right place is worth more than the utility's.",
};

/** As part of the spread between the utility's prices: so close is at. */
const CLOSE = 0.04;

/** $/MWh. Undefined price: there was no trade. */
export function whyOf(
  price: number | undefined,
  { buy, sell, allowance }: { readonly buy: number; readonly sell: number; readonly allowance: number },
): Reason {
  if (price === undefined) return "none";
  const top = buy + allowance;
  const close = CLOSE * (top - sell);
  if (price > top + close) return "above";
  if (price >= top - close) return "utility";
  return price <= sell + close ? "surplus" : "below";
}
