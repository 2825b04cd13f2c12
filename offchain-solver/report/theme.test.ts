import { expect } from "chai";
import { DARK, LIGHT, MEANINGS } from "./theme.ts";

/** WCAG 2.2: relative luminance and contrast. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((k) => parseInt(hex.slice(k, k + 2), 16) / 255)
    .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a: string, b: string): number => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

for (const [name, theme] of [
  ["light", LIGHT],
  ["dark", { ...LIGHT, ...DARK }],
] as const)
  describe(`the ${name} theme`, () => {
    it("sets every mark off its card, 3 to 1", () => {
      const loading = (["l0", "l1", "l2", "l3", "l4", "l5", "l6"] as const).map((key) => theme[key]);
      for (const mark of [...MEANINGS.map((key) => theme[key]), ...loading])
        expect(contrast(mark, theme.card), mark).to.be.at.least(3);
    });

    it("sets letters off what they stand on, 4.5 to 1", () => {
      for (const key of ["ink", "quiet", "accent", "good", "bad"] as const) {
        expect(contrast(theme[key], theme.card), key).to.be.at.least(4.5);
        expect(contrast(theme[key], theme.page), key).to.be.at.least(4.5);
      }
      for (const key of ["generator", "pv", "wind", "battery", "vehicle", "heatPump"] as const)
        expect(contrast(theme.chip, theme[key]), key).to.be.at.least(4.5);
    });

    it("gives every meaning a colour of its own", () => {
      expect(new Set(MEANINGS.map((key) => theme[key])).size).to.equal(MEANINGS.length);
    });
  });
