/** What the processes of a devnet hold, as each says of itself over its own API: whether anything grows shows here. */

export type Usage = {
  readonly party: number;
  readonly residentMb: number;
  readonly heapMb: number;
  /** Open sockets, timers, workers and the like (`process.getActiveResourcesInfo`). */
  readonly handles: number;
  /** Absent where the system has no such count. */
  readonly descriptors?: number;
};

const MB = 1 << 20;

/** Asked of every party that answers; of one that is down there is none. `apiPorts`: by party. */
export async function usageOf(apiPorts: ReadonlyMap<number, number>): Promise<Usage[]> {
  const asked = [...apiPorts].map(async ([party, port]) => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(10_000) });
      return [usageIn(party, await response.text())];
    } catch (error) {
      if (error instanceof TypeError || (error as Error).name === "TimeoutError") return [];
      throw error;
    }
  });
  return (await Promise.all(asked)).flat();
}

function usageIn(party: number, metrics: string): Usage {
  const value = (name: string): number | undefined => {
    const found = new RegExp(`^${name} (\\S+)$`, "m").exec(metrics);
    return found === null ? undefined : Number(found[1]);
  };
  const mb = (name: string): number => Math.round(((value(name) ?? NaN) / MB) * 10) / 10;
  const descriptors = value("process_open_fds");
  return {
    party,
    residentMb: mb("process_resident_memory_bytes"),
    heapMb: mb("nodejs_heap_size_used_bytes"),
    handles: value("nodejs_active_resources_total") ?? NaN,
    ...(descriptors !== undefined && { descriptors }),
  };
}

/** The most by which any party has grown from one part of a run to another. */
export type Growth = { readonly residentMb: number; readonly heapMb: number; readonly handles: number };

/**
 * Between the second and the last quarter of the sessions, least of each: a process is not collected at the moment at
 * which it is asked, and what it holds for good is in every figure. The first quarter warms up. undefined: fewer than
 * eight sessions say nothing.
 */
export function growthOf(sessions: readonly (readonly Usage[])[]): Growth | undefined {
  if (sessions.length < 8) return undefined;
  const quarter = Math.floor(sessions.length / 4);
  const least = (part: readonly (readonly Usage[])[], party: number, of: keyof Growth): number =>
    Math.min(...part.flatMap((usages) => usages.filter((one) => one.party === party).map((one) => one[of])));
  const parties = [...new Set(sessions.flat().map(({ party }) => party))];
  const most = (of: keyof Growth): number => {
    const grown = parties.map(
      (party) => least(sessions.slice(-quarter), party, of) - least(sessions.slice(quarter, 2 * quarter), party, of),
    );
    return Math.round(Math.max(...grown.filter(Number.isFinite)) * 10) / 10;
  };
  return { residentMb: most("residentMb"), heapMb: most("heapMb"), handles: most("handles") };
}
