/**
 * What a host tells of its connections. `host` is a host's name: the lowest number among the parties that live on it.
 */
export type NetworkEvent =
  | { readonly kind: "connected"; readonly host: number }
  | { readonly kind: "disconnected"; readonly host: number; readonly reason: string }
  /** An attempt to reach it failed, and is made again after a pause. */
  | { readonly kind: "unreachable"; readonly host: number; readonly reason: string }
  /** Somebody at this address was turned down; which host it claims to be, where it said so. */
  | { readonly kind: "refused"; readonly address: string; readonly claims: number | undefined; readonly reason: string }
  /** It turned this host away, and says why. */
  | { readonly kind: "turnedAway"; readonly host: number; readonly reason: string }
  /** It broke the protocol: nothing is taken from it or sent to it until it is readmitted. */
  | { readonly kind: "dropped"; readonly host: number; readonly reason: string }
  /** The broker between hosts was lost, is back, or refuses something. */
  | { readonly kind: "broker"; readonly state: "lost" | "back" | "refuses"; readonly reason: string };
