/** The products of the consensus; one rho and one stopping test each. */
export const COMMODITIES = ["energy", "allowances", "reserve", "active", "reactive"] as const;
export const [ENERGY, ALLOWANCES, RESERVE, ACTIVE, REACTIVE] = [0, 1, 2, 3, 4] as const;
