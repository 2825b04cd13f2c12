/**
 * A clearing.json that is complete and adds up (positions, flows, trades, bills) but is nobody's optimum: what the
 * report and the schema are tested on without a solver. Rules of thumb instead of prices; deterministic.
 */
import type { SweptClearing as ClearingJson } from "../../offchain-solver/records/clearingJson.ts";
import type { AuditJson, SettlementJson } from "../../offchain-solver/records/sessionJson.ts";
import type { Prosumer, Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import { topologyOf } from "../../offchain-solver/grid/topology.ts";

type Schedule = ClearingJson["prosumers"][number]["schedule"];

const zeros = (n: number): number[] => new Array<number>(n).fill(0);
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Charges where the tariff is low, discharges where it is high, ends as full as it began. */
function schedule(prosumer: Prosumer, scenario: Scenario): Schedule {
  const { hours, tariff } = scenario;
  const [low, high] = [Math.min(...tariff.buyPerMwh), Math.max(...tariff.buyPerMwh)];
  const { generator, renewable, battery, load } = prosumer;
  const s: Schedule = {
    generatorMw: tariff.buyPerMwh.map((buy) => (generator && generator.costB < buy ? 0.7 * generator.maxMw : 0)),
    renewableMw: renewable ? renewable.forecastMw.map((mw) => 0.95 * mw) : zeros(hours),
    chargeMw: zeros(hours),
    dischargeMw: zeros(hours),
    storedMwh: zeros(hours),
    flexibleMw: zeros(hours),
    importMw: zeros(hours),
    exportMw: zeros(hours),
    reactiveMvar: load.fixedMw.map((mw) => -0.5 * load.mvarPerMw * mw),
    reserveUpMw: zeros(hours),
    reserveDownMw: zeros(hours),
  };
  let stored = battery?.initialMwh ?? 0;
  for (let t = 0; t < hours; t++) {
    if (battery && tariff.buyPerMwh[t] === low) {
      s.chargeMw[t] = Math.min(0.3 * battery.powerMw, (battery.maxMwh - stored) / battery.efficiency);
    } else if (battery && tariff.buyPerMwh[t] === high) {
      s.dischargeMw[t] = Math.min(0.5 * battery.powerMw, (stored - battery.minMwh) * battery.efficiency);
    }
    if (battery) stored += battery.efficiency * s.chargeMw[t] - s.dischargeMw[t] / battery.efficiency;
    s.storedMwh[t] = stored;
    s.flexibleMw[t] = load.flexibleShare * load.fixedMw[t] * (t % 2 === 0 ? 0.3 : -0.3);
    const room = (generator ? generator.maxMw - s.generatorMw[t] : 0) + (battery ? 0.4 * battery.powerMw : 0);
    s.reserveUpMw[t] = 0.5 * room;
    s.reserveDownMw[t] = 0.5 * Math.min(room, s.generatorMw[t]);
  }
  return s;
}

const injection = (prosumer: Prosumer, s: Schedule, t: number): number =>
  s.generatorMw[t] + s.renewableMw[t] + s.dischargeMw[t] - s.chargeMw[t] - prosumer.load.fixedMw[t] - s.flexibleMw[t];

export function syntheticClearing(scenario: Scenario): ClearingJson {
  const { feeder, hours, prosumers, tariff } = scenario;
  const topology = topologyOf(feeder);
  const schedules = prosumers.map((prosumer) => schedule(prosumer, scenario));
  const payments = prosumers.map(() => ({ energy: 0, reserve: 0, carbon: 0, network: 0 }));
  const energy: ClearingJson["trades"]["energy"] = [];
  const reserve: ClearingJson["trades"]["reserve"] = [];
  const utilityReserve: ClearingJson["utilityReserve"] = [];
  const network = { voltage: [] as number[][], flowMw: [] as number[][], flowMvar: [] as number[][] };
  const nodalPrice: number[][] = [];
  const binding: ClearingJson["network"]["binding"] = [];
  const ac: ClearingJson["network"]["ac"] = {
    converged: [],
    minVoltage: [],
    maxVoltage: [],
    maxLoading: [],
    lossesMwh: [],
  };

  for (let t = 0; t < hours; t++) {
    const net = prosumers.map((prosumer, i) => injection(prosumer, schedules[i], t));
    const supply = total(net.filter((p) => p > 0));
    const demand = -total(net.filter((p) => p < 0));
    const matched = Math.min(supply, demand);
    const scarcity = demand / (supply + demand);
    const price = tariff.sellPerMwh[t] + (tariff.buyPerMwh[t] - tariff.sellPerMwh[t]) * (0.1 + 0.8 * scarcity);
    net.forEach((sold, i) => {
      if (sold > 0) {
        schedules[i].exportMw[t] = sold * (1 - matched / supply);
        net.forEach((bought, j) => {
          if (bought >= 0) return;
          const mw = (sold * -bought * matched) / (supply * demand);
          energy.push({ seller: prosumers[i].id, buyer: prosumers[j].id, hour: t, mw, price: price + 0.2 * (j - i) });
          payments[i].energy -= mw * (price + 0.2 * (j - i));
          payments[j].energy += mw * (price + 0.2 * (j - i));
        });
      } else {
        schedules[i].importMw[t] = -sold * (1 - matched / demand);
      }
      payments[i].energy += schedules[i].importMw[t] * tariff.buyPerMwh[t];
      payments[i].energy -= schedules[i].exportMw[t] * tariff.sellPerMwh[t];
    });

    const sellers = prosumers.filter(({ generator, battery }) => generator ?? battery);
    prosumers.forEach((buyer, j) => {
      const mw = 0.4 * (buyer.renewable?.forecastMw[t] ?? 0);
      if (mw === 0) return;
      utilityReserve.push({ prosumer: buyer.id, hour: t, share: 0.25, mw: 0.25 * mw });
      payments[j].reserve += 0.25 * mw * (tariff.reserveUpPerMw + tariff.reserveDownPerMw);
      const others = sellers.filter((seller) => seller !== buyer);
      for (const seller of others) {
        const part = 0.75 / others.length;
        reserve.push({
          seller: seller.id,
          buyer: buyer.id,
          hour: t,
          share: part,
          mw: part * mw,
          price: 6 + 8 * scarcity,
        });
        payments[j].reserve += part * mw * (6 + 8 * scarcity);
        payments[prosumers.indexOf(seller)].reserve -= part * mw * (6 + 8 * scarcity);
      }
    });

    const flowMw = zeros(feeder.branches.length);
    const flowMvar = zeros(feeder.branches.length);
    const at = (i: number): number => topology.indexOfBus.get(prosumers[i].bus)!;
    prosumers.forEach((_, i) => {
      for (let bus = at(i); topology.parent[bus] >= 0; bus = topology.parent[bus]) {
        flowMw[topology.branchTo[bus]] -= net[i];
        flowMvar[topology.branchTo[bus]] -= schedules[i].reactiveMvar[t];
      }
    });
    const squared = zeros(feeder.buses.length);
    const nodal = zeros(feeder.buses.length);
    squared[0] = 1;
    nodal[0] = 0;
    for (const bus of topology.order.subarray(1)) {
      const k = topology.branchTo[bus];
      const { rPu, xPu, ratingMva, from, to } = feeder.branches[k];
      squared[bus] = squared[topology.parent[bus]] - (2 * (rPu * flowMw[k] + xPu * flowMvar[k])) / feeder.baseMva;
      const loading = ratingMva === null ? 0 : Math.hypot(flowMw[k], flowMvar[k]) / ratingMva;
      nodal[bus] = nodal[topology.parent[bus]] - 12 * Math.max(0, loading - 0.5) * Math.sign(flowMw[k]);
      if (loading > 0.95) binding.push({ hour: t, limit: "flow", from, to, price: 12 * (loading - 0.95) });
    }
    const voltage = squared.map(Math.sqrt);
    const loadings = feeder.branches.map(({ ratingMva }, k) =>
      ratingMva === null ? 0 : Math.hypot(flowMw[k], flowMvar[k]) / ratingMva,
    );
    network.voltage.push(voltage);
    network.flowMw.push(flowMw);
    network.flowMvar.push(flowMvar);
    nodalPrice.push(nodal);
    ac.converged.push(true);
    ac.minVoltage.push(Math.min(...voltage) - 0.002);
    ac.maxVoltage.push(Math.max(...voltage) - 0.001);
    ac.maxLoading.push(1.02 * Math.max(...loadings));
    ac.lossesMwh.push(total(feeder.branches.map(({ rPu }, k) => (rPu * flowMw[k] * flowMw[k]) / feeder.baseMva)));
  }

  const carbon: ClearingJson["trades"]["carbon"] = [];
  const results = prosumers.map((prosumer, i) => {
    const { generator, load } = prosumer;
    const s = schedules[i];
    const emissionsT =
      (generator?.emissionTPerMwh ?? 0) * total(s.generatorMw) +
      total(s.importMw.map((mw, t) => mw * scenario.carbon.gridTPerMwh[t]));
    const allowanceT = scenario.carbon.quotaTPerMwh * total(load.fixedMw);
    return { prosumer, s, emissionsT, allowanceT, short: emissionsT - allowanceT, cost: deviceCost(prosumer, s) };
  });
  const spare = -total(results.map(({ short }) => Math.min(0, short)));
  const needed = total(results.map(({ short }) => Math.max(0, short)));
  const moved = Math.min(spare, needed);
  const traded = results.map(({ short }) => (short < 0 ? (-short * moved) / spare : (-short * moved) / needed));
  results.forEach((seller, i) => {
    if (seller.short >= 0) return;
    results.forEach((buyer, j) => {
      if (buyer.short <= 0) return;
      const t = (traded[i] * buyer.short) / needed;
      carbon.push({ seller: seller.prosumer.id, buyer: buyer.prosumer.id, t, price: 27.5 });
      payments[i].carbon -= 27.5 * t;
      payments[j].carbon += 27.5 * t;
    });
  });

  return {
    scenario: scenario.name,
    settings: {
      method: "gsa",
      risk: scenario.risk.method,
      epsilon: scenario.risk.epsilon,
      network: true,
      networkRisk: true,
      carbon: true,
      reserve: "joint",
      trade: true,
    },
    status: "solved",
    iterations: 400,
    evaluations: 436,
    messages: 81600,
    bytes: 15_667_200,
    wallMs: 8600,
    residuals: Array.from({ length: 400 }, (_, k) => ({
      primal: 0.6 * Math.exp(-k / 38) * (1 + 0.5 * Math.sin(k / 5)) + 1e-6,
      dual: 8 * Math.exp(-k / 44) * (1 + 0.6 * Math.cos(k / 7)) + 1e-5,
    })),
    objective: total(results.map(({ cost }) => cost)) + 120,
    prosumers: results.map(({ prosumer, s, emissionsT, allowanceT, short, cost }, i) => ({
      id: prosumer.id,
      bus: prosumer.bus,
      cost,
      payment: { ...payments[i], network: 0.8 * total(s.importMw) - 0.3 * total(s.exportMw) },
      regret: 1e-5 * (i + 1),
      schedule: s,
      carbon: {
        emissionsT,
        allowanceT,
        boughtT: Math.max(0, short + traded[i]),
        soldT: Math.max(0, -short - traded[i]),
        tradedT: traded[i],
        priceMu: 27.5,
      },
    })),
    trades: { energy, reserve, carbon },
    utilityReserve,
    network: { ...network, nodalPrice, binding, ac },
    carbonIntensity: nodalPrice.map((row, t) => row.map((_, b) => scenario.carbon.gridTPerMwh[t] * (1 - 0.02 * b))),
    quantised: {
      sessionStart: Date.parse(scenario.startUtc) / 1000,
      periodSeconds: 3600 * scenario.periodHours,
      periods: hours,
      participants: prosumers.map(({ id }) => id),
      trades: energy
        .map(({ seller, buyer, hour, mw, price }) => ({
          seller: prosumers.findIndex(({ id }) => id === seller),
          buyer: prosumers.findIndex(({ id }) => id === buyer),
          product: "energy" as const,
          period: hour,
          quantity: Math.round(1e6 * mw),
          price: Math.round(1e3 * price),
        }))
        .filter(({ quantity }) => quantity > 0),
      reactiveVar: schedules.map((s) => s.reactiveMvar.map((mvar) => Math.round(1e6 * mvar))),
    },
  };
}

function deviceCost({ generator, battery, load }: Prosumer, s: Schedule): number {
  const fuel = generator ? s.generatorMw.map((p) => generator.costA * p * p + generator.costB * p) : [];
  const wear = battery ? s.chargeMw.map((mw, t) => battery.wearPerMwh * (mw + s.dischargeMw[t])) : [];
  return total(fuel) + total(wear) + total(s.flexibleMw.map((mw) => 0.5 * load.discomfort * mw * mw));
}

/** Money and carbon of the synthetic trades, in ledger units; the columns add up to zero. */
export function syntheticSettlement(clearing: ClearingJson): SettlementJson {
  const ids = clearing.prosumers.map(({ id }) => id);
  const rows = clearing.prosumers.map(({ id, payment, carbon, schedule: s }) => ({
    account: id as number | "utility" | "operator" | "desk",
    moneyNano: -Math.round(1e9 * (payment.energy + payment.reserve + payment.carbon + payment.network)),
    carbonG: -Math.round(1e6 * (carbon.boughtT - carbon.soldT - carbon.tradedT)),
    energyWh: -Math.round(1e6 * total(s.importMw.map((mw, t) => mw - s.exportMw[t]))),
  }));
  const sum = (key: "moneyNano" | "carbonG" | "energyWh"): number => total(rows.map((row) => row[key]));
  rows.push({ account: "utility", moneyNano: -sum("moneyNano"), carbonG: -sum("carbonG"), energyWh: -sum("energyWh") });
  return {
    txHash: `0x${"3f9a".repeat(16)}`,
    block: 128,
    gasUsed: 347_000,
    bytes: 6_200,
    trades: clearing.quantised.trades.length,
    prosumers: ids.length,
    accounts: rows,
  };
}

export const syntheticAudit = (clearing: ClearingJson): AuditJson => ({
  verdicts: [{ session: `${clearing.scenario}-1`, verdict: "valid" }],
});
