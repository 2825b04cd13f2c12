/** Limits as sliders and presets that become one message, shown before it is signed as the wallet will show it. */
import { useEffect, useRef, useState } from "react";
import {
  MANDATE_FIELDS,
  Owner,
  presetPrices,
  PRESETS,
  shownValue,
  type Mandate,
  type Preset,
  type WalletAccount,
} from "../../../offchain-solver/browser.ts";
import type { MarketView } from "../market.ts";
import { dollars, moment, number, ofNano } from "../shown/format.ts";
import { Card, Notice, Table } from "../shown/parts.tsx";
import { useAct } from "../wallet/useAct.ts";
import type { Wallet } from "../wallet/useWallet.ts";
import { Most, useMost, type MostCost } from "./Most.tsx";
import { draftOf, exactly, faultOf, fieldOf, limitIn, mandateOf, type Draft, type Field } from "./limits.ts";

const PRESET_WORDS: Readonly<Record<Preset, readonly [string, string]>> = {
  careful: ["Careful", "Never dearer than the utility, never sold for less than it pays."],
  usual: ["Usual", "Room for what a full line adds to prices: what most members sign."],
  wide: ["Wide", "Twice that room, also for reserve that is cleared after energy."],
};
/** What a slider moves; the rest is a preset's, or the last mandate's. [label, largest, step] */
const SLIDERS: readonly (readonly [Field, string, number, number])[] = [
  ["maxBuy", "Buy at most for", 1, 0.005],
  ["minSell", "Sell at least for", 0.5, 0.005],
  ["maxBuyW", "Buy at most", 20, 0.1],
  ["maxSellW", "Sell at most", 20, 0.1],
  ["maxReserveW", "Keep ready for others at most", 10, 0.1],
  ["maxSpendPerDay", "Spend in a day at most", 50, 0.5],
];
const digits = (unit: string): number => (unit.startsWith("$/") ? 4 : unit === "$" ? 2 : 2);

type Props = { view: MarketView; wallet: Wallet; account: WalletAccount; after: () => void };

/** Why sessions leave an account out that has signed a mandate. */
function Unconnected({ ends }: { ends: WalletAccount["connectionEnds"] }) {
  if (ends === 0n) return null;
  const none = ends === undefined;
  return (
    <Notice kind="info">
      {none ? "No connection is registered for you" : "Your connection has been ended"}: sessions leave you out until
      your operator sends one that you have signed.
    </Notice>
  );
}

export function MandateEditor({ view, wallet, account, after }: Props) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(account));
  const [preset, setPreset] = useState<Preset>();
  const [fault, setFault] = useState<string>();
  const [shown, setShown] = useState<Mandate>();
  const asked = useRef<Preset>(undefined);
  const { act, run } = useAct(after);
  const { deployment } = view;
  const mandate = mandateOf(draft, account);
  const most = useMost(view, account, mandate);
  const busy = act.kind === "busy";
  const take = async (name: Preset): Promise<void> => {
    setPreset(name);
    asked.current = name;
    const tariff = await tariffOf(view).catch(() => undefined);
    // Another was chosen in the meantime.
    if (asked.current !== name) return;
    if (tariff === undefined) return setFault("Nobody publishes this market's tariff here, so presets have no prices.");
    setFault(undefined);
    const prices = presetPrices(tariff, name);
    const values = Object.entries(prices).map(([field, value]) => [field, shownValue(fieldOf(field as Field), value)]);
    setDraft((last) => ({ ...last, ...Object.fromEntries(values) }));
  };
  const sign = async (mandate: Mandate): Promise<void> => {
    setShown(undefined);
    await run(
      "Your wallet shows the mandate, then the transaction that registers it.",
      "Your mandate counts from the next session on.",
      async () => Owner.promise(deployment, await wallet.signer(), mandate),
    );
  };
  const revoke = (): void =>
    void run(
      "Your wallet asks for the transaction.",
      "Revoked: the open session may still settle, no later one has you in it.",
      async () => Owner.revoke(deployment, await wallet.signer(), account.id),
    );
  return (
    <Card
      title="Your limits"
      note="Everything the market may do with your account. Nobody can trade beyond them, whoever signs the result."
    >
      <p>
        {account.mandate === undefined ? (
          <strong>You have no mandate: nothing is traded for you.</strong>
        ) : (
          <>
            Your mandate counts until <strong>{moment(view.config, Number(account.mandate.validUntil))}</strong>.
          </>
        )}
      </p>
      <Unconnected ends={account.connectionEnds} />
      <Presets chosen={preset} choose={(name) => void take(name)} />
      {fault !== undefined && <Notice kind="bad">{fault}</Notice>}
      {SLIDERS.map(([field, label, largest, step]) => (
        <Slider
          key={field}
          field={field}
          label={label}
          largest={largest}
          step={step}
          value={draft[field]}
          change={(value) => {
            if (field === "maxBuy" || field === "minSell") setPreset(undefined);
            setDraft({ ...draft, [field]: value });
          }}
        />
      ))}
      <Days days={draft.days} change={(days) => setDraft({ ...draft, days })} />
      <Most {...most} />
      {most.day !== undefined && ofNano(account.deposit) < most.day && (
        <p className="quiet" role="note">
          {account.deposit === 0n
            ? "You have paid nothing in yet: nothing can be traded for you before you do."
            : `Your deposit is smaller than what a day may cost: no more than ${dollars(ofNano(account.deposit))} can be traded for you. Pay in more, or spend less.`}
        </p>
      )}
      <div className="actions">
        <button className="first" disabled={busy || mandate === undefined} onClick={() => setShown(mandate)}>
          Review and sign
        </button>
        <button disabled={busy || account.mandate === undefined} onClick={revoke}>
          Revoke
        </button>
      </div>
      {act.kind !== "idle" && (
        <Notice kind={act.kind === "failed" ? "bad" : act.kind === "done" ? "good" : "busy"}>{act.says}</Notice>
      )}
      {shown !== undefined && (
        <Review
          view={view}
          mandate={shown}
          most={most}
          sign={() => void sign(shown)}
          close={() => setShown(undefined)}
        />
      )}
    </Card>
  );
}

