/** The few lines that move the period and the theme; the page is complete without them. */
export const pageScript = `"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme:dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  name();
  if (document.getElementById("hours") === null) return;
  const data = JSON.parse(document.getElementById("hours").textContent);
  const input = document.getElementById("hour");
  const output = document.getElementById("hour-name");
  const drawings = [...document.querySelectorAll("svg.feeder")].map((svg) => ({
    buses: [...svg.querySelectorAll(".bus")],
    branches: [...svg.querySelectorAll(".branch")],
  }));
  const hover = (name, heads, cells) => [name, ...heads.map((head, k) => head + ": " + cells[k])].join("\\n");
  const refill = (kind, cells) =>
    document.querySelectorAll("tr[data-" + kind + "]").forEach((row) => {
      const values = cells[Number(row.dataset[kind])];
      row.querySelectorAll("td").forEach((td, k) => { td.textContent = values[k]; });
    });
  const show = () => {
    const h = data.hours[input.valueAsNumber];
    output.textContent = h.name;
    input.setAttribute("aria-valuetext", h.name);
    for (const { buses, branches } of drawings) {
      buses.forEach((g, b) => {
        g.querySelector("title").textContent = hover("Bus " + data.busNames[b], data.busFacts, h.bus[b]);
        g.querySelector(".dot").style.fill = "var(--v" + h.busStep[b] + ")";
      });
      branches.forEach((g, k) => {
        const tint = "var(--l" + h.branchStep[k] + ")";
        g.querySelector("title").textContent = hover("Branch " + data.branchNames[k], data.branchFacts, h.branch[k]);
        g.querySelector(".line").style.stroke = tint;
        const arrow = g.querySelector(".arrow");
        arrow.style.fill = tint;
        arrow.setAttribute("transform", arrow.getAttribute("transform").replace(/rotate\\(.*\\)/, "rotate(" + (h.forward[k] ? 0 : 180) + ")"));
        const flow = g.querySelector(".flow");
        if (flow) flow.textContent = h.flow[k];
      });
    }
    refill("bus", h.bus);
    refill("branch", h.branch);
    document.querySelectorAll(".facts dd").forEach((dd, k) => { dd.textContent = h.facts[k]; });
  };
  input.addEventListener("input", show);
  show();
})();`;
