/** Files of meters, as portals and grid operators give them, read and made readings. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MeterReading } from "../../offchain-solver/codec/meterReading.ts";
import { readPortal } from "../../offchain-solver/metering/portal.ts";
import { Collected } from "../../offchain-solver/metering/readings.ts";
import { MeterReadingSchema } from "../../offchain-solver/records/meterJson.ts";
import { noFindings } from "../../offchain-solver/scenarios/community/findings.ts";
import type { SeriesOptions } from "../../offchain-solver/scenarios/community/meterSeries.ts";
import { zoneClock } from "../../offchain-solver/scenarios/community/zoneClock.ts";

export const vienna = zoneClock("Europe/Vienna")!;
export const options: SeriesOptions = { stamps: "start", headLine: 1, unit: "kWh" };
export const folder = mkdtempSync(join(tmpdir(), "gridpact-meters-"));
/** 15 July 2026 in summer time. */
export const start = Date.parse("2026-07-15T06:00Z") / 1000;
export const quarter = { start, seconds: 900, periods: 4 };
export const hour = { start, seconds: 3600, periods: 1 };

export async function portal(name: string, text: string, reads = options) {
  const file = join(folder, name);
  writeFileSync(file, text);
  const found = noFindings();
  const intervals = await readPortal(file, reads, vienna, found);
  const told = (texts: readonly string[]): string[] => texts.map((one) => one.replaceAll(`${folder}/`, ""));
  return { intervals, wrong: told(found.wrong), assumed: told(found.assumed) };
}

export const short = (readings: readonly MeterReading[]): string[] =>
  readings.map(({ meteredWh, renewableWh, quality }) => `${meteredWh} ${renewableWh} ${quality}`);

export function collected(
  span: typeof hour,
  intervals: readonly Parameters<Collected["add"]>[0][],
  points: Readonly<Record<string, number>> = { home: 7 },
  panels: readonly string[] = [],
) {
  const all = new Collected(new Map(Object.entries(points)), span, new Set(panels));
  for (const interval of intervals) all.add(interval);
  const readings = all.readings();
  for (const reading of readings) MeterReadingSchema.parse(reading);
  return { readings: short(readings), notes: all.notes.map((one) => one.replaceAll(`${folder}/`, "")) };
}

export const POINT = "AT0010000000000000001000004567890";
export const position = (k: number, kwh: string, method = "L1"): string => {
  const at = (q: number): string => `2026-07-15T08:${String(15 * q).padStart(2, "0")}:00+02:00`;
  return `      <EP><DTF>${at(k)}</DTF><DTT>${k === 3 ? "2026-07-15T09:00:00+02:00" : at(k + 1)}</DTT><MM>${method}</MM><BQ>${kwh}</BQ></EP>`;
};
export const RECORD = `<?xml version="1.0" encoding="UTF-8"?>
<cr:ConsumptionRecord xmlns:cr="http://www.ebutilities.at/schemata/customerprocesses/consumptionrecord/01p31"
  xmlns:ct="http://www.ebutilities.at/schemata/customerprocesses/common/types/01p20">
  <cr:ProcessDirectory>
    <ct:MessageId>AT001000202607160000000000000000001</ct:MessageId>
    <ct:MeteringPoint>${POINT}</ct:MeteringPoint>
    <Energy>
      <MeteringPeriodStart>2026-07-15T08:00:00+02:00</MeteringPeriodStart>
      <MeteringIntervall>QH</MeteringIntervall>
      <EnergyData MeterCode="1-1:1.9.0 G.01" UOM="KWH">
${[position(0, "0.25"), position(1, "0.25"), position(2, "0.125", "L2"), position(3, "0.1")].join("\n")}
      </EnergyData>
      <EnergyData MeterCode="1-1:2.9.0 P.01" UOM="KWH">
${[0, 1, 2, 3].map((k) => position(k, `${k}.5`)).join("\n")}
      </EnergyData>
      <EnergyData MeterCode="1-1:2.9.0 G.02" UOM="KWH">
${position(0, "99")}
      </EnergyData>
    </Energy>
  </cr:ProcessDirectory>
</cr:ConsumptionRecord>
`;
