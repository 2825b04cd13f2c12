/**
 * Network namespaces, one for each host, joined by virtual cables to a bridge in one of their own. Needs root and
 * iproute2; nothing outside these namespaces is touched.
 */
import { spawnSync } from "node:child_process";

const ip = (...args: string[]): void => {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr || String(error)}`);
};

export type Namespaces = {
  /** [host] the command that a process there is run by, and its address. */
  readonly hosts: readonly { readonly within: readonly string[]; readonly address: string }[];
  readonly remove: () => void;
};

/** Throws where this machine does not let namespaces be made. */
export function makeNamespaces(count: number): Namespaces {
  const prefix = `gp${process.pid % 10_000}`;
  const names = ["b", ...Array.from({ length: count }, (_, h) => String(h))].map((name) => `${prefix}n${name}`);
  const made: string[] = [];
  const remove = (): void => made.splice(0).forEach((name) => spawnSync("ip", ["netns", "del", name]));
  try {
    for (const name of names) {
      ip("netns", "add", name);
      made.push(name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    const [bridge, ...others] = names;
    ip("-n", bridge, "link", "add", "br0", "type", "bridge");
    ip("-n", bridge, "link", "set", "br0", "up");
    const hosts = others.map((name, h) => {
      const [inner, outer, address] = [`${prefix}i${h}`, `${prefix}o${h}`, `10.77.${h >> 8}.${(h & 255) + 1}`];
      ip("-n", bridge, "link", "add", outer, "type", "veth", "peer", "name", inner);
      ip("-n", bridge, "link", "set", inner, "netns", name);
      ip("-n", bridge, "link", "set", outer, "master", "br0");
      ip("-n", bridge, "link", "set", outer, "up");
      ip("-n", name, "address", "add", `${address}/16`, "dev", inner);
      ip("-n", name, "link", "set", inner, "up");
      return { within: ["ip", "netns", "exec", name], address };
    });
    return { hosts, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
