import * as z from "zod";
import { nonnegative, positive } from "../../grid/feeder.ts";
import type { Device } from "./device.ts";

/**
 * PV or wind: curtailable up to the (debiased) forecast; `actualMw` is what the day brought, for delivery: absent of a
 * day that is still to come.
 */
const RenewableSchema = z.strictObject({
  kind: z.enum(["pv", "wind"]),
  ratingMw: positive,
  source: z.int().nonnegative(),
  forecastMw: z.array(nonnegative),
  actualMw: z.array(nonnegative).optional(),
  reactiveMvar: nonnegative,
});

export const renewable: Device<typeof RenewableSchema, "renewable", "renewableMw"> = {
  schema: RenewableSchema,
  dimensions: { ratingMw: "power", forecastMw: "power", actualMw: "power", reactiveMvar: "power" },
  courses: { forecastMw: "straight", actualMw: "straight" },
  hourly: ["renewable"],
  plan: { renewableMw: { variable: "renewable", unit: "mw", positive: true } },
  add({ model, variables, injection, t }, { forecastMw }) {
    if (!(forecastMw[t] > 0)) return;
    const w = (variables.renewable[t] = model.bounded(0, forecastMw[t]));
    injection.push([w, 1]);
  },
  reactiveMvar: ({ reactiveMvar }) => reactiveMvar,
  rating: ({ ratingMw }) => ({ sizeMw: ratingMw, drawsMw: 0, feedsMw: ratingMw }),
  faults: (part) =>
    (["forecastMw", "actualMw"] as const).flatMap((field) => {
      const series = part[field] ?? [];
      const hour = series.findIndex((mw) => mw > part.ratingMw);
      const reason = `is above ratingMw = ${part.ratingMw}`;
      return hour >= 0 ? [{ field: `${field}[${hour}]`, value: series[hour], reason }] : [];
    }),
  flows: ({ kind }, { renewableMw }, t) => [[kind === "wind" ? "wind" : "PV", renewableMw[t]]],
  unplannedMw: ({ forecastMw }) => forecastMw,
};
