/** Date, hour, and what may follow: minutes, seconds, fractions; then Z or an offset, or nothing. */
const STAMP =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.0+)?)?)?\s?(?:(Z)|(UTC)|([+-])(\d\d):?(\d\d)?)?$/i;

/**
 * Milliseconds since 1970 of an ISO 8601 stamp (2021-07-15T07:00Z, 2021-07-15 09:00+02:00, 2021-07-15T07Z), in whole
 * seconds. A stamp without a zone belongs to `offsetMinutes` east of UTC where the caller says so, and to no other:
 * never to the zone of the machine. Otherwise the reason why it cannot be read.
 */
export function stampMs(text: string, offsetMinutes?: number): number | string {
  const parts = STAMP.exec(text);
  if (parts === null) return "is not a time such as 2021-07-15T07:00Z";
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(ms);
  const exists = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && back.getUTCHours() === hour;
  if (!exists || minute > 59 || second > 59) return "is not a time that there is";
  const [sign, hours, minutes] = [parts[9], Number(parts[10] ?? 0), Number(parts[11] ?? 0)];
  if (hours > 14 || minutes > 59) return "is not a time that there is";
  const own = sign ? (sign === "-" ? -1 : 1) * (60 * hours + minutes) : parts[7] || parts[8] ? 0 : offsetMinutes;
  return own === undefined ? "says no zone: write Z for UTC or an offset such as +02:00" : ms - 60_000 * own;
}
