/** An endpoint over HTTP that has one fault: what hosts and nodes really do, and what a liar would. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EndpointFault, type Endpoint } from "../../offchain-solver/chain/endpoint.ts";

export type Call = { readonly id: number; readonly method: string; readonly params: readonly never[] };

/** What a request gets instead of its answers; undefined: the answers. `count`: of requests so far. */
export type Reply = { readonly status?: number; readonly headers?: Record<string, string>; readonly body: string };

export type Fault = {
  readonly http?: (calls: readonly Call[], count: number) => Reply | "hang up" | undefined;
  /** The answer of one call in place of the true one; an EndpointFault is an error of JSON-RPC. */
  readonly rpc?: (call: Call, ask: () => Promise<unknown>) => Promise<unknown>;
  /** The answers to a batch, in another order or not all. */
  readonly batch?: (answers: readonly unknown[]) => unknown;
};

export type Served = { readonly url: string; readonly close: () => Promise<void> };

/** Serves what `truth` answers, with a fault, on a free port of this machine alone. */
export async function served(truth: Endpoint, fault: Fault = {}): Promise<Served> {
  let count = 0;
  const one = async (call: Call): Promise<unknown> => {
    const ask = (): Promise<unknown> => truth.request(call.method, call.params);
    try {
      return { jsonrpc: "2.0", id: call.id, result: await (fault.rpc?.(call, ask) ?? ask()) };
    } catch (error) {
      if (!(error instanceof EndpointFault)) throw error;
      return { jsonrpc: "2.0", id: call.id, error: { code: error.code ?? -32_000, message: error.message } };
    }
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as Call | Call[];
    const calls = Array.isArray(asked) ? asked : [asked];
    const instead = fault.http?.(calls, count++);
    if (instead === "hang up") return void request.socket.destroy();
    if (instead !== undefined) return void response.writeHead(instead.status ?? 200, instead.headers).end(instead.body);
    const answers = await Promise.all(calls.map(one));
    const all = Array.isArray(asked) ? (fault.batch?.(answers) ?? answers) : answers[0];
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(all));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
