/** A day on which no session settled, to its folder: what was frozen, and what every meter of this program's read. */
import { dirname, join } from "node:path";
import { mkdirSync } from "node:fs";
import type { BaseWallet } from "ethers";
import type { Deployment } from "../chain/deployment.ts";
import { deliveryDomain } from "../codec/deliveryData.ts";
import type { Terms } from "../codec/terms.ts";
import { writeFolder } from "../io/sessionFolder.ts";
import { writeJson } from "../io/target.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { signReadings } from "../metering/signed.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { FallbackJsonSchema } from "../records/fallbackJson.ts";
import { placeOf } from "../records/sessionPlaces.ts";
import type { FallbackDay } from "../report/billLines.ts";
import { folderOf } from "./sessionFiles.ts";

export type VoidDay = {
  readonly scenario: Scenario;
  /** As they were frozen. */
  readonly terms: Terms;
  readonly metered: FallbackDay;
  readonly meterKey: (id: number) => BaseWallet;
};

/** Returns where it is. */
export async function writeFallback(
  out: string,
  { chainId, delivery }: Deployment,
  { scenario, terms, metered, meterKey }: VoidDay,
  community: CommunityJson | undefined,
): Promise<string> {
  const domain = deliveryDomain(chainId, delivery!);
  const { start, periodSeconds } = metered;
  const meters = await Promise.all(
    [...metered.meteredWh].map(async ([prosumer, meteredWh]) => {
      const readings = meteredWh.map((wh, t) => ({
        ...{ prosumer, start: start + t * periodSeconds, seconds: periodSeconds },
        // Of what was generated nothing is billed.
        ...{ meteredWh: wh, renewableWh: 0, quality: "measured" as const },
      }));
      const { number, signature } = await signReadings(domain, meterKey(prosumer), readings, 1);
      const renewableWh = readings.map((one) => one.renewableWh);
      const quality = readings.map((one) => one.quality);
      return { prosumer, start, periodSeconds, number, meteredWh: [...meteredWh], renewableWh, quality, signature };
    }),
  );
  const record = FallbackJsonSchema.parse({ chainId: Number(chainId), delivery, terms, meters });
  return writeFolder(out, `${folderOf(scenario, community)}-void`, (draft) => {
    const file = join(draft, placeOf("fallback.json", community !== undefined));
    mkdirSync(dirname(file), { recursive: true });
    writeJson(file, record);
  });
}
