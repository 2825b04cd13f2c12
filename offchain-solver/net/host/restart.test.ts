import { expect } from "chai";
import { openOne, peerOf, until, type Open } from "../../../test/support/openHosts.ts";
import { openTls, type TlsAddress } from "../tls/openTls.ts";

const QUICK = { firstPauseMs: 10, longestPauseMs: 50, lingerMs: 500 };
const open: Open<TlsAddress> = (options) => openTls({ ...options, listen: { host: "127.0.0.1", port: 0 } });

describe("a host that is started again", () => {
  for (const [title, lasting, passing] of [
    ["that dials", 5, 0],
    ["that is dialled", 0, 5],
  ] as const)
    it(`${title} is sent what its former life had not heard, and is heard from its first word`, async () => {
      const got: number[] = [];
      const stays = await openOne(open, [lasting], { timing: QUICK });
      const link = stays.host.join(lasting, {
        message: (_, [first]) => void got.push(first),
        timeout: () => undefined,
      });
      const start = async () => {
        const one = await openOne(open, [passing], { timing: QUICK });
        const heard: number[] = [];
        const own = one.host.join(passing, {
          message: (_, [first]) => void heard.push(first),
          timeout: () => undefined,
        });
        stays.host.setPeers([peerOf(one)]);
        one.host.setPeers([peerOf(stays)]);
        return { ...one, heard, link: own };
      };
      const first = await start();
      for (let k = 0; k < 5; k++) link.send(passing, Uint8Array.of(k));
      for (let k = 0; k < 3; k++) first.link.send(lasting, Uint8Array.of(100 + k));
      await until(() => first.heard.length === 5 && got.length === 3 && stays.host.underWay() === 0, "the first talk");
      await first.host.close();
      for (let k = 5; k < 9; k++) link.send(passing, Uint8Array.of(k));
      const second = await start();
      second.link.send(lasting, Uint8Array.of(200));
      await until(() => second.heard.length >= 4 && got.length >= 4 && stays.host.underWay() === 0, "the second talk");
      expect([first.heard, second.heard, got]).to.deep.equal([
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8],
        [100, 101, 102, 200],
      ]);
      await Promise.all([second.host.close(), stays.host.close()]);
    });

  it("is told from a key that two processes use at once: that is dropped, and named, by whom both reach", async () => {
    const stays = await openOne(open, [5], { timing: QUICK });
    stays.host.join(5, { message: () => undefined, timeout: () => undefined });
    const twins = [await openOne(open, [0], { timing: QUICK }), await openOne(open, [0], { timing: QUICK })];
    for (const twin of twins) {
      stays.host.setPeers([peerOf(twin)]);
      twin.host.setPeers([peerOf(stays)]);
    }
    const dropped = () => stays.events.filter(({ kind }) => kind === "dropped");
    await until(() => dropped().length > 0, "a drop");
    expect(dropped()).to.deep.equal([
      { kind: "dropped", host: 0, reason: "two processes use its key at once, and take each other's place" },
    ]);
    await Promise.all([...twins, stays].map(({ host }) => host.close()));
  });
});
