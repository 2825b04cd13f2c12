/** What a host says of its market, as far as it is what the page needs. */
import { fieldsOf } from "./fields.ts";

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

const text = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Throws an Error that names the field which is not what the page needs. `base`: what addresses are relative to. */
export function configIn(file: string, base: string): Config {
  let given: Readonly<Record<string, unknown>>;
  try {
    given = fieldsOf(JSON.parse(file));
  } catch {
    throw new Error("config.json: is no JSON");
  }
  for (const field of ["rpc", "market", "bundles", "terms"])
    if (!text(given[field])) throw new Error(`config.json: ${field} is missing`);
  if (!Number.isSafeInteger(given.chainId)) throw new Error("config.json: chainId is no whole number");
  const { rpc, market, bundles, terms, node } = given as Record<string, string>;
  const absolute = (address: string, field: string): string => {
    const found = URL.parse(address, base);
    if (found === null) throw new Error(`config.json: ${field} is no address`);
    return found.href;
  };
  const nodes = (Array.isArray(given.nodes) ? given.nodes : []).map(fieldsOf);
  if (!nodes.every(({ id, url }) => Number.isSafeInteger(id) && text(url)))
    throw new Error("config.json: nodes is no list of numbers and addresses");
  return {
    name: text(given.name) ? given.name : "gridpact",
    chainId: given.chainId as number,
    rpc: absolute(rpc, "rpc"),
    market,
    block: Number.isSafeInteger(given.block) ? (given.block as number) : 0,
    bundles: absolute(bundles, "bundles"),
    terms: absolute(terms, "terms"),
    ...(text(node) && { node: absolute(node, "node") }),
    nodes: nodes.map(({ id, url }) => ({ id: id as number, url: absolute(url as string, "nodes") })),
    names: fieldsOf(given.names) as Config["names"],
    timeZone: zone(given.timeZone),
  };
}

/** The one that the host names; one that the browser does not know would break every clock. */
function zone(given: unknown): string {
  if (!text(given)) return "UTC";
  try {
    return new Intl.DateTimeFormat("en", { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
