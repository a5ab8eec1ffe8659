/** Begins a path of this machine: `/a`, `~/a`, `C:\a`, `\\server`, `./a`, `../a`, `file:///a`. */
const START = String.raw`(?:file://)?(?:/(?!/)|~[\\/]|[A-Za-z]:[\\/]|\\\\|\.{1,2}[\\/])`;
const WHOLE = new RegExp(`^${START}`);
const EMBEDDED = new RegExp(String.raw`(?<=^|[\s=:"'(,\[])${START}[^\s"'),\]]*`, "g");

/**
 * A JSON value without the paths of this machine: each becomes `local:` and its last part, which still tells a person
 * what it was and never where. Names on the Hub (`organisation/name`) and web addresses stay.
 *
 * @example scrubPaths({ data: "/home/me/stills", argv: "--output_dir=/tmp/run" })
 * // { data: "local:stills", argv: "--output_dir=local:run" }
 */
export function scrubPaths(value: unknown): unknown {
  if (typeof value === "string") return scrubText(value);
  if (Array.isArray(value)) return value.map(scrubPaths);
  if (typeof value !== "object" || value === null) return value;
  const scrubbed: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = scrubText(key);
    let unique = name;
    // Two files of the same name in two folders stay two entries.
    for (let n = 2; unique in scrubbed; n++) unique = `${name}#${n}`;
    scrubbed[unique] = scrubPaths(item);
  }
  return scrubbed;
}

/** One text: whole when it is a path (which may hold spaces), else each path inside it. */
export function scrubText(text: string): string {
  if (WHOLE.test(text) && !text.includes("\n")) {
    // `/x and /y` is a sentence, `/my pictures/x` is a path: only a second start of a path tells them apart.
    const rest = text.slice(1);
    if (!new RegExp(String.raw`[\s=:"'(,\[]${START}`).test(rest)) return local(text);
  }
  return text.replace(EMBEDDED, local);
}

function local(path: string): string {
  const parts = path.split(/[\\/]+/).filter((part) => part !== "" && part !== "." && part !== ".." && part !== "~");
  return `local:${parts.at(-1)?.replace(/^[A-Za-z]:$/, "") ?? ""}`;
}
