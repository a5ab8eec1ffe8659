/** `75 → 1:15`, `3723 → 1:02:03`, `90061 → 1 d 1:01:01`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = `${hours > 0 || days > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
  return days > 0 ? `${days} d ${clock}` : clock;
}

/** `1234567 → 1.2 MB` (powers of ten, as disks are sold and `ls --si` shows). */
export function formatBytes(bytes: number): string {
  return withUnit(bytes, ["B", "kB", "MB", "GB", "TB"], " ");
}

/** `29646848 → 29.6 M`: a count where the digits do not matter. */
export function formatCount(count: number): string {
  return count < 10_000 ? String(count) : withUnit(count, ["", "k", "M", "G"], " ");
}

/** Steps a second, or seconds a step when slow: `3.42 it/s`, `12.3 s/it`. */
export function formatRate(stepsPerSecond: number): string {
  if (stepsPerSecond <= 0) return "- it/s";
  return stepsPerSecond >= 1 ? `${threeDigits(stepsPerSecond)} it/s` : `${threeDigits(1 / stepsPerSecond)} s/it`;
}

/** `1 picture`, `3 pictures`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function withUnit(value: number, units: readonly string[], space: string): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits = unit === 0 ? String(Math.round(scaled)) : threeDigits(scaled);
  return units[unit] === "" ? digits : `${digits}${space}${units[unit]}`;
}

/** Three digits are as many as change slowly enough to be read. */
function threeDigits(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
