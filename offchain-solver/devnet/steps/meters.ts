/** What the meters of a devnet read of a session, and what its nodes say of their devices, each signed by its own. */
import type { BaseWallet } from "ethers";
import { deliveryDomain } from "../../codec/deliveryData.ts";
import type { MeterReading } from "../../codec/meterReading.ts";
import { openingSalt } from "../../codec/plans.ts";
import type { Witness } from "../../codec/witness.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { ClearingResult } from "../../market/result/clearingResult.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { devicesOf, standingDay, type DeviceDay } from "../../metering/devices.ts";
import { signActivation, signReadings, signStatement } from "../../metering/signed.ts";
import type { Signed } from "../../node/delivery/reckoning.ts";
import type { Cleared } from "./clear.ts";

export type KeyOf = (role: "node" | "meter", id: number) => BaseWallet;

export type SettledResult = {
  readonly result: ClearingResult;
  readonly batch: string;
  /** What plans were committed to with. */
  readonly committed: Pick<Witness, "session" | "plans">;
};

type Day = {
  readonly prosumer: number;
  readonly meteredWh: readonly number[];
  readonly renewableWh: readonly number[];
  readonly plannedWh: readonly number[];
  readonly generatorG: number;
};

/** Whether it is known what the day brought: of a day still to come it is not. */
export const hasCome = ({ prosumers }: Scenario): boolean =>
  prosumers.every(({ renewable }) => renewable === undefined || renewable.actualMw !== undefined);

/** Meters read what the devices did; whoever was left out did as its load and its sun would have it. */
export async function metersOf(
  { chainId, delivery }: Deployment,
  scenario: Scenario,
  { cleared: { market, outcome } }: Cleared,
  { result, batch, committed }: SettledResult,
  keyOf: KeyOf,
): Promise<Signed> {
  const domain = deliveryDomain(chainId, delivery!);
  const done = devicesOf(market, outcome!.solution, result);
  const days = new Map(market.prosumers.map(({ id }, i) => [id, dayOf(done, i, id)]));
  const all = scenario.prosumers.map((one) => days.get(one.id) ?? dayOf(standingDay(one, scenario), 0, one.id));
  return {
    files: await Promise.all(
      all.map((day) => signReadings(domain, keyOf("meter", day.prosumer), readingsOf(day, result), 1)),
    ),
    activations: await Promise.all(
      [...days.values()].map(({ prosumer, plannedWh, renewableWh: generatedWh }) => {
        const node = keyOf("node", prosumer);
        const salt = openingSalt(committed, prosumer, node);
        return signActivation(domain, node, batch, { prosumer, plannedWh, generatedWh, salt });
      }),
    ),
    statements: await Promise.all(
      all.map(({ prosumer, generatorG }) =>
        signStatement(domain, keyOf("node", prosumer), batch, { prosumer, generatorG }),
      ),
    ),
  };
}

const dayOf = (day: DeviceDay, i: number, prosumer: number): Day => ({
  prosumer,
  meteredWh: day.meteredWh[i],
  renewableWh: day.renewableWh[i],
  plannedWh: day.plannedWh[i],
  generatorG: day.generatorG[i],
});

function readingsOf(
  { prosumer, meteredWh, renewableWh }: Day,
  { sessionStart, periodSeconds: seconds }: Pick<ClearingResult, "sessionStart" | "periodSeconds">,
): MeterReading[] {
  return meteredWh.map((wh, t) => ({
    prosumer,
    start: sessionStart + t * seconds,
    seconds,
    meteredWh: wh,
    renewableWh: renewableWh[t],
    quality: "measured",
  }));
}
