import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { InputError } from "../io/inputError.ts";
import { loadBase } from "./loadBase.ts";

const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

describe("loadBase", () => {
  it("takes scenarios and feeders by name or file, and MATPOWER cases", () => {
    expect(loadBase("ieee15")).to.have.property("prosumers");
    expect(loadBase("case141")).to.have.property("branches");
    expect(loadBase(path("cases/scenarios/ieee15.json"))).to.have.property("prosumers");
    expect(loadBase(path("cases/feeders/case15da.json"))).to.have.property("branches");
    expect(loadBase(path("test/feeders/ohms.m"))).to.have.property("branches");
  });

  it("complains like the loaders do", () => {
    expect(() => loadBase("ieee16")).to.throw(InputError, "there is no such scenario");
    expect(() => loadBase("./")).to.throw(InputError, "cannot be read");
    expect(() => loadBase("gone.json")).to.throw(InputError, "gone.json: there is no such file");
    expect(() => loadBase(path("test/feeders/meshed.m"))).to.throw(InputError, "meshed.m: line 13: ");
    expect(() => loadBase(path("package.json"))).to.throw(InputError, "package.json: ");
  });
});
