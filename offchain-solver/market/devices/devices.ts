/** Every kind of device there is, by its field of a prosumer. The order is that of variables and rows in a program. */
import type * as z from "zod";
import type { HourlyVariable } from "../formulation/hour.ts";
import type { Device, Planned } from "./device.ts";
import { battery } from "./battery.ts";
import { generator } from "./generator.ts";
import { heatPump } from "./heatPump.ts";
import { load } from "./load.ts";
import { renewable } from "./renewable.ts";
import { vehicle } from "./vehicle.ts";

export const DEVICES = { generator, renewable, battery, vehicle, heatPump, load } as const;

type Devices = typeof DEVICES;
export type DeviceName = keyof Devices;
/** Variables of devices, one a period each. */
export type DeviceVariable = Devices[DeviceName]["hourly"][number];
/** What of them schedules show. */
export type PlanName = { [D in DeviceName]: keyof Devices[D]["plan"] }[DeviceName];

/** A device whichever it is, for whoever goes through all of them. */
type AnyDevice = Device<z.ZodObject, HourlyVariable, PlanName>;

const all = Object.entries(DEVICES) as unknown as readonly (readonly [DeviceName, AnyDevice])[];

export const DEVICE_VARIABLES = all.flatMap(([, { hourly }]) => hourly) as DeviceVariable[];

/** [name, variable] of all schedules. */
export const PLANNED = all.flatMap(([, { plan }]) => Object.entries(plan)) as [PlanName, Planned<HourlyVariable>][];

/** What of each device schedules show. */
export const DEVICE_PLANS = all.map(([device, { plan }]) => ({ device, names: Object.keys(plan) as PlanName[] }));

/** Variables of those that may sell reserve. */
export const RESERVES = all.flatMap(([, { reserve }]) => reserve ?? []);

/** Fields of a prosumer's schema: everybody has a load, all else is there or not. */
export const DEVICE_FIELDS = Object.fromEntries(
  all.map(([name, { schema }]) => [name, name === "load" ? schema : schema.optional()]),
) as { [D in Exclude<DeviceName, "load">]: z.ZodOptional<Devices[D]["schema"]> } & { load: Devices["load"]["schema"] };

/** A prosumer's devices. */
export type Owner = { readonly [D in DeviceName]?: z.infer<Devices[D]["schema"]> | undefined };
/** One device of somebody's: what is written in its module, with its part of the scenario. */
export type Owned = { readonly name: DeviceName; readonly device: AnyDevice; readonly part: Record<string, unknown> };

/** All that a prosumer has, in order. */
export const ownedBy = (owner: Owner): Owned[] =>
  all.flatMap(([name, device]) => {
    const part = owner[name];
    return part === undefined ? [] : [{ name, device, part }];
  });

/** Sum of a figure over somebody's devices. */
export const sumOver = (owner: Owner, of: (owned: Owned) => number | undefined): number =>
  ownedBy(owner).reduce((sum, owned) => sum + (of(owned) ?? 0), 0);

/** A prosumer with every device changed by `change`. */
export const withDevices = <P extends Owner>(owner: P, change: (owned: Owned) => Record<string, unknown>): P => ({
  ...owner,
  ...Object.fromEntries(ownedBy(owner).map((owned) => [owned.name, change(owned)])),
});
