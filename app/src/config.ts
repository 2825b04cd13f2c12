/** What a host says of its market, beside the page: fetched, so that one build serves every market. */

export type Config = {
  readonly name: string;
  readonly chainId: number;
  /** Addresses may be relative to the page. */
  readonly rpc: string;
  readonly market: string;
  /** Block of the deployment, or earlier. */
  readonly block: number;
  /** Where bundles and terms lie, each under its hash. */
  readonly bundles: string;
  readonly terms: string;
  /** A node's read-only API: what its clearing does now. */
  readonly node?: string;
  /** Nodes whose health the operator looks at. */
  readonly nodes: readonly { readonly id: number; readonly url: string }[];
  /** What members are called, by id. */
  readonly names: Readonly<Record<string, string>>;
  /** IANA name; times are told by its clock. */
  readonly timeZone: string;
};

const absolute = (address: string): string => new URL(address, document.baseURI).href;
const text = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Throws an Error that names the field where the host's file is not what the page needs. */
export async function loadConfig(): Promise<Config> {
  const response = await fetch(absolute("config.json"), { cache: "no-store" }).catch(() => undefined);
  if (response === undefined || !response.ok) throw new Error("config.json: this host says of no market");
  const given = (await response.json()) as Record<string, unknown>;
  for (const field of ["rpc", "market", "bundles", "terms"])
    if (!text(given[field])) throw new Error(`config.json: ${field} is missing`);
  if (!Number.isSafeInteger(given.chainId)) throw new Error("config.json: chainId is no whole number");
  const { rpc, market, bundles, terms, node } = given as Record<string, string>;
  const nodes = Array.isArray(given.nodes) ? (given.nodes as Config["nodes"]) : [];
  return {
    name: text(given.name) ? given.name : "gridpact",
    chainId: given.chainId as number,
    rpc: absolute(rpc),
    market,
    block: Number.isSafeInteger(given.block) ? (given.block as number) : 0,
    bundles: absolute(bundles),
    terms: absolute(terms),
    ...(text(node) && { node: absolute(node) }),
    nodes: nodes.map(({ id, url }) => ({ id: Number(id), url: absolute(url) })),
    names: (given.names ?? {}) as Config["names"],
    timeZone: zone(given.timeZone),
  };
}

/** A zone that the browser does not know would break every clock. */
function zone(given: unknown): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: given as string }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