function Presets({ chosen, choose }: { chosen: Preset | undefined; choose: (name: Preset) => void }) {
  return (
    <fieldset className="presets">
      <legend>Start from</legend>
      {PRESETS.map((name) => (
        <label key={name} className={chosen === name ? "chosen" : undefined}>
          <input type="radio" name="preset" checked={chosen === name} onChange={() => choose(name)} />
          <span>
            <strong>{PRESET_WORDS[name][0]}</strong>
            <span className="quiet">{PRESET_WORDS[name][1]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Days({ days, change }: { days: number; change: (days: number) => void }) {
  const words = `${days} ${days === 1 ? "day" : "days"}`;
  return (
    <div className="slider">
      <label htmlFor="days">Counts for</label>
      <input
        id="days"
        type="range"
        min={1}
        max={365}
        value={days}
        aria-valuetext={words}
        onChange={({ target }) => change(Number(target.value))}
      />
      <output htmlFor="days">{words}</output>
    </div>
  );
}

function Slider(props: {
  field: Field;
  label: string;
  largest: number;
  step: number;
  value: number;
  change: (value: number) => void;
}) {
  const { field, label, value, change } = props;
  const { unit, low, high } = fieldOf(field);
  // A large member's limits have room above them too.
  const [room] = useState(() => Math.max(props.largest, 2 * value));
  // What is written, as long as it means what is set: a number that is half written is not written over.
  const [written, setWritten] = useState("");
  const text = Object.is(limitIn(written), value) ? written : exactly(value);
  const fault = faultOf(field, value);
  const there = fault === undefined ? value : Math.min(room, Math.max(low, Number.isNaN(value) ? 0 : value));
  const largest = Math.max(room, there);
  const step = room > props.largest ? room / 200 : props.step;
  return (
    <div className="slider">
      <label htmlFor={field}>{label}</label>
      <input
        id={field}
        type="range"
        min={Math.max(low, Math.min(field === "minSell" ? -0.1 : 0, there))}
        max={largest}
        step={step}
        value={there}
        aria-valuetext={`${number(there, digits(unit))} ${unit}`}
        onChange={({ target }) => change(Number(target.value))}
      />
      <span className="exact">
        <input
          role="spinbutton"
          inputMode={low < 0 ? "text" : "decimal"}
          autoComplete="off"
          aria-label={`${label}, exactly, ${unit}`}
          aria-invalid={fault !== undefined}
          aria-describedby={`${field}-fault`}
          aria-valuemin={low}
          aria-valuemax={high}
          {...(fault === undefined && { "aria-valuenow": value })}
          value={text}
          onChange={({ target }) => {
            setWritten(target.value);
            change(limitIn(target.value));
          }}
          onKeyDown={(event) => {
            const way = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
            if (way === 0) return;
            event.preventDefault();
            change(Number(Math.min(high, Math.max(low, there + way * step)).toFixed(6)));
          }}
        />
        {unit}
      </span>
      <p id={`${field}-fault`} className="fault" role={fault === undefined ? undefined : "alert"}>
        {fault}
      </p>
    </div>
  );
}

function Review(props: { view: MarketView; mandate: Mandate; most: MostCost; sign: () => void; close: () => void }) {
  const { view, mandate, most, sign, close } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    const home = opener?.closest("section");
    dialog.current?.showModal();
    return () => {
      opener?.focus();
      // While the wallet is asked the button that opened this cannot be pressed: keys go on from its card.
      if (document.activeElement !== opener && home) {
        home.tabIndex = -1;
        home.focus();
      }
    };
  }, []);
  const until = moment(view.config, Number(mandate.validUntil));
  const rows = [
    ["prosumer", `${mandate.prosumer}`, "your account"],
    ...MANDATE_FIELDS.map((one) => [
      one.field,
      `${mandate[one.field]}`,
      `${exactly(shownValue(one, mandate[one.field]))} ${one.unit}: ${one.says}`,
    ]),
    ["validUntil", `${mandate.validUntil}`, `${until}: no later session has you in it`],
    ["nonce", `${mandate.nonce}`, "so that an older one cannot come back"],
  ];
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="review">
      <h2 id="review">What your wallet will show</h2>
      <p className="note">
        A message of type <code>Mandate</code> for the contract <code>{view.deployment.market}</code> on network{" "}
        {`${view.deployment.chainId}`}. Compare the numbers in the second column.
      </p>
      <Table caption="The mandate, field by field" heads={["Field", "Signed", "Says"]} rows={rows} words={[2]} />
      <Most {...most} />
      {most.session === undefined && <p role="status">It can be signed once the contract has said what it may cost.</p>}
      <div className="actions">
        <button className="first" disabled={most.session === undefined} onClick={sign}>
          Sign it
        </button>
        <button onClick={() => dialog.current?.close()}>Back</button>
      </div>
    </dialog>
  );
}

/** The tariff of the newest frozen session, checked by its hash; before any, what the host says of the next. */
async function tariffOf({ config, seen }: MarketView) {
  const { termsOf, nextTermsOf } = await import("../proof.ts");
  const hash = seen?.session?.terms.termsHash;
  return (
    hash === undefined ? await nextTermsOf(config) : ((await termsOf(config, hash)) ?? (await nextTermsOf(config)))
  )?.scenario;
}
