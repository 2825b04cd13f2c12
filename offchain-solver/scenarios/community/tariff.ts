import type { Fault } from "../../market/scenario/scenarioFaults.ts";
import type { Band, Community } from "./terms.ts";
import { wallOf, type ZoneClock } from "./zoneClock.ts";

/** "06:30" as minutes from midnight. */
export function minutesOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number);
  return 60 * hours + minutes;
}

/** Whether a band holds at a time that the wall shows, ms since 1970 as if it were UTC. */
function holds({ from, to, days, months }: Band, wall: number): boolean {
  const date = new Date(wall);
  const minute = 60 * date.getUTCHours() + date.getUTCMinutes();
  const [start, end] = [minutesOf(from), minutesOf(to)];
  const inside = start < end ? start <= minute && minute < end : minute >= start || minute < end;
  const weekend = date.getUTCDay() === 0 || date.getUTCDay() === 6;
  return (
    inside &&
    (days === "all" || (days === "weekend") === weekend) &&
    (months === undefined || months.includes(date.getUTCMonth() + 1))
  );
}

/** Price of a kWh from and to the utility in the period that starts at an instant, by the local clock. */
export function priceAt({ tariff }: Community, clock: ZoneClock, ms: number): { buy: number; sell: number } {
  const wall = wallOf(clock, ms);
  const band = tariff.bands.find((one) => holds(one, wall));
  return { buy: band?.buyPerKwh ?? tariff.buyPerKwh, sell: band?.sellPerKwh ?? tariff.sellPerKwh };
}

/** Bands that no period can follow, and prices at which buying from the utility and selling to it would pay. */
export function tariffFaults({ tariff, periodMinutes }: Community): Fault[] {
  const faults: Fault[] = [];
  const check = (field: string, buy: number, sell: number): void => {
    if (sell >= buy)
      faults.push({ field: `${field}sellPerKwh`, value: sell, reason: `must be below buyPerKwh = ${buy}` });
  };
  check("tariff.", tariff.buyPerKwh, tariff.sellPerKwh);
  tariff.bands.forEach((band, k) => {
    const at = `tariff.bands[${k}].`;
    for (const edge of ["from", "to"] as const)
      if (minutesOf(band[edge]) % periodMinutes !== 0)
        faults.push({ field: at + edge, value: band[edge], reason: `is inside a period of ${periodMinutes} minutes` });
    if (minutesOf(band.from) === minutesOf(band.to) || (band.from === "24:00" && band.to === "00:00"))
      faults.push({ field: `${at}to`, value: band.to, reason: "is from: the band is empty; 00:00 to 24:00 is a day" });
    check(at, band.buyPerKwh, band.sellPerKwh ?? tariff.sellPerKwh);
  });
  return faults;
}
