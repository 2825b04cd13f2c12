/**
 * JSON with one line per row of numbers: files that a person can read and a diff can follow, and the same bytes for the
 * same value every time.
 */
export function caseText(value: unknown): string {
  return `${lines(value, "")}\n`;
}

const isFlat = (value: unknown): boolean =>
  typeof value !== "object" ||
  value === null ||
  (Array.isArray(value) && value.every((item) => typeof item !== "object"));

function lines(value: unknown, indent: string): string {
  if (isFlat(value)) return flat(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const rows = value.map((item) => deeper + (isRecordOfScalars(item) ? record(item) : lines(item, deeper)));
    return `[\n${rows.join(",\n")}\n${indent}]`;
  }
  const fields = Object.entries(value as object).filter(([, item]) => item !== undefined);
  const rows = fields.map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${lines(item, deeper)}`);
  return `{\n${rows.join(",\n")}\n${indent}}`;
}

const isRecordOfScalars = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((item) => typeof item !== "object" || item === null);

function record(value: object): string {
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${JSON.stringify(item)}`);
  return `{ ${fields.join(", ")} }`;
}

function flat(value: unknown): string {
  return Array.isArray(value) ? `[${value.map((item) => JSON.stringify(item)).join(", ")}]` : JSON.stringify(value);
}
