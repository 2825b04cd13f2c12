/** A retirement on one page that can be filed: what was burned, for whom, and where the chain says so. */
import { escape } from "./derive.ts";

/** Amount in the asset's units; times in Unix seconds. */
export type Certificate = {
  readonly number: bigint;
  readonly amount: bigint;
  readonly unit: string;
  readonly allowance: boolean;
  readonly registry: string;
  readonly vintage: number;
  readonly method: string;
  /** Micrograms of CO2 a unit stands for. */
  readonly factorMicroG: bigint;
  readonly holder: string;
  readonly beneficiary: string;
  readonly from: number;
  readonly until: number;
  /** Of the settled session that it is for; 0: for none. */
  readonly sequence: number;
  readonly chainId: bigint;
  readonly contract: string;
  readonly transaction: string;
  readonly block: number;
};

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}h1{font-size:1.4rem}" +
  "dl{display:grid;grid-template-columns:minmax(8rem,1fr) 3fr;gap:.4rem 1rem;border-top:1px solid #d5d9de;padding-top:1rem}" +
  "dt{color:#59636e}dd{margin:0;overflow-wrap:anywhere}.much{font-size:1.6rem;font-weight:600}" +
  "@media screen and (max-width:500px){dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .6rem}}@media print{body{margin:0}}";

const utc = (seconds: number): string => `${new Date(1000 * seconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** "1.4 kWh", "250 g". */
export const amountText = (amount: bigint, unit: string): string =>
  unit === "Wh" || unit === "g"
    ? amount >= 1_000n
      ? `${Number(amount) / 1_000} k${unit}`
      : `${amount} ${unit}`
    : `${amount} ${unit}`;

/** Grams of CO2 that the amount stands for, rounded down. */
export const gramsOf = ({ amount, factorMicroG }: Pick<Certificate, "amount" | "factorMicroG">): bigint =>
  (amount * factorMicroG) / 1_000_000n;

/** A certificate of origin says where energy comes from, and claims no emission that was avoided. */
const standsFor = (one: Certificate): string =>
  one.factorMicroG === 0n ? "no emission that was avoided" : `${amountText(gramsOf(one), "g")} of CO₂`;

export function renderCertificate(one: Certificate): string {
  const facts: [string, string][] = [
    ["For", one.beneficiary],
    ["Period", one.until === 0 ? "none named" : `${utc(one.from)} to ${utc(one.until)}`],
    ["Settled session", one.sequence === 0 ? "none named" : `no. ${one.sequence}`],
    ["What", one.allowance ? "allowance to emit CO₂" : "renewable energy, measured by a meter"],
    ["Registry, vintage, method", `${one.registry}, ${one.vintage}, ${one.method}`],
    ["Stands for", standsFor(one)],
    ["Retired by", one.holder],
    ["Contract", `${one.contract} on chain ${one.chainId}`],
    ["Transaction", `${one.transaction}, block ${one.block}`],
  ];
  const much = amountText(one.amount, one.unit);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Retirement no. ${one.number}</title>
<style>${STYLE}</style></head><body>
<h1>Retirement no. ${one.number}</h1>
<p class="much">${escape(much)}</p>
<p>Burned for good: nobody can hold, sell or retire it again. Whoever reads the chain finds the event <code>Retired</code> with this number in the transaction below.</p>
<dl>${facts.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join("\n")}</dl>
</body></html>
`;
}
