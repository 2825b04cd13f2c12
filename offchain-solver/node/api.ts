/**
 * What a node shows on 127.0.0.1, read only: health, Prometheus metrics, the session that is open, its iterations as
 * they come, its own bill, bundles by their hash. Its description is at /openapi.json.
 */
import { createAdaptorServer } from "@hono/node-server";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Server } from "node:http";
import { isIP } from "node:net";
import { InputError } from "../io/inputError.ts";
import type { Journal } from "./journal/journal.ts";
import type { Metrics } from "./metrics.ts";
import type { Party } from "./party.ts";
import type { Records } from "./records.ts";

export type ApiSources = {
  readonly party: Party;
  readonly id: number;
  readonly records: Records;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** Calls back whenever something has changed; returns how to end that. */
  readonly watch: (changed: () => void) => () => void;
};

const HealthSchema = z
  .object({ status: z.enum(["ok", "chain away"]), party: z.int(), block: z.int().optional(), journal: z.int() })
  .openapi("Health");
const SessionSchema = z
  .object({
    ordinal: z.int(),
    session: z.string(),
    outcome: z.enum(["open", "settled", "cancelled", "void"]),
    stage: z.string(),
    attempt: z.int(),
    iteration: z.int(),
    primal: z.number().optional(),
    dual: z.number().optional(),
    refusal: z.string().optional(),
  })
  .openapi("Session");
const EndedSchema = z
  .object({
    ordinal: z.int(),
    outcome: z.string(),
    batch: z.string().optional(),
    attempts: z.int(),
    iterations: z.int(),
    refusal: z.string().optional(),
  })
  .openapi("EndedSession");
const OwnSchema = z.record(z.string(), z.any()).openapi("OwnSession");
const ErrorSchema = z.object({ error: z.string() }).openapi("Error");

/** Owners' browsers and scrapers are few: more readers of iterations, and more connections, are turned away. */
const MOST_STREAMS = 32;
const MOST_CONNECTIONS = 128;
/** A request is read within this time. */
const REQUEST_MS = 10_000;

const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { "application/json": { schema } },
});
const missing = { 404: json(ErrorSchema, "there is none") };
const illFormed = { 400: json(ErrorSchema, "a parameter is none") };
const text = (type: string, description: string) => ({ description, content: { [type]: { schema: z.string() } } });

const ROUTES = {
  health: createRoute({ method: "get", path: "/health", responses: { 200: json(HealthSchema, "the node runs") } }),
  session: createRoute({
    method: "get",
    path: "/session",
    responses: { 200: json(SessionSchema, "the newest session"), ...missing },
  }),
  sessions: createRoute({
    method: "get",
    path: "/sessions",
    responses: { 200: json(z.array(EndedSchema), "sessions whose end this process has seen, oldest first") },
  }),
  own: createRoute({
    method: "get",
    path: "/sessions/{ordinal}/own",
    request: { params: z.object({ ordinal: z.coerce.number().int().nonnegative() }) },
    responses: {
      200: json(OwnSchema, "its owner's schedule, cost and payment; nobody else has it"),
      ...illFormed,
      ...missing,
    },
  }),
  bundle: createRoute({
    method: "get",
    path: "/bundles/{name}",
    request: { params: z.object({ name: z.string().regex(/^0x[0-9a-f]{64}\.json$/) }) },
    responses: { 200: json(z.any(), "what hashes to this name"), ...missing },
  }),
  metrics: createRoute({
    method: "get",
    path: "/metrics",
    responses: { 200: text("text/plain", "for Prometheus") },
  }),
  iterations: createRoute({
    method: "get",
    path: "/session/iterations",
    responses: {
      200: text("text/event-stream", "the newest session, as /session has it, whenever something of it changes"),
      503: json(ErrorSchema, "too many read already"),
    },
  }),
};

