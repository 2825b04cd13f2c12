/**
 * What keeps this process from ending, counted by kind: to compare before with after. What is closed in this turn of
 * the event loop is still counted: a few turns have to pass.
 */
export async function openResources(): Promise<Record<string, number>> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const counts: Record<string, number> = { TCPServerWrap: 0, TCPSocketWrap: 0, TLSWrap: 0, Timeout: 0 };
  for (const kind of process.getActiveResourcesInfo()) if (kind in counts) counts[kind]++;
  return counts;
}
