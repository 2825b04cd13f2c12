/** How agents agree: by plain iterations, or by accelerated ones. */
export const METHODS = ["admm", "gsa", "gsa1", "anderson"] as const;
export type Method = (typeof METHODS)[number];

/** By its agents, or the whole problem at once. */
export const CLEAR_METHODS = [...METHODS, "central"] as const;
export type ClearMethod = (typeof CLEAR_METHODS)[number];
