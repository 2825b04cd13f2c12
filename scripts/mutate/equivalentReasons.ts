/** What a mutant that does what the original does is listed with, and the reasons that several have. */

/** Lines without their indentation; `below`: the line above it, where the same line stands elsewhere too. */
export type Change = readonly [before: string, after: string, because: string, below?: string];
/** By file of contracts/. */
export type Changes = Readonly<Record<string, readonly Change[]>>;

export const EITHER = "where they are equal either is the smaller, or the larger";
export const ZERO = "where it is zero, so is what follows from it either way";
export const NO_RECORD = "a party equal to the number of participants does not take part, and was refused as unknown";
export const BEHIND = "what follows the table in memory is zeros or the length of what comes next, and no id";
