import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Sources in a clone, what was made of them in an installed package. */
const EXTENSION = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/** Runs a module beside this one in a process of its own with one JSON argument; its progress goes to this terminal. */
export function inChild<T>(module: string, task: unknown, heapMb = 4000): Promise<T> {
  const file = fileURLToPath(new URL(`${module}${EXTENSION}`, import.meta.url));
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, file, JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => chunks.push(text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(JSON.parse(chunks.join("")) as T);
      else reject(new Error(`${module} ${JSON.stringify(task)}: ended with ${code ?? signal}`));
    });
  });
}
