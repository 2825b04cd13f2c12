/** JSON-RPC over HTTP to an endpoint that nobody trusts: it may limit rates, refuse batches, answer HTML or nothing. */
import { foreignJson } from "../codec/foreign.ts";
import { boundedBody } from "./boundedBody.ts";

/** Something that answers JSON-RPC calls; `name` is what a reader is told of it. */
export type Endpoint = {
  readonly name: string;
  readonly request: (method: string, params: readonly unknown[]) => Promise<unknown>;
};

/** What an endpoint did not answer, or not as it should; `code` is JSON-RPC's, where it refused the call itself. */
export class EndpointFault extends Error {
  readonly code: number | undefined;
  constructor(endpoint: string, what: string, code?: number) {
    super(`${endpoint}: ${what}`);
    this.name = "EndpointFault";
    this.code = code;
  }
}

export type HttpOptions = {
  /** Most calls in one request, to begin with; what an endpoint refuses is found out. */
  readonly batch?: number;
  /** How often a request is made before it is given up. */
  readonly tries?: number;
  /** ms that one request may take. */
  readonly timeoutMs?: number;
  readonly sleep?: (ms: number) => Promise<void>;
};

const DEFAULTS = {
  batch: 32,
  tries: 6,
  timeoutMs: 30_000,
  sleep: (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms)),
};
/** Brackets of a trace: two a call, which nest at most 1024 deep, and some around them. */
const DEEPEST_TRACE = 2 * 1024 + 64;
/** ms waited after the first failure; doubled after each. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 20_000;

/** How nodes and their hosts say that they are asked too often: there is no one code for it. */
const RATE = /too many requests|rate.?limit|rate exceeded|throttl|per second|compute units|capacity exceeded|\b429\b/i;

type Pending = {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  tries: number;
};
type Answer = { readonly result?: unknown; readonly error?: { readonly code?: unknown; readonly message?: unknown } };
/** What came back of one request: answers in the order of the calls, or why none did. */
type Reply =
  | { readonly kind: "answers"; readonly answers: readonly (Answer | undefined)[] }
  | { readonly kind: "later"; readonly waitMs: number | undefined; readonly why: string }
  | { readonly kind: "noBatch"; readonly why: string };

/** An endpoint at a URL. Calls that are made at once go out together, as many as it takes. */
export function httpEndpoint(url: string, options: HttpOptions = {}): Endpoint {
  const name = nameOf(url);
  const queue = new CallQueue(url, name, { ...DEFAULTS, ...options });
  return { name, request: (method, params) => queue.request(method, params) };
}

/** Calls that wait for their turn, and how many go into one request: what the endpoint refuses is found out. */
class CallQueue {
  readonly #url: string;
  readonly #name: string;
  readonly #options: Required<HttpOptions>;
  #most: number;
  #nextId = 1;
  #waiting: Pending[] = [];
  #running = false;

