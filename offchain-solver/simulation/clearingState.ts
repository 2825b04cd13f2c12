import * as z from "zod";
import type { ConsensusResult } from "../clearing/consensus.ts";
import type { WarmStart } from "../clearing/prosumerAgent.ts";
import { layoutOf } from "../clearing/layout.ts";
import type { Market } from "../market/scenario/market.ts";
import type { Settings } from "../clearing/settings.ts";
import { complaint, readJson } from "../io/readJson.ts";

/**
 * Where the agents of a session stood at its end, from which a clearing with newer forecasts goes on. Here it is one
 * file, because all agents run in one process; each `image` is what that prosumer's node would keep to itself.
 */
export const ClearingStateSchema = z.strictObject({
  hours: z.int().min(1),
  /** Penalties that the images are scaled with, in the order energy, allowances, reserve, active, reactive. */
  rho: z.array(z.number().positive()).length(5),
  /** Norm of the first residual of the session that began cold. */
  firstResidual: z.number().nonnegative(),
  agents: z.array(
    z.strictObject({
      id: z.int(),
      /** v = y + u, little-endian doubles in base64, laid out as the agent's consensus vector. */
      image: z.base64(),
    }),
  ),
});
export type ClearingState = z.infer<typeof ClearingStateSchema>;

export function stateOf(market: Market, consensus: ConsensusResult): ClearingState {
  const { settings, acceleration } = consensus.operator;
  return {
    hours: market.hours,
    rho: [...settings.rho],
    firstResidual: settings.acceleration.vanishing.reference ?? acceleration.firstNorm,
    agents: consensus.prosumers.map(({ images }, i) => ({
      id: market.prosumers[i].id,
      image: Buffer.from(images[0].buffer, images[0].byteOffset, images[0].byteLength).toString("base64"),
    })),
  };
}

export const readState = (file: string): ClearingState => readJson(file, ClearingStateSchema);

/**
 * The state as agents of `market` start from it; throws InputError where it belongs to another market or other
 * penalties.
 */
export function warmStarts(file: string, state: ClearingState, market: Market, rho: Settings["rho"]): WarmStart[] {
  if (state.hours !== market.hours) throw complaint(file, "hours", state.hours, `this session has ${market.hours}`);
  state.rho.forEach((value, c) => {
    if (value !== rho[c]) throw complaint(file, `rho[${c}]`, value, `this session clears with ${rho[c]}`);
  });
  if (state.agents.length !== market.prosumers.length)
    throw complaint(file, "agents", state.agents.length, `this session has ${market.prosumers.length} prosumers`);
  return state.agents.map(({ id, image }, i) => {
    const prosumer = market.prosumers[i].id;
    if (id !== prosumer) throw complaint(file, `agents[${i}].id`, id, `this session's is ${prosumer}`);
    const bytes = Uint8Array.from(Buffer.from(image, "base64"));
    const { size } = layoutOf(market, i);
    if (bytes.byteLength !== 8 * size)
      throw complaint(file, `agents[${i}].image`, `${bytes.byteLength} bytes`, `this session's takes ${8 * size}`);
    const values = new Float64Array(bytes.buffer);
    if (!values.every(Number.isFinite)) throw complaint(file, `agents[${i}].image`, image, "holds no finite number");
    return { image: values };
  });
}
