/** What a meter says of one period: what is signed, aggregated and settled. Integers only. */

/** From the best to the worst: a sum is as good as the worst of its parts. */
export const QUALITIES = ["measured", "estimated", "missing"] as const;
export type Quality = (typeof QUALITIES)[number];

export type MeterReading = {
  /** The account's id in the registry; its meter key signs. */
  readonly prosumer: number;
  /** Start of the period, Unix seconds UTC. */
  readonly start: number;
  /** Length of the period. */
  readonly seconds: number;
  /** Fed into the grid net of what was drawn from it, Wh; 0 where it is missing. */
  readonly meteredWh: number;
  /** What renewable devices behind the connection generated, Wh; 0 where it is missing. */
  readonly renewableWh: number;
  readonly quality: Quality;
};

/** The worse of two. */
export const worse = (a: Quality, b: Quality): Quality => (QUALITIES.indexOf(a) < QUALITIES.indexOf(b) ? b : a);