/** `named`: the name, if it has one, of the machine that it listens on. */
export function createApi(sources: ApiSources, named = "localhost"): OpenAPIHono {
  const { party, id, records, journal, metrics } = sources;
  const app = new OpenAPIHono({
    defaultHook(result, c) {
      if (result.success) return undefined;
      const [{ path, message }] = result.error.issues;
      return c.json({ error: `${path.join(".")}: ${message}` }, 400);
    },
  });
  // A page of somewhere else that has its name resolve to this machine asks by that name.
  app.use(async (c, next) => {
    const host = c.req.header("host");
    if (isNamed(host, named)) return c.json({ error: `host ${host}: ask by an address, or as localhost` }, 403);
    return next();
  });
  app.openapi(ROUTES.health, (c) =>
    c.json(
      {
        status: party.chainAway ? ("chain away" as const) : ("ok" as const),
        party: id,
        ...(party.head && { block: party.head.number }),
        journal: journal.commitments.length,
      },
      200,
    ),
  );
  app.openapi(ROUTES.session, (c) => {
    const now = sessionOf(party);
    return now === undefined ? c.json({ error: "no session has been frozen" }, 404) : c.json(now, 200);
  });
  app.openapi(ROUTES.sessions, (c) => c.json([...records.sessions], 200));
  app.openapi(ROUTES.own, (c) => {
    const own = records.readOwn(c.req.valid("param").ordinal);
    return own === undefined ? c.json({ error: "nothing of its own is kept of this session" }, 404) : c.json(own, 200);
  });
  // As bytes: they must hash to their name.
  app.openAPIRegistry.registerPath(ROUTES.bundle);
  app.get("/bundles/:name", (c) => {
    const hash = /^(0x[0-9a-f]{64})\.json$/.exec(c.req.param("name"))?.[1];
    const text = hash === undefined ? undefined : records.readBundle(hash);
    if (text === undefined) return c.json({ error: "no bundle of this hash is here" }, 404);
    return c.body(text, 200, { "content-type": "application/json", "cache-control": "immutable, max-age=31536000" });
  });
  app.openAPIRegistry.registerPath(ROUTES.metrics);
  app.get("/metrics", async (c) => c.body(await metrics.text(), 200, { "content-type": metrics.type }));
  app.openAPIRegistry.registerPath(ROUTES.iterations);
  app.get("/session/iterations", iterationsOf(sources));
  app.doc("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "gridpact node",
      version: "1",
      description: "What a node shows its owner, and auditors: read only.",
    },
  });
  return app;
}

/** The newest session as server-sent events, to so many readers at once. */
function iterationsOf({ party, watch }: ApiSources): (c: Context) => Response {
  let streams = 0;
  return (c) => {
    // Of an answer to HEAD nobody reads the body: its stream would never end.
    if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream" });
    if (streams >= MOST_STREAMS) return c.json({ error: `${MOST_STREAMS} read already` }, 503);
    streams++;
    return streamSSE(c, async (stream) => {
      let wake = (): void => undefined;
      const end = watch(() => wake());
      stream.onAbort(() => {
        end();
        wake();
      });
      try {
        for (let last = ""; !stream.aborted && !stream.closed;) {
          const now = JSON.stringify(sessionOf(party) ?? null);
          if (now !== last) await stream.writeSSE({ event: "session", data: now });
          last = now;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        streams--;
        end();
      }
    });
  };
}

/** Whether a Host header is a name, and not this machine's own. */
function isNamed(host: string | undefined, named: string): boolean {
  const name = host?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "") ?? "";
  return name !== "" && isIP(name) === 0 && name !== "localhost" && name !== named;
}

function sessionOf({ seen, member }: Party) {
  if (seen === undefined) return undefined;
  return {
    ordinal: Number(seen.terms.ordinal),
    session: seen.session,
    outcome: seen.outcome.kind,
    stage: member?.stage ?? "over",
    attempt: member?.attempt ?? 0,
    ...(member?.progress ?? { iteration: 0 }),
    ...(member?.refusal !== undefined && { refusal: member.refusal }),
  };
}

/** Listens; throws InputError where the port is in use. */
export function serveApi(app: OpenAPIHono, { host, port }: { host: string; port: number }): Promise<Server> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.maxConnections = MOST_CONNECTIONS;
  [server.headersTimeout, server.requestTimeout] = [REQUEST_MS, REQUEST_MS];
  return new Promise((listens, taken) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      taken(new InputError(`api.port = ${port}: ${code === "EADDRINUSE" ? "is in use" : `cannot be used (${code})`}`)),
    );
    server.listen(port, host, () => listens(server));
  });
}
