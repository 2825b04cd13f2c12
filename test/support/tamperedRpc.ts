/** A chain's endpoint that changes what it hands on: `edit` is given each call and its answer. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Call = { readonly id: unknown; readonly method: string; readonly params: readonly unknown[] };
type Answer = { readonly id: unknown; readonly result?: unknown };
export type Edit = (call: Call, result: unknown) => unknown;

export async function tamperedRpc(url: string, edit: Edit): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => void (body += part));
    request.on("end", () => {
      void (async () => {
        const headers = { "content-type": "application/json" };
        const answer = (await (await fetch(url, { method: "POST", headers, body })).json()) as Answer | Answer[];
        const asked = JSON.parse(body) as Call | Call[];
        const calls = new Map((Array.isArray(asked) ? asked : [asked]).map((call) => [call.id, call]));
        const changed = (one: Answer): Answer =>
          "result" in one ? { ...one, result: edit(calls.get(one.id) as Call, one.result) } : one;
        response.writeHead(200, headers);
        response.end(JSON.stringify(Array.isArray(answer) ? answer.map(changed) : changed(answer)));
      })();
    });
  });
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
