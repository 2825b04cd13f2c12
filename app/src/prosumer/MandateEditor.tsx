/** Limits as sliders and presets that become one message, shown before it is signed as the wallet will show it. */
import { useEffect, useRef, useState } from "react";
import {
  MANDATE_FIELDS,
  mostUntilEnd,
  Owner,
  presetPrices,
  PRESETS,
  shownValue,
  signedValue,
  type FrozenLimits,
  type Mandate,
  type Preset,
  type WalletAccount,
} from "../../../offchain-solver/browser.ts";
import type { MarketView } from "../market.ts";
import { dollars, moment, number, ofNano } from "../shown/format.ts";
import { Card, Notice, Table } from "../shown/parts.tsx";
import { useAct } from "../wallet/useAct.ts";
import type { Wallet } from "../wallet/useWallet.ts";

type Field = Exclude<keyof FrozenLimits, "validUntil">;
type Draft = Readonly<Record<Field, number>> & { readonly days: number };

const DAY_S = 86_400n;
const PRESET_WORDS: Readonly<Record<Preset, readonly [string, string]>> = {
  careful: ["Careful", "Never dearer than the utility, never sold for less than it pays."],
  usual: ["Usual", "Room for what a full line adds to prices: what most members sign."],
  wide: ["Wide", "Twice that room, also for reserve that is cleared after energy."],
};
/** What a slider moves; the rest is in "all limits". [label, largest, step] */
const SLIDERS: readonly (readonly [Field, string, number, number])[] = [
  ["maxBuy", "Buy at most for", 1, 0.005],
  ["minSell", "Sell at least for", 0.5, 0.005],
  ["maxBuyW", "Buy at most", 20, 0.1],
  ["maxSellW", "Sell at most", 20, 0.1],
  ["maxReserveW", "Keep ready for others at most", 10, 0.1],
  ["maxSpendPerDay", "Spend in a day at most", 50, 0.5],
];
const fieldOf = (field: Field) => MANDATE_FIELDS.find((one) => one.field === field)!;
const digits = (unit: string): number => (unit.startsWith("$/") ? 4 : unit === "$" ? 2 : 2);

/** Without a mandate: a home of ordinary size. */
const FRESH: Draft = {
  maxBuy: 0.35,
  minSell: 0,
  maxBuyW: 5,
  maxSellW: 5,
  minReservePrice: 0,
  maxReservePrice: 0.1,
  maxReserveW: 1,
  maxCarbonPrice: 0.1,
  minCarbonPrice: 0,
  maxCarbonG: 20,
  maxSpendPerDay: 5,
  days: 30,
};

function draftOf({ mandate, now }: WalletAccount): Draft {
  if (mandate === undefined) return FRESH;
  const values = MANDATE_FIELDS.map((shown) => [shown.field, shownValue(shown, mandate[shown.field])]);
  const days = Math.max(1, Math.min(365, Number((mandate.validUntil - now) / DAY_S)));
  return { ...(Object.fromEntries(values) as Omit<Draft, "days">), days } as Draft;
}

