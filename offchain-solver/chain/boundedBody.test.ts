import { expect } from "chai";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { bundlesAt } from "../auditor/bundles.ts";
import { boundedBody } from "./boundedBody.ts";
import { EndpointFault, httpEndpoint } from "./endpoint.ts";

describe("an answer that does not end", () => {
  /** Sends until nobody reads on; what it sent, bytes, once the connection is gone. */
  async function endless(ask: (url: string) => Promise<void>): Promise<number> {
    let sent = 0;
    let gone: () => void;
    const over = new Promise<void>((done) => (gone = done));
    const piece = Buffer.alloc(2 ** 20, 0x20);
    const server = createServer((_, answer) => {
      const more = (): void => {
        if (answer.destroyed) return;
        sent += piece.length;
        if (answer.write(piece)) setImmediate(more);
        else answer.once("drain", more);
      };
      answer.on("close", () => gone());
      answer.writeHead(200, { "content-type": "application/json" });
      more();
    });
    await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
    await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await over;
    server.close();
    return sent;
  }

  it("is read no further than its bound", async () => {
    const sent = await endless(async (url) => {
      const error = await boundedBody(await fetch(url), 3 * 2 ** 20).catch((one: unknown) => one);
      expect(error).to.be.instanceOf(RangeError);
    });
    expect(sent).to.be.lessThan(64 * 2 ** 20);
  });

  it("is a fault of the endpoint", async () => {
    await endless(async (url) => {
      const asked = httpEndpoint(url, { tries: 1 }).request("eth_blockNumber", []);
      const error = await asked.catch((one: unknown) => one);
      expect(error).to.be.instanceOf(EndpointFault);
      expect((error as Error).message).to.contain("more than 67108864 bytes");
    });
  });

  it("is no bundle", async () => {
    await endless(async (url) => {
      expect(await bundlesAt(url)(`0x${"ab".repeat(32)}`)).to.equal(undefined);
    });
  });

  it("is whole where it ends in time", async () => {
    const text = "ein Haus am Bach ".repeat(1000);
    expect(new TextDecoder().decode(await boundedBody(new Response(text)))).to.equal(text);
    expect((await boundedBody(new Response(null))).length).to.equal(0);
  });
});
