/** The feeder as one line: buses by voltage, branches by loading, and what is left after the room for errors. */
import { useEffect, useMemo, useState } from "react";
import {
  geometryOf,
  layoutOf,
  loadingStep,
  LOADING_EDGES,
  nameAnchor,
  voltageStep,
  VOLTAGE_STEPS,
  type FeederPeriod,
  type Geometry,
} from "../../../offchain-solver/report/index.ts";
import type { MarketView } from "../market.ts";
import type { Posted, SettledFeeder } from "../proof.ts";
import { boundaries, called, number } from "../shown/format.ts";
import { Card, Figures, Table } from "../shown/parts.tsx";

/** `drawn`: is told when the picture is there. */
type Props = { view: MarketView; session: Posted; feeder: SettledFeeder; drawn: () => void };

const REPLAY_MS = 600;

function useWidth(): [number, (element: HTMLElement | null) => void] {
  const [width, setWidth] = useState(0);
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (element === null) return undefined;
    setWidth(element.clientWidth);
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, [element]);
  return [width, setElement];
}

export default function Feeder({ view, session, feeder, drawn }: Props) {
  const { market, periods } = feeder;
  const grid = market.scenario.feeder;
  const terms = session.terms!;
  const [t, setT] = useState(() => tightest(periods));
  const [playing, setPlaying] = useState(false);
  const [width, place] = useWidth();
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(() => setT((now) => (now + 1) % periods.length), REPLAY_MS);
    return () => clearInterval(timer);
  }, [playing, periods.length]);
  const geometry = useMemo(
    () =>
      width === 0
        ? undefined
        : geometryOf(
            layoutOf(grid),
            grid.buses.map(({ bus }) => `${bus}`),
            Math.max(width, 300),
          ),
    [grid, width],
  );
  const there = geometry !== undefined;
  useEffect(() => {
    if (there) drawn();
  }, [there, drawn]);
  const now = periods[t];
  const times = useMemo(() => boundaries(view.config, terms), [view.config, terms]);
  const time = `${times[t]}–${times[t + 1]}`;
  const volts = [...now.voltagePu];
  const [low, high] = [Math.min(...volts), Math.max(...volts)];
  const worst = (values: Float64Array): number =>
    [...values].reduce((least, value) => (value < least ? value : least), Infinity);
  // No branch of a feeder without ratings is loaded by any part of them.
  const loaded = [...now.loading].reduce((most, value) => (value > most ? value : most), -Infinity);
  return (
    <Card
      title={`Feeder ${grid.name}`}
      wide
      note="A bus by its voltage, a branch by its loading; arrows follow the active power, in kW where there is room for it."
    >
      <div className="time">
        <button onClick={() => setPlaying(!playing)} aria-pressed={playing}>
          {playing ? "Stop" : "Replay"}
        </button>
        <label htmlFor="period">Time</label>
        <input
          id="period"
          type="range"
          min={0}
          max={periods.length - 1}
          value={t}
          aria-valuetext={time}
          onChange={({ target }) => setT(Number(target.value))}
        />
        <output htmlFor="period">{time}</output>
      </div>
      <Figures
        all={[
          { label: "Voltage", value: `${number(low, 4)} to ${number(high, 4)} p.u.` },
          {
            label: "Left for the voltages",
            value: `${number(worst(now.voltageMarginPu), 4)} p.u.`,
            detail: "after forecast errors, at the tightest bus",
          },
          { label: "Highest loading", value: `${number(100 * loaded, 1)} %` },
          {
            label: "Left for the branches",
            value: `${number(100 * worst(now.loadingMargin), 1)} %`,
            detail: "after forecast errors, of the tightest branch",
          },
          {
            label: "Reserve that members keep ready",
            value: `${now.reserveKw.map((kw) => number(kw, 1)).join(" · ")} kW`,
            detail: feeder.zones.map(({ name }) => name).join(" · "),
          },
        ]}
      />
      <div ref={place} className="drawing">
        {geometry !== undefined && (
          <Drawing feeder={feeder} now={now} geometry={geometry} width={Math.max(width, 300)} time={time} />
        )}
      </div>
      <Scales />
      <details>
        <summary>The same as tables</summary>
        <div className="two">
          <Table
            caption={`Buses, ${time}`}
            heads={["Bus", "Voltage, p.u.", "Left, p.u.", "Members"]}
            words={[3]}
            rows={grid.buses.map(({ bus }, b) => [
              `${bus}`,
              number(now.voltagePu[b], 4),
              number(now.voltageMarginPu[b], 4),
              feeder.membersAt[b].map((id) => called(view.config, id)).join(", "),
            ])}
          />
          <Table
            caption={`Branches, ${time}`}
            heads={["Branch", "Flow, kW", "Loading, %", "Left, %"]}
            rows={grid.branches.map(({ from, to }, k) => [
              `${from}–${to}`,
              number(1e3 * now.flowMw[k], 1),
              number(100 * now.loading[k], 1),
              number(100 * now.loadingMargin[k], 1),
            ])}
          />
        </div>
      </details>
    </Card>
  );
}

