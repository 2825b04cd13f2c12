import { expect } from "chai";
import { LIMITS_DO_NOT_HELP } from "../simulation/clear.ts";
import { notSolved } from "./notSolved.ts";

describe("the end of a session that was not solved", () => {
  it("says what to try, and never wider limits right after saying that they do not help", () => {
    expect(notSolved("a", "infeasible", "line 2-3").message).to.match(/^a: infeasible: line 2-3: try .*wider limits/);
    const devices = notSolved("a", "infeasible", `no point; ${LIMITS_DO_NOT_HELP}`);
    expect(devices.code).to.equal(3);
    expect(devices.message).to.match(/: try less load or generation/);
    expect(devices.message.split(LIMITS_DO_NOT_HELP)[1]).not.to.match(/limits|network/);
    expect(notSolved("a", "max iterations", undefined).message).to.match(/^a: max iterations: try .*--max-iterations/);
  });
});
