/** When a session's readings may be entered, and by whose signatures: docs/delivery.md. */
import type { Provider } from "ethers";
import { seatedCommittee, type Seated } from "../../chain/committee.ts";
import { deliveryContracts } from "../../chain/deployment.ts";
import type { SessionTerms } from "../../codec/typedData.ts";
import type { Asked } from "./reckoning.ts";

/** Unix seconds of the chain's clock. */
export type Windows = {
  /** From then on there may be an entry, and a final one if every value is measured. */
  readonly opens: number;
  /** From then on no more values come: it may be final with what is there, and the committee in office attests. */
  readonly closes: number;
  /** Until then a final entry can be contested, counted from it: credits wait for it. */
  readonly disputeS: number;
};

export async function windowsOf({ deployment, provider }: Asked, terms: SessionTerms): Promise<Windows> {
  const { grace, metering, dispute } = await deliveryContracts(deployment, provider)
    .delivery.getFunction("windows")
    .staticCall();
  const end = Number(terms.start) + terms.periodSeconds * terms.periods;
  return { opens: end + Number(grace), closes: end + Number(metering), disputeS: Number(dispute) };
}

/**
 * Who attests an entry at a time: until the metering window ends the session's committee, whoever is in it now;
 * afterwards that in office. `epoch`: as it is signed, which is 0 then: keys that change undo no signature.
 */
export async function attesters(
  { deployment, provider }: Asked,
  { epoch }: Pick<SessionTerms, "epoch">,
  { closes }: Windows,
  at: number,
): Promise<Seated> {
  const open = at < closes;
  const seated = await seatedCommittee(deployment, provider, open ? epoch : undefined);
  return open ? seated : { ...seated, epoch: 0n };
}

/** The time of the block that comes next: a quiet chain's last one may be long ago. */
export async function clockOf(provider: Provider): Promise<number> {
  // Hardhat's own provider knows of no block to come.
  const coming = await provider.getBlock("pending").catch(() => null);
  return (coming ?? (await provider.getBlock("latest")))?.timestamp ?? 0;
}