/** The period to look at first. */
function tightest(periods: readonly FeederPeriod[]): number {
  const least = periods.map(({ loadingMargin, voltageMarginPu }) =>
    Math.min(
      ...[...loadingMargin].filter(Number.isFinite),
      ...[...voltageMarginPu].filter(Number.isFinite).map((pu) => 10 * pu),
      Infinity,
    ),
  );
  return Math.max(0, least.indexOf(Math.min(...least)));
}

function Scales() {
  return (
    <div className="scales">
      <span>
        Voltage: low{" "}
        {Array.from({ length: VOLTAGE_STEPS }, (_, k) => (
          <i key={k} style={{ background: `var(--v${k})` }} aria-hidden="true" />
        ))}{" "}
        high
      </span>
      <span>
        Loading: idle{" "}
        {Array.from({ length: LOADING_EDGES.length + 1 }, (_, k) => (
          <i key={k} style={{ background: `var(--l${k})` }} aria-hidden="true" />
        ))}{" "}
        full
      </span>
    </div>
  );
}

type Drawn = { feeder: SettledFeeder; now: FeederPeriod; geometry: Geometry; width: number; time: string };

function Drawing({ feeder, now, geometry, width, time }: Drawn) {
  const { buses, branches } = feeder.market.scenario.feeder;
  const { topology } = useMemo(() => layoutOf(feeder.market.scenario.feeder), [feeder]);
  const { x, y, style, height, named } = geometry;
  const size = style.arrow;
  return (
    <svg
      className={`feeder ${style.name}`}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={`Single-line diagram, ${time}: ${buses.length} buses by voltage, ${branches.length} branches by loading; the tables below hold every value`}
    >
      {branches.map(({ from, to }, k) => {
        const end = topology.busOf[k];
        const start = topology.parent[end];
        const [x1, y1, x2, y2] = [x(start), y(start), x(end), y(end)];
        // A lateral drops beside its parent and is level before its arrow.
        const level = x1 + (x2 - x1) * 0.42;
        const path =
          y1 === y2
            ? `M${x1},${y1}H${x2}`
            : `M${x1},${y1}C${x1},${y1 + (y2 - y1) * 0.75} ${x1},${y2} ${level},${y2}H${x2}`;
        const at = x1 + (x2 - x1) * (y1 === y2 ? 0.5 : 0.55);
        const colour = `var(--l${loadingStep(now.loading[k])})`;
        return (
          <g key={k}>
            <title>{`Branch ${from}–${to}: ${number(1e3 * now.flowMw[k], 1)} kW, loading ${number(100 * now.loading[k], 1)} %, ${number(100 * now.loadingMargin[k], 1)} % left`}</title>
            <path className="line" d={path} style={{ stroke: colour }} />
            <path
              className="arrow"
              d={`M${-size},${-size}L${size},0L${-size},${size}Z`}
              transform={`translate(${at},${y2}) rotate(${now.flowMw[k] >= 0 ? 0 : 180})`}
              style={{ fill: colour }}
            />
            {style.flows && (
              <text className="flow" x={at} y={y2 + 20}>
                {number(1e3 * Math.abs(now.flowMw[k]), Math.abs(now.flowMw[k]) >= 0.1 ? 0 : 1)}
              </text>
            )}
          </g>
        );
      })}
      {buses.map(({ bus, vMinPu, vMaxPu }, b) => {
        const colour = { fill: `var(--v${voltageStep(now.voltagePu[b], vMinPu, vMaxPu)})` };
        const r = style.radius;
        const { dx, dy, anchor } = nameAnchor(geometry, b);
        return (
          <g key={b} transform={`translate(${x(b)},${y(b)})`}>
            <title>{`Bus ${bus}: ${number(now.voltagePu[b], 4)} p.u., ${number(now.voltageMarginPu[b], 4)} p.u. left`}</title>
            {b === 0 ? (
              <rect className="dot" x={-r} y={-r} width={2 * r} height={2 * r} rx={2} style={colour} />
            ) : (
              <circle className="dot" r={r} style={colour} />
            )}
            {named[b] && (
              <text className="name" x={dx} y={dy} textAnchor={anchor}>
                {bus}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}
