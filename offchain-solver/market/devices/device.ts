import type * as z from "zod";
import type { Answer, Draft, Hour } from "../formulation/hour.ts";
import type { Fault } from "../scenario/scenarioFaults.ts";

/**
 * What a figure counts in, so how it follows a market's units. `ramp`: MW an hour; `slope`: $/h per MW^2; `price`:
 * $/MWh.
 */
export type Dimension = "power" | "energy" | "ramp" | "slope" | "price";

/**
 * What a series of one value a period becomes in shorter periods: MW that run straight from the middle of one hour to
 * that of the next, a value that holds all hour, or a sum that has to be reached by the hour's end.
 */
export type Course = "straight" | "held" | "reached";

/** A variable of the program as part of a schedule; `positive`: solvers leave it a hair below zero. */
export type Planned<Hourly extends string> = {
  readonly variable: Hourly;
  readonly unit: "mw" | "mwh";
  readonly positive?: true;
  /** Counted from the session's start: in one that is a part of a day it begins at zero again. */
  readonly fromStart?: true;
};

/** Of a plan that a solver made: what it needs at an end is asked for less so much of the range. */
export const HAIR = 1e-6;

/** Periods of a day that are a session of their own: `from` on, before `to`. */
export type Stretch = { readonly from: number; readonly to: number; readonly dt: number };

/** How many periods a session has, and how long they are, h. */
export type Span = { readonly hours: number; readonly dt: number };

/** A line over the periods between two others, for its owner. */
export type DevicePicture = {
  readonly title: string;
  readonly colour: "battery" | "vehicle" | "heatPump";
  readonly unit: "energy" | "temperature";
  /** Of the axis. */
  readonly label: string;
  /** [period] at its end: MWh, or degrees Celsius. */
  readonly line: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly start: number;
  /** [period] where it may come to by what it answers, and what that is; absent: nobody says. */
  readonly band?: { readonly low: readonly number[]; readonly high: readonly number[]; readonly says: string };
  /** What the two dashed lines are. */
  readonly limits: string;
};

/** What of a prosumer's energy a device is, for the report: MW into the connection, drawn below zero. */
export type Flow = readonly [kind: FlowKind, mw: number];
export type FlowKind = "wind" | "PV" | "generators" | "battery" | "vehicles" | "heat pumps" | "load";

type PlanOf<P extends string> = Readonly<Record<P, ArrayLike<number>>>;

/** How a device sells reserve. */
export type Reserve<Hourly extends string, Part> = {
  /** Variables of what it books in a period. */
  readonly up: Hourly;
  readonly down: Hourly;
  /** What errors it may answer at once, MW. */
  readonly mostMw: (part: Part) => number;
  /** Whether it can go on answering at all: from one period to the next, and with energy to answer with. */
  readonly sustains: (part: Part, span: Span) => boolean;
  /** Adds what holds its answers over several periods, [period], to its owner's program (docs/model.md). */
  readonly sustain: (draft: Draft, part: Part, answered: readonly (readonly Answer[])[]) => void;
};

/**
 * A kind of device: all that the market, the report and the ledger's limits need to know of it. Whoever adds one writes
 * one of these and enters it in `devices.ts`. Everything in it is private to its owner; what others learn is the few
 * public figures that scenario/publicScenario.ts makes of it.
 */
export type Device<Shape extends z.ZodObject, Hourly extends string, P extends string> = {
  /** Of its part of a prosumer, MW, MWh, $/MWh. */
  readonly schema: Shape;
  /** Fields that have a unit. */
  readonly dimensions: Readonly<Partial<Record<keyof z.infer<Shape>, Dimension>>>;
  /** Fields with one value a period. */
  readonly courses: Readonly<Partial<Record<keyof z.infer<Shape>, Course>>>;
  /** Its variables in each period. Several periods may share one. */
  readonly hourly: readonly Hourly[];
  /** What of them its owner's schedule shows. */
  readonly plan: Readonly<Record<P, Planned<Hourly>>>;
  /** Adds variables, limits and cost of one period to its owner's program; called for period after period. */
  readonly add: (hour: Hour, part: z.infer<Shape>) => void;
  /** $ an hour of a schedule in period t; absent: nothing. */
  readonly cost?: (part: z.infer<Shape>, plan: PlanOf<P>, t: number) => number;
  /** tCO2 an hour of a schedule in period t; absent: none of its own. */
  readonly emission?: (part: z.infer<Shape>, plan: PlanOf<P>, t: number) => number;
  /** Variables of reserve that it can book, if it may sell any, and what errors it may answer at once, MW. */
  readonly reserve?: Reserve<Hourly, z.infer<Shape>>;
  /** Either way. */
  readonly reactiveMvar?: (part: z.infer<Shape>) => number;
  /** What it says of its owner's size, and the most that it draws and feeds in, MW. */
  readonly rating: (part: z.infer<Shape>) => {
    readonly sizeMw: number;
    readonly drawsMw: number;
    readonly feedsMw: number;
  };
  /** What its schema cannot say: fields within it. */
  readonly faults?: (part: z.infer<Shape>, span: Span) => Fault[];
  readonly flows: (part: z.infer<Shape>, plan: PlanOf<P>, t: number) => readonly Flow[];
  /**
   * What it would feed in (draws: below zero) with nobody planning when, MW by period: the plain tariff is reckoned on
   * it. Of what `plan` leaves for another day it leaves as much, so that both are paid for the same energy; with no
   * plan at all it takes what it can: so a home stands that no session has.
   */
  readonly unplannedMw?: (part: z.infer<Shape>, span: Span, plan?: PlanOf<P>) => readonly number[];
  readonly picture?: (part: z.infer<Shape>, plan: PlanOf<P>) => DevicePicture;
  /** What its schedule hands on to the next session, MWh or degrees. */
  readonly after?: (part: z.infer<Shape>, plan: PlanOf<P>) => number;
  /**
   * Fields that make it the device of a stretch of a day: it begins where the plan has left it by then, and ends where
   * the plan needs it. `part` and `plan` are the day's, series are cut elsewhere. Absent: nothing in it goes on from
   * one period to another.
   */
  readonly between?: (part: z.infer<Shape>, plan: PlanOf<P>, stretch: Stretch) => Partial<z.infer<Shape>>;
};
