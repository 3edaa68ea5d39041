const HOURS: Readonly<Record<string, number>> = { s: 1 / 3600, m: 1 / 60, h: 1, d: 24, w: 168 };

/** Hours of a duration such as "12h", "90m", "1h30m" or "2d"; undefined when there is none or it is not one. */
export function parseDurationHours(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?[smhdw])+$/.test(text)) return undefined;
  let hours = 0;
  for (const [, value = '0', unit = 'h'] of text.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g)) {
    hours += Number(value) * (HOURS[unit] ?? 0);
  }
  return hours;
}
