/** Amounts as people write them, to the last unit of what they are paid in. */

/** A comma before three digits is a decimal comma to some and parts thousands to others. */
export const canBeEither = (text: string): boolean => /^[1-9]\d{0,2},\d{3}$/.test(text);

/**
 * Units of `10 ** -digits`; a decimal comma is a point. undefined: no number above zero that there are units of.
 * "either": it can be read in two ways.
 */
export function unitsOf(text: string, digits: number): bigint | "either" | undefined {
  const given = text.trim();
  if (canBeEither(given)) return "either";
  const [, whole, part = ""] = /^(\d{1,15})(?:[.,](\d*))?$/.exec(given) ?? [];
  if (whole === undefined || part.length > digits) return undefined;
  const units = BigInt(whole + part.padEnd(digits, "0"));
  return units > 0n ? units : undefined;
}

/** What is wrong with an amount that can be read in two ways. */
export function eitherText(text: string): string {
  const [whole, part] = text.trim().split(",");
  return `Is it ${whole}${part}, or a little more than ${whole}? Write ${whole}${part} or ${whole}.${part}.`;
}

/** Tokens of 1e-6 $, or why there are none. */
export function tokensOf(text: string): bigint | string {
  const tokens = unitsOf(text, 6);
  if (tokens === "either") return eitherText(text);
  return tokens ?? "Enter an amount in dollars, such as 20 or 12.50; the least is $0.000001.";
}

/** Tokens of 1e-6 $ to the last of them: "$12.50", "$0.000001". */
export function inDollars(tokens: bigint): string {
  const text = `${tokens}`.padStart(7, "0");
  return `$${text.slice(0, -6)}.${text.slice(-6).replace(/0{1,4}$/, "")}`;
}
