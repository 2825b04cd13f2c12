/**
 * What a node shows on 127.0.0.1, read only: health, Prometheus metrics, the session that is open, its iterations as
 * they come, its own bill, bundles by their hash. Its description is at /openapi.json.
 */
import { createAdaptorServer } from "@hono/node-server";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import type { Server } from "node:http";
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

const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { "application/json": { schema } },
});
const missing = { 404: json(ErrorSchema, "there is none") };

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
    responses: { 200: json(OwnSchema, "its owner's schedule, cost and payment; nobody else has it"), ...missing },
  }),
  bundle: createRoute({
    method: "get",
    path: "/bundles/{name}",
    request: { params: z.object({ name: z.string().regex(/^0x[0-9a-f]{64}\.json$/) }) },
    responses: { 200: json(z.any(), "what hashes to this name"), ...missing },
  }),
};

export function createApi(sources: ApiSources): OpenAPIHono {
  const { party, id, records, journal, metrics } = sources;
  const app = new OpenAPIHono();
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
  app.get("/metrics", async (c) => c.body(await metrics.text(), 200, { "content-type": metrics.type }));
  app.get("/session/iterations", (c) =>
    streamSSE(c, async (stream) => {
      let wake = (): void => undefined;
      const end = sources.watch(() => wake());
      stream.onAbort(() => {
        end();
        wake();
      });
      for (let last = ""; !stream.aborted && !stream.closed;) {
        const now = JSON.stringify(sessionOf(party) ?? null);
        if (now !== last) await stream.writeSSE({ event: "session", data: now });
        last = now;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      end();
    }),
  );
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
  return new Promise((listens, taken) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      taken(new InputError(`api.port = ${port}: ${code === "EADDRINUSE" ? "is in use" : `cannot be used (${code})`}`)),
    );
    server.listen(port, host, () => listens(server));
  });
}
