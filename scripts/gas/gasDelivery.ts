/**
 * The gas of an entry: readings of everybody for a whole session, the first one, with emissions and some reserve. As
 * the batches, it is measured as a whole transaction.
 */
import { encodeReadings, type SessionReadings } from "../../offchain-solver/codec/readings.ts";
import { batch, generator } from "../../test/support/batches.ts";
import {
  connectHomes,
  deliver,
  HOME,
  readingsOf,
  settleSession,
  type SettledSession,
  time,
} from "../../test/support/delivered.ts";
import { createWorld, START } from "../../test/support/world.ts";

export type DeliverySize = { readonly prosumers: number; readonly periods: number; readonly periodSeconds: number };

/** A day of hours, and one of quarter-hours of as many homes as 128 KiB hold. */
export const DELIVERY_SIZES: readonly DeliverySize[] = [
  { prosumers: 200, periods: 24, periodSeconds: 3600 },
  { prosumers: 100, periods: 96, periodSeconds: 900 },
];
const COMMITTEE = 16;
/** Signatures cover the deadline, and a zero byte less in them changes the gas: the clock is set. */
const BEFORE_START = 40_000;

export async function measureDelivery({ prosumers, periods, periodSeconds }: DeliverySize) {
  const world = await createWorld({ prosumers, committee: COMMITTEE });
  await connectHomes(world);
  const random = generator(17);
  // Every other home sells to another in each period: what is due is seldom nothing, and zeros are cheap.
  const drawnTrades = batch({ ids: world.ids, periods, energy: prosumers / 2, maxWh: 1_000 }, random).trades;
  const trades = drawnTrades.map((trade) => ({ ...trade, price: 80_000 }));
  const session = await settleSession(world, trades, periods, { periodSeconds, at: START - BEFORE_START });
  await time(world).increaseTo(session.end + 3_600);
  const readings = drawn(session, random);
  const { gas } = await deliver(session, readings);
  return {
    trades: trades.length,
    prosumers,
    periods,
    committee: COMMITTEE,
    mode: "delivery",
    bytes: encodeReadings(readings).length,
    gas: Number(gas),
    gasPerProsumer: Math.ceil(Number(gas) / prosumers),
  };
}

/**
 * Every home off its position by up to a tenth of its connection, sun in half of the periods, reserve called of a few.
 */
function drawn(session: SettledSession, random: (below: number) => number): SessionReadings {
  const { periods, periodSeconds } = session.result;
  const part = periodSeconds / 3600;
  return readingsOf(
    session,
    (row) => ({
      ...row,
      released: random(3_000),
      emissionsG: 1 + random(900),
      values: row.values.map(({ dueWh }, t) => {
        const deviation = Math.round((random(HOME.feedW / 5) - HOME.feedW / 10) * part);
        const meteredWh = Math.max(-HOME.takeW * part, Math.min(HOME.feedW * part, dueWh + deviation));
        const daylight = t >= periods / 4 && t < (3 * periods) / 4;
        return {
          dueWh,
          meteredWh: Math.trunc(meteredWh),
          quality: 0,
          renewableWh: daylight ? random(HOME.renewableW * part) : 0,
        };
      }),
    }),
    {
      responses: Array.from({ length: periods }, (_, t) => ({
        row: t % session.result.participants.length,
        period: t,
        calledWh: random(400) - 200,
        undeliveredW: 0,
        price: 5_000,
      })),
    },
  );
}
