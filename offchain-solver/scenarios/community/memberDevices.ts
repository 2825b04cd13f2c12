/** What members.csv says of a member's devices, as its part of a day's scenario. */
import { ownedBy, type DeviceName } from "../../market/devices/devices.ts";
import type { Prosumer } from "../../market/scenario/scenario.ts";
import type { Findings } from "./findings.ts";
import { heatPumpOf, shortOfTime, vehicleOf, type Day } from "./homeDevices.ts";
import type { CommunityFolder, Home } from "./readCommunity.ts";

/** kW to MW, prices a kWh to prices a MWh, grams to tonnes a MWh. */
const KILO = 1e-3;
const round = (value: number): number => Number(value.toPrecision(12));

/** Where the day before has left a member's devices, as their modules hand it on. */
export type Left = Readonly<Partial<Record<DeviceName, number>>>;

/** What devices cannot do on that day, and what is assumed of those that meters may count as well. */
export function noteDevices(
  { homes, terms: { community } }: CommunityFolder,
  prosumers: readonly Prosumer[],
  found: Findings,
): void {
  const span = { hours: prosumers[0].load.fixedMw.length, dt: community.periodMinutes / 60 };
  const { batteryMinPercent, batteryInitialPercent } = community.defaults;
  homes.forEach(({ member }, k) => {
    const { id, file, line, heatPump } = member;
    const { batteryPercent = batteryInitialPercent } = member.numbers;
    const { battery } = prosumers[k];
    if (battery !== undefined && batteryPercent < batteryMinPercent && battery.initialMwh === battery.minMwh)
      found.assumed.push(
        `${file}: line ${line}: the battery of ${id} begins at ${batteryMinPercent} %, defaults.batteryMinPercent, not at ${batteryPercent} %`,
      );
    const owned = ownedBy(prosumers[k]);
    const complain = (what: string): void => void found.wrong.push(`${file}: line ${line}: ${what}`);
    const short = shortOfTime(member, community);
    if (short !== undefined) complain(short);
    if (heatPump?.heats === "rooms" && community.outsideC === undefined)
      complain('heats = "rooms": community.yaml has no outsideC to reckon with');
    for (const { name, device, part } of owned)
      for (const { field, value, reason } of device.faults?.(part, span) ?? [])
        complain(`${name} of ${id}: ${field} = ${String(value)}: ${reason}`);
    const counted = owned.flatMap(({ name }) =>
      name === "vehicle" ? "charger" : name === "heatPump" ? "heat pump" : [],
    );
    if (counted.length > 0)
      found.assumed.push(
        `${file}: line ${line}: the load of ${id} is taken to be without its ${counted.join(" and ")}`,
      );
  });
}

export function devicesOf(
  { member }: Home,
  { terms: { community, clock } }: CommunityFolder,
  day: Day,
  left: Left,
): Pick<Prosumer, "generator" | "battery" | "vehicle" | "heatPump"> {
  const { defaults } = community;
  const { numbers } = member;
  const asked = { member, community, clock, day };
  const vehicle = vehicleOf(asked, left.vehicle === undefined ? undefined : left.vehicle / KILO);
  const heatPump = heatPumpOf(asked, left.heatPump);
  const { batteryKw, batteryKwh, generatorKw } = numbers;
  const capacity = (batteryKwh ?? 0) * KILO;
  const least = (defaults.batteryMinPercent / 100) * capacity;
  const percent = numbers.batteryPercent ?? defaults.batteryInitialPercent;
  const stored = Math.min(capacity, left.battery ?? (percent / 100) * capacity);
  return {
    ...(vehicle && { vehicle }),
    ...(heatPump && { heatPump }),
    ...(generatorKw !== undefined &&
      generatorKw > 0 && {
        generator: {
          minMw: 0,
          maxMw: round(generatorKw * KILO),
          rampMwPerHour: round(4 * generatorKw * KILO),
          costA: 0,
          costB: round(numbers.generatorPerKwh! / KILO),
          emissionTPerMwh: round((numbers.generatorGramPerKwh ?? 0) * KILO),
          reactiveMvar: round(0.5 * generatorKw * KILO),
        },
      }),
    ...(batteryKw !== undefined &&
      batteryKw > 0 && {
        battery: {
          powerMw: round(batteryKw * KILO),
          minMwh: round(least),
          maxMwh: round(capacity),
          initialMwh: round(Math.max(least, stored)),
          efficiency: defaults.batteryEfficiency,
          wearPerMwh: round((numbers.batteryWearPerKwh ?? defaults.batteryWearPerKwh) / KILO),
        },
      }),
  };
}
