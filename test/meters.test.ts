import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { connectAsync } from "mqtt";
import { listen, readMessage } from "../offchain-solver/metering/mqtt.ts";
import { Collected } from "../offchain-solver/metering/readings.ts";
import { ReadingsJsonSchema } from "../offchain-solver/records/meterJson.ts";
import { captured } from "./support/commandLine.ts";
import { startMosquitto } from "./support/mosquitto.ts";

const start = Date.parse("2026-07-15T06:00Z") / 1000;
const span = { start, seconds: 3600, periods: 2 };

describe("meters that publish to a broker", function () {
  this.timeout(300_000);
  let broker: Awaited<ReturnType<typeof startMosquitto>>;
  let meter: Awaited<ReturnType<typeof connectAsync>>;
  before(async () => {
    broker = await startMosquitto();
    meter = await connectAsync(broker.url, { clientId: "a-meter" });
  });
  after(async () => {
    await meter?.endAsync();
    await broker?.stop();
  });

  const quarter = (k: number, change: object = {}): Promise<unknown> =>
    meter.publishAsync(
      "street/home",
      JSON.stringify({
        point: "home",
        start: new Date(1000 * (start + 900 * k)).toISOString(),
        seconds: 900,
        importWh: 100 + k,
        exportWh: 0.5,
        ...change,
      }),
      { qos: 1 },
    );

  it("are heard while the listener is there and while it is away, each once however often it is delivered", async () => {
    const collected = new Collected(new Map([["home", 7]]), span);
    let count = 0;
    const wrong: string[] = [];
    const heard = (topic: string, text: string): void => {
      count++;
      const read = readMessage(topic, text);
      if (typeof read === "string") wrong.push(read);
      else for (const interval of read) collected.add(interval);
    };
    const until = async (messages: number): Promise<void> => {
      while (count < messages) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const who = { topic: "street/+", clientId: "a-node" };

    const first = await listen(broker.url, who, { heard });
    for (const k of [0, 1, 2, 2]) await quarter(k);
    await until(4);
    await first.close();
    // Nobody listens now; the broker keeps what comes.
    for (const k of [3, 4, 5, 6]) await quarter(k);
    await meter.publishAsync("street/home", "no reading", { qos: 1 });
    const second = await listen(broker.url, who, { heard });
    await quarter(7, { quality: "estimated" });
    await until(10);
    await second.close();

    expect(wrong).to.deep.equal(['street/home: is no JSON: "no reading"']);
    expect(collected.notes).to.deep.equal([]);
    // 100 + .. + 103 Wh drawn and 2 fed in; 104 + .. + 107 and 2.
    expect(collected.readings().map(({ meteredWh, quality }) => [meteredWh, quality])).to.deep.equal([
      [-404, "measured"],
      [-420, "estimated"],
    ]);
  });

  it("are refused with one message where no broker answers", async () => {
    const away = await listen("mqtt://127.0.0.1:9", { topic: "#", clientId: "a" }, { heard: () => {} }).then(
      () => "",
      (error: Error) => `${error.name}: ${error.message}`,
    );
    expect(away).to.match(/^InputError: mqtt:\/\/127\.0\.0\.1:9: no broker answers/);
  });
});

describe("gridpact meter", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "gridpact-meter-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const points = file("points.csv", "point,prosumer,generation\nhome,7,no\nroof,7,yes\n");
  const span = ["--points", points, "--from", "2026-07-15T08:00+02:00", "--hours", "1", "--minutes", "15"];
  const gridpact = (...args: string[]) => captured("meter", ...args);

  it("makes readings of a portal's tables", async () => {
    const table = (name: string, register: string): string =>
      file(
        name,
        [`Time,${register} [Wh]`, ...[0, 15, 30, 45].map((m) => `2026-07-15 08:${m || "00"},${m}`)].join("\n"),
      );
    const files = [table("home.csv", "Import"), table("roof.csv", "Export")];
    const zone = ["--zone", "Europe/Vienna"];
    const { code, stdout: out, stderr } = await gridpact("read", ...files, ...span, ...zone, "--json", "-");
    expect(code, stderr).to.equal(0);
    const { readings, notes } = ReadingsJsonSchema.parse(JSON.parse(out));
    expect(notes).to.deep.equal([]);
    expect(readings.map(({ meteredWh, start: at }) => [meteredWh, at - start])).to.deep.equal(
      [0, 900, 1800, 2700].map((at) => [0, at]),
    );
    const wrong = await gridpact("read", ...files, ...span, "--zone", "Vienna");
    expect(wrong).to.include({ code: 2 }).and.property("stderr").contains("--zone Vienna: is no time zone");
  });

  it("listens until every period is there", async () => {
    const broker = await startMosquitto();
    try {
      const options = ["--broker", broker.url, "--topic", "m/#", "--wait", "20", "--json", "-"];
      const listening = gridpact("listen", ...span, ...options);
      const meter = await connectAsync(broker.url);
      const at = (k: number): string => new Date(1000 * (start + 900 * k)).toISOString();
      const say = async (point: string, k: number, count: object): Promise<unknown> =>
        meter.publishAsync(`m/${point}`, JSON.stringify({ point, start: at(k), seconds: 900, ...count }), { qos: 1 });
      // The same again until somebody listens: an interval counts once. One round ends before the next begins.
      let heard = false;
      const saying = (async () => {
        for (; !heard; await sleep(100))
          for (const k of [0, 1, 2, 3]) {
            await say("home", k, { importWh: 10 });
            await say("roof", k, { exportWh: 4 });
          }
      })();
      const { code, stdout: out, stderr } = await listening;
      heard = true;
      await saying;
      await meter.endAsync();
      expect(code, stderr).to.equal(0);
      const { readings } = ReadingsJsonSchema.parse(JSON.parse(out));
      expect(readings.map(({ meteredWh, quality }) => [meteredWh, quality])).to.deep.equal(
        Array.from({ length: 4 }, () => [-6, "measured"]),
      );
    } finally {
      await broker.stop();
    }
  });

  it("reads a year of quarter-hours of 15 homes", async () => {
    const homes = Array.from({ length: 15 }, (_, k) => `H${k}`);
    const whose = file(
      "homes.csv",
      ["point,prosumer,generation", ...homes.map((h, k) => `${h},${k + 1},no`)].join("\n"),
    );
    const row = (_: unknown, k: number): string =>
      `${new Date(1000 * (start + 900 * k)).toISOString()}${homes.map(() => `,.${k % 7}`).join("")}`;
    const table = [["Time", ...homes.map((h) => `${h} [kWh]`)].join(","), ...Array.from({ length: 35_040 }, row)];
    const args = ["--points", whose, "--from", "2026-07-15T06:00Z", "--hours", "1", "--json", "-"];
    const { code, stdout: out, stderr } = await gridpact("read", file("load.csv", table.join("\n")), ...args);
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(out).readings.map((one: { meteredWh: number }) => one.meteredWh)).to.deep.equal(
      homes.map(() => -600),
    );
  });

  it("ends with 2, and writes nothing, where nothing of these points and periods was read", async () => {
    const table = file("home.csv", "Time,Import [kWh]\n2026-07-14 08:00,1\n2026-07-14 09:00,1");
    const { code, stdout: out, stderr } = await gridpact("read", table, ...span, "--json", "-");
    expect({ code, out }).to.deep.equal({ code: 2, out: "" });
    expect(stderr).to.contain(`${table}: has no value of home, roof in the 1 hours from 2026-07-15T08:00+02:00`);
  });

  it("listens to the message of the guide, and says of whom all messages were refused", async () => {
    const guide = readFileSync(new URL("../docs/guide/meters.md", import.meta.url), "utf8");
    const example = JSON.parse(/\*\*A message\*\* is `(\{[^`]*\})`/.exec(guide)![1]) as Record<string, unknown>;
    expect(readMessage("m/home", JSON.stringify(example)))
      .to.be.an("array")
      .with.length(3);
    const broker = await startMosquitto();
    const meter = await connectAsync(broker.url);
    const heard = async (clientId: string, messages: readonly object[]) => {
      const options = ["--broker", broker.url, "--topic", "m/#", "--wait", "2", "--client-id", clientId, "--json", "-"];
      const listening = gridpact("listen", ...span, "--hours", "1", "--minutes", "15", ...options);
      await sleep(1000);
      for (const one of messages) await meter.publishAsync("m/1", JSON.stringify(one), { qos: 1 });
      return listening;
    };
    try {
      const bad = { ...example, importWh: -5 };
      const nothing = await heard("first", [bad, { ...example, kWh: 3 }]);
      expect({ code: nothing.code, out: nothing.stdout }).to.deep.equal({ code: 2, out: "" });
      expect(nothing.stderr).to.contain("m/1: importWh = -5: ").and.contain("m/1: kWh = 3: unknown; known: point,");
      expect(nothing.stderr).to.contain("has no value of home, roof").and.contain("(and 1 more)");
      const some = await heard("second", [bad, { ...example, point: "roof", importWh: undefined }]);
      expect(some.code, some.stderr).to.equal(0);
      expect(some.stderr).to.contain("home: all of its messages, 1, were refused: m/1: importWh = -5: ");
      const { readings, notes } = ReadingsJsonSchema.parse(JSON.parse(some.stdout));
      expect(new Set(readings.map(({ quality }) => quality))).to.deep.equal(new Set(["missing"]));
      expect(notes.join("\n")).to.contain("prosumer 7: metering point home has no value: every period is missing");
    } finally {
      await meter.endAsync();
      await broker.stop();
    }
  });

  it("refuses a bad table of points by line and column", async () => {
    const bad = file("bad.csv", "point,prosumer,generation\nhome,7,no\nhome,8,no\n");
    const twice = await gridpact("read", points, ...span, "--points", bad);
    expect(twice).to.include({ code: 2 }).and.property("stderr").contains('line 3: point = "home": is here already');
  });
});
