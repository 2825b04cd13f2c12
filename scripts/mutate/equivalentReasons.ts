/** What a mutant that does what the original does is listed with, and the reasons that several have. */

/** Lines without their indentation; `nth`: which of the lines that read alike, from 1, where there are several. */
export type Change = readonly [before: string, after: string, because: string, nth?: number];
/** By file of contracts/. */
export type Changes = Readonly<Record<string, readonly Change[]>>;

export const EITHER = "where they are equal either is the smaller, or the larger";
export const ZERO = "where it is zero, so is what follows from it either way";
export const NO_RECORD = "a party equal to the number of participants does not take part, and was refused as unknown";
export const BEHIND = "what follows the table in memory is zeros or the length of what comes next, and no id";
