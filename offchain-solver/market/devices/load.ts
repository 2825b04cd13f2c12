import * as z from "zod";
import { figure, nonnegative, positive } from "../../grid/feeder.ts";
import { HAIR, type Device, type Stretch } from "./device.ts";

/**
 * Load: fixed profile, constant power factor (Mvar per MW), flexible share phi and its discomfort (k/2) dd^2.
 * `actualMw` is what the day brought of the profile, for delivery: absent of a day that is still to come.
 */
const LoadSchema = z.strictObject({
  fixedMw: z.array(nonnegative),
  actualMw: z.array(nonnegative).optional(),
  mvarPerMw: figure,
  flexibleShare: z.number().min(0).max(1),
  discomfort: nonnegative,
  /** What is shifted into the session, less what is shifted out of it; absent: 0. */
  shiftedMwh: figure.optional(),
  /**
   * Its forecast errs by so many MW times the error of this source, which is positive where less is drawn than
   * forecast; both or neither.
   */
  errorMw: positive.optional(),
  errorSource: z.int().nonnegative().optional(),
});

type Load = z.infer<typeof LoadSchema>;

const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);
const movableMwh = (fixedMw: readonly number[], flexibleShare: number, dt: number): number =>
  flexibleShare * sum(fixedMw) * dt;

/** The last stretch of a day takes what is left, so that what was shifted comes to the same over all. */
function between(
  { fixedMw, flexibleShare, shiftedMwh = 0 }: Load,
  { flexibleMw }: { readonly flexibleMw: ArrayLike<number> },
  { from, to, dt }: Stretch,
): Partial<Load> {
  const shifted = Array.from(flexibleMw);
  const wanted =
    to === shifted.length ? shiftedMwh - dt * sum(shifted.slice(0, from)) : dt * sum(shifted.slice(from, to));
  const most = (1 - HAIR) * movableMwh(fixedMw.slice(from, to), flexibleShare, dt);
  return flexibleShare === 0 ? {} : { shiftedMwh: Math.min(most, Math.max(-most, wanted)) };
}

const peakOf = (mw: readonly number[]): number => mw.reduce((most, value) => Math.max(most, value), 0);

/** What everybody has. Of its fixed part `addInjection` and `addReactivePower` take care; here is what may be moved. */
export const load: Device<typeof LoadSchema, "flexible", "flexibleMw"> = {
  schema: LoadSchema,
  dimensions: { fixedMw: "power", actualMw: "power", discomfort: "slope", shiftedMwh: "energy", errorMw: "power" },
  courses: { fixedMw: "straight", actualMw: "straight" },
  hourly: ["flexible"],
  plan: { flexibleMw: { variable: "flexible", unit: "mw" } },
  /** Load that may be moved within the session; in a single hour there is nowhere to move it but out of it. */
  add(hour, part) {
    const { model, market, variables, t } = hour;
    const most = part.flexibleShare * part.fixedMw[t];
    if (!(most > 0 && (market.hours > 1 || part.shiftedMwh !== undefined))) return;
    const shifted = (variables.flexible[t] = model.bounded(-most, most));
    model.square(shifted, part.discomfort * market.dt);
    hour.injection.push([shifted, -1]);
    hour.shifted.push([shifted, 1]);
    hour.drawn.push([shifted, part.mvarPerMw]);
  },
  cost: ({ discomfort }, { flexibleMw }, t) => (discomfort / 2) * flexibleMw[t] * flexibleMw[t],
  rating: ({ fixedMw, flexibleShare }) => {
    const peak = peakOf(fixedMw);
    return { sizeMw: peak, drawsMw: peak * (1 + flexibleShare), feedsMw: 0 };
  },
  flows: ({ fixedMw }, { flexibleMw }, t) => [["load", -fixedMw[t] - flexibleMw[t]]],
  between,
  faults: ({ fixedMw, flexibleShare, shiftedMwh = 0, errorMw, errorSource }, { dt }) => {
    if ((errorMw === undefined) !== (errorSource === undefined)) {
      const [field, value] = errorMw === undefined ? ["errorSource", errorSource] : ["errorMw", errorMw];
      return [{ field, value, reason: "errorMw and errorSource go together" }];
    }
    const most = movableMwh(fixedMw, flexibleShare, dt);
    if (Math.abs(shiftedMwh) <= most) return [];
    return [{ field: "shiftedMwh", value: shiftedMwh, reason: `is more than may be moved, ${most}` }];
  },
  unplannedMw: ({ fixedMw }) => fixedMw.map((mw) => -mw),
};
