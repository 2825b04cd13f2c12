/** Reserve: what is bought and booked, and its price. */
import * as Pools from "../charts/reserveCarbon.ts";
import { betweenProsumers, hourPrices, posted, range, total } from "../derive.ts";
import { inWords } from "../labels.ts";
import { card, grid, legend, numbers, said, table, rowCount } from "../page.ts";
import { periodName } from "../periods.ts";
import { framed } from "../plot.ts";
import { tint } from "../theme.ts";
import { inUnit } from "../units.ts";
import type { Session } from "./session.ts";
import { standby } from "./standby.ts";

function reserveTable({ clearing, scenario, units: { power, reservePrice } }: Session): string {
  const trades = posted(clearing, "reserve");
  const prices = hourPrices(betweenProsumers(trades), scenario.hours);
  const rows = range(scenario.hours).map((t) => {
    const now = trades.filter(({ hour }) => hour === t);
    const peers = total(betweenProsumers(now).map(({ mw }) => mw));
    const booked = (key: "reserveUpMw" | "reserveDownMw"): number =>
      total(clearing.prosumers.map(({ schedule }) => schedule[key][t]));
    const price = prices[t];
    return [
      periodName(scenario, t),
      ...[peers, total(now.map(({ mw }) => mw)) - peers, booked("reserveUpMw"), booked("reserveDownMw")].map((mw) =>
        inUnit(power, mw),
      ),
      ...(price === undefined
        ? ["–", "–", "–"]
        : [price.low, price.mean, price.high].map((p) => inUnit(reservePrice, p))),
    ];
  });
  const head = [inWords(scenario, "From prosumers"), "From utility", "Booked up", "Booked down"].map(
    (text) => `${text}, ${power.name}`,
  );
  const priced = ["Lowest", "Mean", "Highest"].map((text) => `${text}, ${reservePrice.name}`);
  return numbers(`Reserve of every period, ${rowCount(rows)}`, table(["Period", ...head, ...priced], rows));
}

/** Empty where nobody has an error to answer. */
export function reserve(session: Session): string {
  const { clearing } = session;
  const trades = posted(clearing, "reserve");
  if (trades.length + clearing.trades.reserve.length + clearing.utilityReserve.length === 0) return "";
  const bought = legend([
    ...Pools.reserveKinds(session.scenario).map((text, k) => ({
      colour: tint(Pools.RESERVE_MEANINGS[k]),
      text,
    })),
    { colour: "var(--ink)", text: "booked up", line: "solid" },
    { colour: "var(--ink)", text: "booked down", line: "dashed" },
  ]);
  const priced = legend([
    { colour: tint("reserve"), text: "traded: mean and spread" },
    { colour: tint("utility"), text: "utility's tariff, up and down together", line: "dashed" },
  ]);
  const peers = betweenProsumers(trades).length > 0;
  return grid(
    card("Bought and booked", bought + framed((frame) => Pools.reserveChart(session, frame)) + reserveTable(session), {
      note: `Bars: bought to answer forecast errors, up and down alike. Lines: booked in devices, for their owners' errors and for others'; errors that do not peak together share a booking. ε = ${clearing.settings.epsilon} for each two-sided limit and period, not for all of them together.`,
    }),
    card(
      "Price",
      peers
        ? priced + framed((frame) => Pools.reservePriceChart(session, frame))
        : said(inWords(session.scenario, "No reserve is traded between prosumers: the utility's tariff holds.")),
      {
        note: peers
          ? "What a share is worth to its buyer, never more than the tariff. Where a network limit binds, what the answer does to that limit is in it: the price can lie below zero, and its seller hands the network's charge on, or is paid for relieving the limit: see the bills' network column."
          : "",
      },
    ),
    standby(session),
  );
}
