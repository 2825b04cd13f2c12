/** What the owner's own devices were planned to do: from a file of its own node, read here and sent nowhere. */
import { lazy, Suspense, useId, useMemo, useState } from "react";
import type { MarketView } from "../market.ts";
import type { AuditedSession } from "../proof.ts";
import { beginnings, dollars, number } from "../shown/format.ts";
import { Notice, Table } from "../shown/parts.tsx";

const Series = lazy(() => import("../shown/Series.tsx"));

type Series = readonly number[];
type OwnPlan = { readonly cost: number | undefined; readonly schedule: Readonly<Record<string, Series>> };

/** What is shown where the member has it: kW, and kWh of what is stored at a period's end. */
const SHOWN = [
  ["renewableMw", "Sun and wind"],
  ["generatorMw", "Generator"],
  ["chargeMw", "Battery, in"],
  ["dischargeMw", "Battery, out"],
  ["storedMwh", "Battery holds, kWh"],
  ["vehicleMw", "Car"],
  ["chargedMwh", "Car holds, kWh"],
  ["heatPumpMw", "Heat pump"],
  ["flexibleMw", "Shifted load"],
] as const;
/** Less than a tenth of a watt is the solver's zero. */
const NOTHING = 1e-7;
const MOST_BYTES = 5_000_000;

/** Throws an Error that says what the file lacks. */
export function planIn(
  text: string,
  { ordinal, periods }: { readonly ordinal: bigint; readonly periods: number },
): OwnPlan {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Error("This file is no JSON: choose the one that your node wrote.");
  }
  const { schedule } = given ?? {};
  if (typeof schedule !== "object" || schedule === null) throw new Error("This file has no schedule in it.");
  if (BigInt(Number.isSafeInteger(given.ordinal) ? (given.ordinal as number) : -1) !== ordinal)
    throw new Error(`This file is of session no. ${String(given.ordinal)}; shown is no. ${ordinal}.`);
  const series = Object.entries(schedule).filter((entry): entry is [string, number[]] => Array.isArray(entry[1]));
  for (const [name, values] of series)
    if (values.length !== periods || !values.every(Number.isFinite))
      throw new Error(`This file is damaged: ${name} has no ${periods} numbers.`);
  return { cost: typeof given.cost === "number" ? given.cost : undefined, schedule: Object.fromEntries(series) };
}

export default function Plan({ view, session }: { view: MarketView; session: AuditedSession }) {
  const [plan, setPlan] = useState<OwnPlan>();
  const [fault, setFault] = useState<string>();
  const id = useId();
  const { periods } = session.terms!;
  const open = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    try {
      if (file.size > MOST_BYTES) throw new Error("This file is too large to be a plan.");
      setPlan(planIn(await file.text(), { ordinal: session.ordinal, periods }));
      setFault(undefined);
    } catch (error) {
      setPlan(undefined);
      setFault((error as Error).message);
    }
  };
  return (
    <div>
      <h3>Your devices' plan</h3>
      <p className="note">
        Nobody but your node knows it. Open <code>sessions/{`${session.ordinal}`}.json</code> of your node's folder to
        see it here; it does not leave this browser.
      </p>
      <label className="file" htmlFor={id}>
        Plan of session no. {`${session.ordinal}`}
      </label>
      <input
        id={id}
        type="file"
        accept=".json,application/json"
        onChange={({ target }) => void open(target.files?.[0])}
      />
      {fault !== undefined && <Notice kind="bad">{fault}</Notice>}
      {plan !== undefined && <Planned view={view} session={session} plan={plan} />}
    </div>
  );
}

function Planned({ view, session, plan }: { view: MarketView; session: AuditedSession; plan: OwnPlan }) {
  const terms = session.terms!;
  const names = useMemo(() => beginnings(view.config, terms), [view.config, terms]);
  const { schedule, cost } = plan;
  const shown = SHOWN.filter(([name]) => schedule[name]?.some((value) => Math.abs(value) > NOTHING));
  const battery = useMemo(
    () => [
      { label: "holds, kWh", colour: "battery", values: (schedule.storedMwh ?? []).map((mwh) => 1e3 * mwh) },
      {
        label: "out (+) or in (−), kW",
        colour: "energy",
        kind: "bars" as const,
        values: (schedule.dischargeMw ?? []).map((mw, t) => 1e3 * (mw - (schedule.chargeMw?.[t] ?? 0))),
      },
    ],
    [schedule],
  );
  if (shown.length === 0) return <Notice kind="info">No device of yours had anything to do but your load.</Notice>;
  return (
    <>
      {shown.some(([name]) => name === "storedMwh") && (
        <Suspense fallback={<Notice kind="busy">Drawing…</Notice>}>
          <Series label="Your battery" unit="kWh and kW" names={names} lines={battery} />
        </Suspense>
      )}
      {cost !== undefined && <p className="note">Wear, fuel and discomfort: {dollars(cost)}, paid to nobody.</p>}
      <details>
        <summary>The plan as a table</summary>
        <Table
          caption="Plan of your devices, kW unless said"
          heads={["From", ...shown.map(([, name]) => name)]}
          rows={names.map((name, t) => [name, ...shown.map(([of]) => number(1e3 * schedule[of][t], 2))])}
        />
      </details>
    </>
  );
}