  constructor(url: string, name: string, options: Required<HttpOptions>) {
    [this.#url, this.#name, this.#options, this.#most] = [url, name, options, options.batch];
  }

  request(method: string, params: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ method, params, resolve, reject, tries: 0 });
      if (this.#running) return;
      this.#running = true;
      // Whatever is asked in the same turn goes out together.
      queueMicrotask(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (this.#waiting.length > 0) {
      const calls = this.#waiting.splice(0, this.#most);
      const reply = await this.#post(calls);
      if (reply.kind === "noBatch" && calls.length > 1) {
        this.#most = Math.max(1, Math.floor(calls.length / 4));
        this.#waiting = [...calls, ...this.#waiting];
        continue;
      }
      const again = this.#answer(calls, reply);
      this.#waiting = [...again, ...this.#waiting];
      failures = again.length > 0 ? failures + 1 : 0;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
      if (again.length > 0) await this.#options.sleep((reply.kind === "later" ? reply.waitMs : undefined) ?? wait);
    }
    this.#running = false;
  }

  async #post(calls: readonly Pending[]): Promise<Reply> {
    const ids = calls.map(() => this.#nextId++);
    const bodies = calls.map(({ method, params }, k) => ({ jsonrpc: "2.0", id: ids[k], method, params }));
    let text: string;
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(bodies.length === 1 ? bodies[0] : bodies),
        signal: AbortSignal.timeout(this.#options.timeoutMs),
      });
      text = new TextDecoder().decode(await boundedBody(response));
      if (response.status === 429 || response.status >= 500)
        return { kind: "later", waitMs: retryAfter(response), why: `HTTP ${response.status}` };
    } catch (error) {
      if (error instanceof RangeError) return { kind: "noBatch", why: error.message };
      return { kind: "later", waitMs: undefined, why: `no answer (${causeOf(error)})` };
    }
    return readReply(text, ids);
  }

  /** Tells whoever asked; returns the calls that are made once more. */
  #answer(calls: readonly Pending[], reply: Reply): Pending[] {
    return calls.filter((call, k) => {
      if (reply.kind !== "answers") return this.#failed(call, reply.why);
      const answer = reply.answers[k];
      if (answer === undefined) return this.#failed(call, "no answer to this call");
      if (answer.error === undefined) call.resolve(answer.result);
      else {
        const { code, message } = errorOf(answer.error);
        if (RATE.test(message)) return this.#failed(call, message);
        call.reject(new EndpointFault(this.#name, `${call.method}: ${message}`, code));
      }
      return false;
    });
  }

  /** Whether it is tried again. */
  #failed(call: Pending, why: string): boolean {
    call.tries++;
    if (call.tries < this.#options.tries) return true;
    call.reject(new EndpointFault(this.#name, `${call.method}: ${why}`));
    return false;
  }
}

/** Without what a provider's URL may hold of somebody's: user, password, path and query often are keys. */
function nameOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url : `${parsed.protocol}//${parsed.host}`;
}

function readReply(text: string, ids: readonly number[]): Reply {
  const json = foreignJson(text, DEEPEST_TRACE);
  if (json === undefined) {
    const why = `answers no JSON but ${JSON.stringify(text.slice(0, 40))}`;
    return ids.length > 1 ? { kind: "noBatch", why } : { kind: "later", waitMs: undefined, why };
  }
  const { value: parsed } = json;
  if (ids.length === 1) {
    const answer: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    const whole = isAnswer(answer) && (answer.error !== undefined || Reflect.get(answer, "id") === ids[0]);
    return { kind: "answers", answers: [whole ? answer : undefined] };
  }
  if (!Array.isArray(parsed)) {
    const { message } = errorOf(isAnswer(parsed) ? parsed.error : undefined);
    return RATE.test(message)
      ? { kind: "later", waitMs: undefined, why: message }
      : { kind: "noBatch", why: `refuses batches (${message})` };
  }
  const byId = new Map(parsed.filter(isAnswer).map((answer) => [Reflect.get(answer, "id"), answer]));
  const answers = ids.map((id) => byId.get(id));
  return answers.every((answer) => answer === undefined)
    ? { kind: "noBatch", why: "answers no call of a batch" }
    : { kind: "answers", answers };
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === "object" && value !== null && ("result" in value || "error" in value);
}

function errorOf(error: unknown): { readonly code: number | undefined; readonly message: string } {
  if (typeof error !== "object" || error === null) return { code: undefined, message: String(error ?? "no reason") };
  const [code, message] = [Reflect.get(error, "code"), Reflect.get(error, "message")];
  return { code: typeof code === "number" ? code : undefined, message: String(message ?? "no reason").slice(0, 200) };
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return seconds > 0 ? Math.min(LONGEST_WAIT_MS, 1000 * seconds) : undefined;
}

function causeOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: unknown; message?: unknown }; message?: unknown };
  return String(cause?.code ?? cause?.message ?? message ?? error);
}

type Sender = { readonly send: (method: string, params: unknown[]) => Promise<unknown> };
const sends = (provider: object): provider is Sender => typeof Reflect.get(provider, "send") === "function";

/** A network in this process, or a wallet's: anything with `send` of JSON-RPC, as ethers' providers have it. */
export function endpointOf(provider: object, name = "the chain"): Endpoint {
  if (!sends(provider)) throw new TypeError(`${name} takes no JSON-RPC`);
  return {
    name,
    async request(method, params) {
      try {
        return await provider.send(method, [...params]);
      } catch (error) {
        const { code, message } = errorOf(error);
        throw new EndpointFault(name, `${method}: ${message}`, code);
      }
    },
  };
}
