/** The page as static files: one door for the first load, the auditor and the pictures when they are asked for. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { themeCss } from "../offchain-solver/report/theme.ts";

const THEME = "virtual:theme.css";

/** The report's colours, light and dark, as a style sheet of the page. @type {import("vite").Plugin} */
const theme = {
  name: "theme",
  resolveId: (id) => (id === THEME ? `\0${THEME}` : undefined),
  load: (id) => (id === `\0${THEME}` ? themeCss : undefined),
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [theme],
  logLevel: "warn",
  build: {
    target: "es2023",
    outDir: "dist",
    emptyOutDir: true,
    // Inlined files would be data: addresses, and the policy of the page takes none.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      // Directives for servers mean nothing here.
      onLog: (level, log, handle) => void (log.code === "MODULE_LEVEL_DIRECTIVE" || handle(level, log)),
      treeshake: { moduleSideEffects: (id) => !id.includes("/offchain-solver/") },
    },
  },
});