function mandateOf(draft: Draft, account: WalletAccount): Mandate {
  const limits = Object.fromEntries(
    MANDATE_FIELDS.map((shown) => [shown.field, signedValue(shown, draft[shown.field])]),
  );
  return {
    ...(limits as Omit<FrozenLimits, "validUntil">),
    validUntil: account.now + BigInt(draft.days) * DAY_S,
    prosumer: account.id,
    nonce: Owner.nextNonce(account),
  };
}

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
  const { act, run } = useAct(after);
  const { deployment } = view;
  const most = useMostLoss(view, account, draft);
  const busy = act.kind === "busy";
  const take = async (name: Preset): Promise<void> => {
    setPreset(name);
    const tariff = await tariffOf(view).catch(() => undefined);
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
      <fieldset className="presets">
        <legend>Start from</legend>
        {PRESETS.map((name) => (
          <label key={name} className={preset === name ? "chosen" : undefined}>
            <input type="radio" name="preset" checked={preset === name} onChange={() => void take(name)} />
            <span>
              <strong>{PRESET_WORDS[name][0]}</strong>
              <span className="quiet">{PRESET_WORDS[name][1]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {fault !== undefined && <Notice kind="bad">{fault}</Notice>}
      {SLIDERS.map(([field, label, largest, step]) => (
        <Slider
          key={field}
          field={field}
          label={label}
          largest={largest}
          step={step}
          value={draft[field]}
          change={(value) => setDraft({ ...draft, [field]: value })}
        />
      ))}
      <div className="slider">
        <label htmlFor="days">Counts for</label>
        <input
          id="days"
          type="range"
          min={1}
          max={365}
          value={draft.days}
          aria-valuetext={`${draft.days} days`}
          onChange={({ target }) => setDraft({ ...draft, days: Number(target.value) })}
        />
        <output htmlFor="days">
          {draft.days} {draft.days === 1 ? "day" : "days"}
        </output>
      </div>
      <Most {...most} />
      {ofNano(account.deposit) < draft.maxSpendPerDay && (
        <p className="quiet" role="note">
          {account.deposit === 0n
            ? "You have paid nothing in yet: nothing can be traded for you before you do."
            : `Your deposit is smaller than what a day may cost: no more than ${dollars(ofNano(account.deposit))} can be traded for you. Pay in more, or spend less.`}
        </p>
      )}
      <div className="actions">
        <button className="first" disabled={busy} onClick={() => setShown(mandateOf(draft, account))}>
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

function Slider(props: {
  field: Field;
  label: string;
  largest: number;
  step: number;
  value: number;
  change: (value: number) => void;
}) {
  const { field, label, value, change } = props;
  const { unit, low } = fieldOf(field);
  // A large member's limits have room above them too.
  const [room] = useState(() => Math.max(props.largest, 2 * value));
  const largest = Math.max(room, value);
  const step = room > props.largest ? room / 200 : props.step;
  const words = `${number(value, digits(unit))} ${unit}`;
  return (
    <div className="slider">
      <label htmlFor={field}>{label}</label>
      <input
        id={field}
        type="range"
        min={Math.max(low, Math.min(field === "minSell" ? -0.1 : 0, value))}
        max={largest}
        step={step}
        value={value}
        aria-valuetext={words}
        onChange={({ target }) => change(Number(target.value))}
      />
      <span className="exact">
        <input
          type="number"
          aria-label={`${label}, exactly, ${unit}`}
          step="any"
          min={low}
          max={fieldOf(field).high}
          value={Number(value.toFixed(6))}
          onChange={({ target }) => Number.isFinite(target.valueAsNumber) && change(target.valueAsNumber)}
        />
        {unit}
      </span>
    </div>
  );
}

type MostLoss = { readonly session: number | undefined; readonly day: number; readonly all: number };

/** The contract's own figure for a session of the length that this market has, and what follows from it. */
function useMostLoss({ deployment, provider, seen }: MarketView, account: WalletAccount, draft: Draft): MostLoss {
  const [session, setSession] = useState<number>();
  const mandate = mandateOf(draft, account);
  const length = seen?.session?.terms;
  const { periodSeconds, periods } = { periodSeconds: length?.periodSeconds ?? 3_600, periods: length?.periods ?? 24 };
  const key = JSON.stringify({ ...draft, periodSeconds, periods });
  useEffect(() => {
    let ended = false;
    const timer = setTimeout(() => {
      Owner.mostLoss(deployment, provider, mandate, { periodSeconds, periods }).then(
        (nano) => void (ended || setSession(ofNano(nano))),
        () => void (ended || setSession(undefined)),
      );
    }, 150);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
    // The draft's values are what is asked about; the mandate is made of them.
  }, [deployment, provider, key]);
  return { session, day: draft.maxSpendPerDay, all: ofNano(mostUntilEnd(mandate, account.now, account.deposit)) };
}

function Most({ session, day, all }: MostLoss) {
  return (
    <div className="most" role="status">
      <p>
        The most this can cost me in a session: <strong>{session === undefined ? "…" : dollars(session)}</strong>
      </p>
      <p>
        The most this can cost me in a day: <strong>{dollars(day)}</strong>
      </p>
      <p>
        In all until I leave: <strong>{dollars(all)}</strong>{" "}
        <span className="quiet">(never more than your deposit)</span>
      </p>
    </div>
  );
}

function Review(props: { view: MarketView; mandate: Mandate; most: MostLoss; sign: () => void; close: () => void }) {
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
      `${number(shownValue(one, mandate[one.field]), digits(one.unit))} ${one.unit}: ${one.says}`,
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
      <div className="actions">
        <button className="first" onClick={sign}>
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
