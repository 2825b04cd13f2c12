/** The most that a mandate can cost: by the contract's own views, before it is signed. */
import { useEffect, useState } from "react";
import {
  MANDATE_FIELDS,
  mostUntilEnd,
  Owner,
  type Mandate,
  type WalletAccount,
} from "../../../offchain-solver/browser.ts";
import type { MarketView } from "../market.ts";
import { dollars, ofNano } from "../shown/format.ts";

/** $; undefined: not known yet, or no figure of what stands there. */
export type MostCost = {
  readonly session: number | undefined;
  /** Beside it, once the session has been metered. */
  readonly meter: number | undefined;
  readonly day: number | undefined;
  readonly all: number | undefined;
  /** What answers for the chain says another figure than the contract can. */
  readonly wrong: boolean;
};

/** How long a slider stands before the chain is asked, and until it is asked again where it did not answer. */
const STILL_MS = 150;
const AGAIN_MS = 3_000;

/** The contract's own figure for a session of the length that this market has, and what follows from it. */
export function useMost(
  { deployment, provider, seen }: MarketView,
  account: WalletAccount,
  mandate: Mandate | undefined,
): MostCost {
  const [told, setTold] = useState<Pick<MostCost, "session" | "meter" | "wrong"> & { readonly about: string }>();
  const length = seen?.session?.terms;
  const { periodSeconds, periods } = { periodSeconds: length?.periodSeconds ?? 3_600, periods: length?.periods ?? 24 };
  const limits = mandate && MANDATE_FIELDS.map(({ field }) => `${mandate[field]}`);
  // Frozen with each session: before the first nobody knows it.
  const imbalancePrice = length?.imbalancePrice;
  const about = JSON.stringify([limits, periodSeconds, periods, `${imbalancePrice}`]);
  useEffect(() => {
    if (mandate === undefined) return undefined;
    let ended = false;
    let timer: ReturnType<typeof setTimeout>;
    const figures = async () => {
      const length = { periodSeconds, periods };
      const [session, meter] = await Promise.all([
        Owner.mostLoss(deployment, provider, mandate, length),
        imbalancePrice === undefined
          ? undefined
          : Owner.mostTaken(deployment, provider, mandate, { ...length, imbalancePrice }),
      ]);
      return { about, session: ofNano(session), meter: meter === undefined ? undefined : ofNano(meter), wrong: false };
    };
    const ask = (): void =>
      void figures().then(
        (found) => void (ended || setTold(found)),
        (error: unknown) => {
          if (ended) return;
          if (error instanceof Owner.FalseFigure) setTold({ about, session: undefined, meter: undefined, wrong: true });
          else timer = setTimeout(ask, AGAIN_MS);
        },
      );
    timer = setTimeout(ask, STILL_MS);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
    // The limits are what is asked about; the mandate is made of them.
  }, [deployment, provider, about]);
  return {
    // A figure for other limits than these is none.
    session: told?.about === about ? told.session : undefined,
    meter: told?.about === about ? told.meter : undefined,
    wrong: told?.about === about && told.wrong,
    day: mandate && ofNano(mandate.maxSpendPerDay * 1_000n),
    all: mandate && ofNano(mostUntilEnd(mandate, account.now, account.deposit)),
  };
}

export function Most({ session, meter, day, all, wrong }: MostCost) {
  const text = (value: number | undefined): string => (value === undefined ? "…" : dollars(value));
  return (
    <div className="most" role="status">
      <p>
        The most this can cost me in a session: <strong>{text(session)}</strong>
      </p>
      <p>
        The most this can cost me in a day: <strong>{text(day)}</strong>
      </p>
      <p>
        In all until I leave: <strong>{text(all)}</strong> <span className="quiet">(never more than your deposit)</span>
      </p>
      {wrong && <p className="fault">What answers for the chain says another figure than the contract can.</p>}
      {meter !== undefined && (
        <p className="quiet">
          Where my meter does not do what was promised, a session can take up to {dollars(meter)} more, out of the
          deposit too.
        </p>
      )}
    </div>
  );
}
