import { expect } from "chai";
import { topologyOf } from "../topology.ts";
import { importPandapower, PandapowerError } from "./pandapower.ts";

type Frame = { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] };

/** A network as pandapower.to_json writes it. */
function written(tables: Readonly<Record<string, Frame>>): string {
  const frames = Object.entries(tables).map(([name, { columns, rows }]) => [
    name,
    {
      _module: "pandas.core.frame",
      _class: "DataFrame",
      _object: JSON.stringify({ columns, index: rows.map((_, k) => k), data: rows }),
      orient: "split",
    },
  ]);
  return JSON.stringify({
    _module: "pandapower.auxiliary",
    _class: "pandapowerNet",
    _object: { name: "Dorfstrasse", sn_mva: 1, f_hz: 50, ...Object.fromEntries(frames) },
  });
}

const LINE = [
  "from_bus",
  "to_bus",
  "length_km",
  "r_ohm_per_km",
  "x_ohm_per_km",
  "c_nf_per_km",
  "max_i_ka",
  "in_service",
];
const TRAFO = [
  "hv_bus",
  "lv_bus",
  "sn_mva",
  "vn_hv_kv",
  "vn_lv_kv",
  "vk_percent",
  "vkr_percent",
  "tap_pos",
  "tap_neutral",
  "tap_step_percent",
  "tap_side",
  "in_service",
];
const SOUND: Record<string, Frame> = {
  bus: {
    columns: ["name", "vn_kv", "in_service"],
    rows: [
      ["grid", 20, true],
      ["busbar", 0.4, true],
      ["house 1", 0.4, true],
      ["house 2", 0.4, true],
    ],
  },
  ext_grid: { columns: ["bus", "vm_pu", "in_service"], rows: [[0, 1.02, true]] },
  trafo: { columns: TRAFO, rows: [[0, 1, 0.25, 20, 0.4, 6, 1.44, 2, 0, 2.5, "hv", true]] },
  // The second line was drawn towards the busbar.
  line: {
    columns: LINE,
    rows: [
      [1, 2, 0.1, 0.208, 0.08, 260, 0.27, true],
      [3, 1, 0.05, 0.208, 0.08, 260, 0.27, true],
    ],
  },
  load: {
    columns: ["bus", "p_mw", "q_mvar", "scaling", "in_service"],
    rows: [
      [2, 0.004, 0.001, 0.5, true],
      [2, 0.002, 0, 1, true],
    ],
  },
  sgen: { columns: ["bus", "p_mw", "in_service"], rows: [[3, 0.005, true]] },
};
const changed = (name: string, rows: readonly (readonly unknown[])[], columns = SOUND[name]?.columns ?? []): string =>
  written({ ...SOUND, [name]: { columns, rows } });

describe("a pandapower network", () => {
  it("becomes a radial feeder: impedances by hand, taps as voltage bases, ratings from currents", () => {
    const { feeder, busNamed, notes } = importPandapower(written(SOUND));
    expect(feeder.buses.map(({ bus }) => bus)).to.deep.equal([1, 2, 3, 4]);
    expect(busNamed.get("house 2")).to.equal(4);
    expect(topologyOf(feeder).order).to.have.length(4);
    const base = 1.02 / 1.05; // Root voltage over the tap's two steps of 2.5 %.
    const [trafo, first, second] = feeder.branches;
    expect([trafo.from, trafo.to, second.from, second.to]).to.deep.equal([1, 2, 2, 4]);
    expect(trafo.rPu).to.be.closeTo(0.0144 / 0.25 / base ** 2, 1e-12);
    expect(Math.hypot(trafo.rPu, trafo.xPu)).to.be.closeTo(0.06 / 0.25 / base ** 2, 1e-12);
    expect(trafo.ratingMva).to.equal(0.25);
    expect(first.rPu).to.be.closeTo((0.0208 * 1) / 0.16 / base ** 2, 1e-12);
    expect(second.xPu).to.be.closeTo((0.004 * 1) / 0.16 / base ** 2, 1e-12);
    expect(first.ratingMva).to.be.closeTo(Math.sqrt(3) * 0.4 * 0.27, 1e-12);
    expect(feeder.buses[2].vMinPu).to.be.closeTo(0.9 / base, 1e-12);
    expect([feeder.buses[2].loadMw, feeder.buses[2].loadMvar]).to.deep.equal([0.004, 0.0005]);
    expect(notes.join()).to.match(/sgen left out/);
  });

  it("names no bus by a name that several have", () => {
    const rows = SOUND.bus.rows.map(([name, ...rest], k) => [k < 2 ? name : "house", ...rest]);
    const { busNamed, ambiguous } = importPandapower(changed("bus", rows));
    expect([...busNamed.keys()]).to.deep.equal(["grid", "busbar"]);
    expect([...ambiguous]).to.deep.equal(["house"]);
  });

  it("may join buses by closed switches, and leaves open lines out", () => {
    const rows = [...SOUND.line.rows, [2, 3, 0.05, 0.208, 0.08, 260, 0.27, true]];
    const net = (closed: boolean): string =>
      written({
        ...SOUND,
        line: { columns: LINE, rows },
        switch: { columns: ["bus", "element", "et", "closed"], rows: [[2, 2, "l", closed]] },
      });
    expect(importPandapower(net(false)).feeder.branches).to.have.length(3);
    expect(() => importPandapower(net(true))).to.throw(PandapowerError, /closes a ring/);
  });

  const refused: readonly (readonly [name: string, text: string, says: RegExp])[] = [
    ["no network", "{}", /no network/],
    ["no JSON", "net", /not JSON/],
    [
      "two external grids",
      changed("ext_grid", [
        [0, 1, true],
        [1, 1, true],
      ]),
      /2 in service/,
    ],
    ["an island", changed("line", [SOUND.line.rows[0]]), /bus, index 3: nothing in service connects/],
    ["a generator", changed("gen", [[1, true]], ["bus", "in_service"]), /table gen, index 0/],
    ["a bus without a voltage", changed("bus", [["grid", null, true]]), /vn_kv = null/],
    ["a line between voltages", changed("line", [[0, 2, 0.1, 0.2, 0.1, 0, 0.2, true]]), /joins buses of 20 and 0.4 kV/],
    ["a resistance in words", changed("line", [[1, 2, 0.1, "thick", 0.1, 0, 0.2, true]]), /r_ohm_per_km = "thick"/],
    [
      "more resistance than impedance",
      changed("trafo", [[0, 1, 0.25, 20, 0.4, 1, 2, 0, 0, 0, "hv", true]]),
      /vkr_percent/,
    ],
  ];
  for (const [name, text, says] of refused)
    it(`is refused with ${name}`, () => expect(() => importPandapower(text)).to.throw(PandapowerError, says));
});
