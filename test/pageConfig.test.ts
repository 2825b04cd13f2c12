import { expect } from "chai";
import { configIn } from "../app/src/configFile.ts";

const BASE = "https://street.example/page/";
const GIVEN = {
  chainId: 5,
  rpc: "rpc",
  market: "0x12",
  bundles: "b",
  terms: "https://elsewhere.example/t",
  timeZone: "Europe/Vienna",
};
const read = (more: object = {}) => configIn(JSON.stringify({ ...GIVEN, ...more }), BASE);

describe("what the host says of its market", () => {
  it("is taken with addresses beside the page", () => {
    const nodes = [{ id: 1, url: "nodes/1" }];
    expect(read({ name: "Elm street", block: 7, nodes, node: "nodes/1", names: { 1: "Library" } })).to.deep.equal({
      name: "Elm street",
      chainId: 5,
      rpc: `${BASE}rpc`,
      market: "0x12",
      block: 7,
      bundles: `${BASE}b`,
      terms: "https://elsewhere.example/t",
      node: `${BASE}nodes/1`,
      nodes: [{ id: 1, url: `${BASE}nodes/1` }],
      names: { 1: "Library" },
      timeZone: "Europe/Vienna",
    });
  });

  it("is told in words where the page cannot do with it", () => {
    for (const file of ["<html>no</html>", ""]) expect(() => configIn(file, BASE)).to.throw("config.json: is no JSON");
    for (const file of ["null", "[]", "5", "{}"])
      expect(() => configIn(file, BASE)).to.throw("config.json: rpc is missing");
    expect(() => read({ rpc: "http://[bad" })).to.throw("config.json: rpc is no address");
    expect(() => read({ nodes: [null] })).to.throw("config.json: nodes is no list");
    expect(() => read({ chainId: "5" })).to.throw("config.json: chainId is no whole number");
  });

  it("tells times by UTC where it names no zone, never by the browser's own", () => {
    for (const timeZone of [undefined, null, 5, "", "Mars/Base"]) expect(read({ timeZone }).timeZone).to.equal("UTC");
  });

  it("has names of members, and nothing else that is called one", () => {
    for (const names of [null, "x", [1]]) expect(read({ names }).names).to.deep.equal({});
  });
});
