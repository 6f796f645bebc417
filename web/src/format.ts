/** Times and numbers as people read them. */

export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function seconds(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${value.toFixed(1)} s`;
}

export function plain(name: string): string {
  return name.replace(/[_-]/g, " ");
}

export function when(unix: number): string {
  return new Date(unix * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
