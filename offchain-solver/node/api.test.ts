import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { createApi, serveApi, type ApiSources } from "./api.ts";

/** What the API asks of a node that has seen no session. */
const sources = (watchers: Set<() => void>): ApiSources => ({
  party: { chainAway: false, head: undefined, seen: undefined, member: undefined } as unknown as ApiSources["party"],
  id: 7,
  records: { sessions: [], readOwn: () => undefined, readBundle: () => undefined } as unknown as ApiSources["records"],
  journal: { commitments: [] } as unknown as ApiSources["journal"],
  metrics: { text: () => Promise.resolve(""), type: "text/plain" } as unknown as ApiSources["metrics"],
  watch(changed) {
    watchers.add(changed);
    return () => watchers.delete(changed);
  },
});

describe("a node's API", () => {
  const watchers = new Set<() => void>();
  let port: number;
  let close: () => void;
  before(async () => {
    const server = await serveApi(createApi(sources(watchers)), { host: "127.0.0.1", port: 0 });
    ({ port } = server.address() as AddressInfo);
    close = () => (server.closeAllConnections(), server.close());
  });
  after(() => close());

  const ask = async (path: string, method = "GET", headers = {}): Promise<IncomingMessage> => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    return answer;
  };

  it("keeps nothing open for whoever asks without wanting the answer", async () => {
    for (let k = 0; k < 50; k++) {
      const answer = await ask("/session/iterations", "HEAD");
      expect([answer.statusCode, answer.headers["content-type"]]).to.deep.equal([200, "text/event-stream"]);
      answer.destroy();
    }
    expect(watchers.size).to.equal(0);
    const reading = await ask("/session/iterations");
    await once(reading, "data");
    expect(watchers.size).to.equal(1);
    reading.destroy();
    for (const end = performance.now() + 10_000; watchers.size > 0 && performance.now() < end;)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(watchers.size).to.equal(0);
  });

  it("streams to so many readers, and turns more away", async () => {
    const readers: IncomingMessage[] = [];
    for (let k = 0; k < 40; k++) readers.push(await ask("/session/iterations"));
    expect(new Set(readers.map(({ statusCode }) => statusCode))).to.deep.equal(new Set([200, 503]));
    expect(readers.filter(({ statusCode }) => statusCode === 200)).to.have.length(32);
    expect((await ask("/health")).statusCode).to.equal(200);
    for (const reader of readers) reader.destroy();
  });

  it("answers nobody who asks by another machine's name", async () => {
    const by = async (host: string): Promise<number | undefined> => (await ask("/health", "GET", { host })).statusCode;
    expect(await by("evil.example")).to.equal(403);
    expect(await by(`evil.example:${port}`)).to.equal(403);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, "10.1.2.3:9100"])
      expect(await by(host), host).to.equal(200);
  });

  it("says in a line what is wrong with a parameter, and describes all that it answers", async () => {
    const answer = await ask("/sessions/x/own");
    expect(answer.statusCode).to.equal(400);
    const [body] = (await once(answer.setEncoding("utf8"), "data")) as [string];
    expect(JSON.parse(body))
      .to.have.property("error")
      .that.matches(/^ordinal: /);
    const [described] = (await once((await ask("/openapi.json")).setEncoding("utf8"), "data")) as [string];
    expect(Object.keys((JSON.parse(described) as { paths: object }).paths)).to.include.members([
      "/health",
      "/metrics",
      "/session/iterations",
    ]);
  });
});
