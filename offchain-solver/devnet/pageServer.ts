/**
 * The page of a devnet's market on 127.0.0.1: its files, what they need to know of the market, and, so that the page
 * asks nobody but this one place, the chain, the bundles and the nodes' read-only API behind it.
 */
import { createAdaptorServer } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseTerms } from "../codec/terms.ts";
import { OPERATOR_ID } from "../chain/onboarding.ts";
import { InputError } from "../io/inputError.ts";
import type { Devnet } from "./devnet.ts";
import { bundleFolder, scheduleFolder } from "./parties.ts";

/** Where `npm run build:app` leaves the page. */
export const APP_FOLDER = fileURLToPath(new URL("../../app/dist", import.meta.url));
export const appIsBuilt = (folder = APP_FOLDER): boolean => existsSync(join(folder, "index.html"));

export type PageOptions = {
  /** 0: any port that is free. */
  readonly port?: number;
  readonly name?: string;
  readonly timeZone?: string;
  /** What members are called, by id. */
  readonly names?: Readonly<Record<string, string>>;
  readonly folder?: string;
};

/** What the page is served of: a running devnet, or a market that has settled and has no nodes left. */
export type PageSource = Pick<Devnet, "data" | "deployment" | "apiPorts"> & {
  readonly chain: Pick<Devnet["chain"], "url">;
  readonly terms: readonly Pick<Devnet["terms"][number], "scenario">[];
};

export type ServedPage = { readonly url: string; readonly close: () => Promise<void> };

/** Nothing inline, nothing from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** Throws InputError where the port is in use. */
export async function servePage(market: PageSource, options: PageOptions = {}): Promise<ServedPage> {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("content-security-policy", POLICY);
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "no-referrer");
  });
  answersOf(app, market, options);
  filesOf(app, options.folder ?? APP_FOLDER);
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  const port = await listening(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function answersOf(app: Hono, market: PageSource, { name, timeZone, names }: PageOptions): void {
  const { chain, deployment, apiPorts, data } = market;
  const ids = [...apiPorts.keys()];
  app.get("/config.json", (c) =>
    c.json({
      name: name ?? market.terms[0].scenario.name,
      chainId: Number(deployment.chainId),
      rpc: "rpc",
      market: deployment.market,
      block: deployment.block,
      bundles: "bundles",
      terms: "terms",
      node: `nodes/${OPERATOR_ID}`,
      nodes: ids.map((id) => ({ id, url: `nodes/${id}` })),
      names: names ?? {},
      timeZone: timeZone ?? market.terms[0].scenario.timeZone ?? "UTC",
    }),
  );
  app.post("/rpc", async (c) => {
    const body = await c.req.text();
    const headers = { "content-type": "application/json" };
    return passed(c, () => fetch(chain.url, { method: "POST", headers, body }));
  });
  app.get("/bundles/:name{0x[0-9a-f]{64}\\.json}", (c) => file(c, join(bundleFolder(data), c.req.param("name"))));
  const published = termsFiles(data);
  app.get("/terms/:name", (c) => file(c, published.get(c.req.param("name")) ?? ""));
  // What a node shows to anybody; a member's own schedule stays behind its own port.
  const open = new Set(["/health", "/session", "/sessions", "/session/iterations"]);
  app.get("/nodes/:id{\\d+}/:rest{.+}", (c) => {
    const path = `/${c.req.param("rest")}`;
    const port = apiPorts.get(Number(c.req.param("id")));
    if (port === undefined || !open.has(path)) return c.notFound();
    return passed(c, () => fetch(`http://127.0.0.1:${port}${path}`, { signal: c.req.raw.signal }));
  });
}

/** By the name under which each is asked for: the hash that its freeze commits to, and the first of the schedule. */
function termsFiles(data: string): ReadonlyMap<string, string> {
  const files = readdirSync(scheduleFolder(data))
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(scheduleFolder(data), name));
  const named = files.flatMap((path) => {
    const read = parseTerms(new Uint8Array(readFileSync(path)));
    return read.kind === "read" ? [[`${read.hash}.json`, path] as const] : [];
  });
  return new Map([...named, ...(files.length > 0 ? ([["next.json", files[0]]] as const) : [])]);
}

async function passed(c: Context, ask: () => Promise<Response>): Promise<Response> {
  try {
    const answer = await ask();
    return new Response(answer.body && calm(answer.body), {
      status: answer.status,
      headers: {
        "content-type": answer.headers.get("content-type") ?? "application/json",
        "cache-control": "no-store",
      },
    });
  } catch {
    return c.json({ error: "nobody answers behind this page" }, 502);
  }
}

/** What ends before its end, as a stream of events does when either side goes, just ends. */
function calm(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(out) {
      const next = await reader.read().catch(() => undefined);
      if (next === undefined || next.done) out.close();
      else out.enqueue(next.value);
    },
    cancel: () => reader.cancel().catch(() => undefined),
  });
}

function file(c: Context, path: string): Response | Promise<Response> {
  if (!existsSync(path)) return c.notFound();
  return c.body(new Uint8Array(readFileSync(path)), 200, {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
  });
}

/** Every file of the page by its own address: what is not there cannot be asked for. */
function filesOf(app: Hono, folder: string): void {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  for (const name of names)
    if (TYPES[extname(name)] !== undefined) app.get(`/${name}`, (c) => file(c, join(folder, name)));
  app.get("/", (c) => file(c, join(folder, "index.html")));
}

const listening = (server: Server, port: number): Promise<number> =>
  new Promise((listens, taken) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      taken(new InputError(`--page-port ${port}: ${code === "EADDRINUSE" ? "is in use" : `cannot be used (${code})`}`)),
    );
    server.listen(port, "127.0.0.1", () => listens((server.address() as { port: number }).port));
  });
