import { judges } from "./page/auditor.ts";
import { bills } from "./page/bills.ts";
import { standsBreaking } from "./page/breaking.ts";
import { meters } from "./page/delivery.ts";
import { fitsScreens } from "./page/fitting.ts";
import { walksByKeys } from "./page/keyboard.ts";
import { letsLeave } from "./page/leaving.ts";
import { takesLimits } from "./page/limits.ts";
import { opensSmall } from "./page/opening.ts";
import { showsClearing } from "./page/operator.ts";
import { servesOwner } from "./page/owner.ts";
import { refuses } from "./page/refusals.ts";
import { showsVoid } from "./page/voided.ts";
import { closeStage, openStage, type Stage } from "./support/pageStage.ts";

describe("the page, in a browser with a wallet", function () {
  this.timeout(300_000);
  const stage = {} as Stage;

  before(async function () {
    this.timeout(0);
    await openStage(stage);
  });
  after(() => closeStage(stage));

  // In the order of a market's life: each begins where the one before has ended.
  opensSmall(stage);
  servesOwner(stage);
  showsClearing(stage);
  bills(stage);
  meters(stage);
  judges(stage);
  fitsScreens(stage);
  walksByKeys(stage);
  takesLimits(stage);
  standsBreaking(stage);
  refuses(stage);
  letsLeave(stage);
  showsVoid(stage);
});
