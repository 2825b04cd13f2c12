import * as z from "zod";
import { figure, nonnegative } from "../../grid/feeder.ts";
import type { Device } from "./device.ts";

/** Load: fixed profile, constant power factor (Mvar per MW), flexible share phi and its discomfort (k/2) dd^2. */
const LoadSchema = z.strictObject({
  fixedMw: z.array(nonnegative),
  mvarPerMw: figure,
  flexibleShare: z.number().min(0).max(1),
  discomfort: nonnegative,
});

const peakOf = (mw: readonly number[]): number => mw.reduce((most, value) => Math.max(most, value), 0);

/** What everybody has. Of its fixed part `addInjection` and `addReactivePower` take care; here is what may be moved. */
export const load: Device<typeof LoadSchema, "flexible", "flexibleMw"> = {
  schema: LoadSchema,
  dimensions: { fixedMw: "power", discomfort: "slope" },
  courses: { fixedMw: "straight" },
  hourly: ["flexible"],
  plan: { flexibleMw: { variable: "flexible", unit: "mw" } },
  /** Load that may be moved within the session; in a single hour there is nowhere to move it. */
  add(hour, part) {
    const { model, market, variables, t } = hour;
    const most = part.flexibleShare * part.fixedMw[t];
    if (!(most > 0 && market.hours > 1)) return;
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
  unplannedMw: ({ fixedMw }) => fixedMw.map((mw) => -mw),
};
