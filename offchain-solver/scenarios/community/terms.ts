import * as z from "zod";
import { SMALLEST } from "../../grid/feeder.ts";
import { RISK_METHODS } from "../../market/scenario/scenario.ts";
import { UNITS } from "./meterColumns.ts";
import { DATE_FORMATS } from "./portalStamps.ts";

const nonneg = z.number().nonnegative().max(1e6);
const price = z.number().min(-1e4).max(1e4);
const temperature = z.number().min(-60).max(60);
const share = z.number().min(0).max(1);
export const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time of day in quotes, such as "06:00"');

/** Prices of a part of the day, of the week or of the year; the first band that fits a period holds. */
const BandSchema = z.strictObject({
  from: clockTime.default("00:00"),
  /** Up to and without; over midnight where it is before `from`. */
  to: clockTime.default("24:00"),
  days: z.enum(["all", "workdays", "weekend"]).default("all"),
  /** 1 to 12; absent: all year. */
  months: z.array(z.int().min(1).max(12)).min(1).optional(),
  buyPerKwh: price,
  sellPerKwh: price.optional(),
});

/** community.yaml: money in the community's currency, energy in kWh, power in kW, times by the local clock. */
export const CommunitySchema = z.strictObject({
  name: z.string().min(1).max(120),
  /** IANA name, such as Europe/Vienna: the clock of tariffs, reports, and of stamps that say no zone. */
  timeZone: z.string().min(1),
  /** What money is called: EUR, CHF, USD. */
  currency: z.string().regex(/^[A-Z]{3}$/, "must be three capital letters, such as EUR"),
  periodMinutes: z.literal([15, 30, 60], "must be 15, 30 or 60"),
  /** The street: gridpact's JSON, a MATPOWER case (*.m) or a pandapower network (*.json). */
  feeder: z.string().min(1),
  tariff: z.strictObject({
    buyPerKwh: price,
    sellPerKwh: price,
    bands: z.array(BandSchema).default([]),
  }),
  /** What the utility takes for answering a forecast error, per kW and hour. */
  reserve: z.strictObject({ upPerKw: nonneg, downPerKw: nonneg }).optional(),
  carbon: z
    .strictObject({
      /** Of the grid's energy: one figure, or a column `gCO2/kWh` in a file of hours. */
      gridGramPerKwh: z.union([nonneg, z.string().min(1)], "must be a number, or the name of a file"),
      /** Free allowance for each kWh of load. */
      quotaGramPerKwh: nonneg,
      buyPerTonne: nonneg,
      sellPerTonne: nonneg,
    })
    .optional(),
  /** Outside temperature that heats of rooms are reckoned with, degrees Celsius: one, or the mean of each month. */
  outsideC: z
    .union([temperature, z.array(temperature).length(12)], "must be a temperature, or a list of twelve, January first")
    .optional(),
  /** Accepted probability that a forecast error breaks one limit in one period. */
  epsilon: z.number().min(SMALLEST).lt(1).default(0.05),
  risk: z.enum(RISK_METHODS).default("ts-drcc"),
  /** With how many neighbours each member may trade, or all. */
  partners: z.union([z.literal("all"), z.int().min(1)], "must be all, or a whole number from 1 on").default(6),
  history: z
    .strictObject({
      /** Days before a session of which errors are taken. */
      days: z.int().min(7).max(366).default(60),
      /** A session is cleared the day before it: 2 says that the last day known then is the one before that. */
      lagDays: z.int().min(1).max(14).default(2),
    })
    .prefault({}),
  series: z
    .strictObject({
      unit: z.enum(UNITS).optional(),
      stamps: z.enum(["start", "end"]).default("start"),
      dates: z.enum(DATE_FORMATS).optional(),
      /** Of stamps that say none: the community's clock, or an offset that holds all year. */
      zone: z
        .string()
        .regex(/^(local|UTC|[+-](0\d|1[0-4]):[0-5]\d)$/, "must be local, UTC, or an offset such as +01:00")
        .default("local"),
      headLine: z.int().min(1).max(100).default(1),
    })
    .prefault({}),
  /** What members.csv does not say of a member. */
  defaults: z
    .strictObject({
      powerFactor: z.number().min(0.5).max(1).default(0.97),
      flexiblePercent: z.number().min(0).max(100).default(0),
      /** Moving all flexible load by its peak costs so much a kWh at the margin. */
      discomfortPerKwh: nonneg.default(0.3),
      batteryEfficiency: z.number().min(0.5).max(1).default(0.95),
      batteryMinPercent: z.number().min(0).max(100).default(10),
      batteryInitialPercent: z.number().min(0).max(100).default(50),
      batteryWearPerKwh: nonneg.default(0.02),
      /** From the socket into a car's battery. */
      evEfficiency: z.number().min(0.5).max(1).default(0.9),
      /** What booking own devices for reserve costs, per kW and hour. */
      reserveUpPerKw: nonneg.default(0.002),
      reserveDownPerKw: nonneg.default(0.001),
      /** Of an inverter's rating. */
      reactiveShare: share.default(0.3),
    })
    .prefault({}),
});

export type Community = z.output<typeof CommunitySchema>;
export type Band = z.output<typeof BandSchema>;
