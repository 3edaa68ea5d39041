const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds as people read them, two units at most: `42s`, `3m10s`, `2h5m`, `3d4h`. Below zero counts as zero. */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const [large, size, small, unit] =
    total >= DAY
      ? ['d', DAY, 'h', HOUR]
      : total >= HOUR
        ? ['h', HOUR, 'm', MINUTE]
        : total >= MINUTE
          ? ['m', MINUTE, 's', 1]
          : (['s', 1, '', 1] as const);
  const whole = Math.floor(total / Number(size));
  const rest = small === '' ? 0 : Math.floor((total - whole * Number(size)) / Number(unit));
  return `${whole}${large}${rest > 0 ? `${rest}${small}` : ''}`;
}

/** Time since an RFC 3339 moment; `<unknown>` when it is missing or cannot be read. */
export function age(since: string | undefined, nowMs: number): string {
  const at = since === undefined ? Number.NaN : Date.parse(since);
  return Number.isNaN(at) ? '<unknown>' : duration((nowMs - at) / 1000);
}

/** Hours as a decimal string, such as a quote has them, in the form of {@link duration}. */
export function hours(decimal: string): string {
  return duration(Number(decimal) * HOUR);
}

/** Bytes in binary units with one decimal: `812 B`, `1.5 KiB`, `518.3 MiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? 'B'}`;
}
