import { homedir, tmpdir } from "node:os";
import type { Environment } from "../hub/settings.js";

/** Something in a file that must stay on this machine. Never holds the secret itself. */
export interface Leak {
  /** `an access token`, `the path /home/me`, … */
  readonly what: string;
  /** 1-based line. */
  readonly line: number;
}

export interface LeakSearch {
  readonly secrets: readonly string[];
  readonly roots: readonly string[];
}

/** What to look for: this machine's folders, the token in use and every secret of the environment. */
export function leakSearch(
  folders: readonly string[],
  { token, env = process.env }: { token?: string | undefined; env?: Environment | undefined },
): LeakSearch {
  const secrets = Object.entries(env)
    .filter(([name, value]) => /TOKEN|SECRET|PASSWORD|API_?KEY/i.test(name) && (value?.length ?? 0) >= 12)
    .map(([, value]) => value!);
  const roots = [homedir(), env.HOME, env.HF_HOME, env.HF_HUB_CACHE, process.cwd(), tmpdir(), ...folders];
  return {
    secrets: [...new Set([...secrets, ...(token ? [token] : [])])],
    roots: [...new Set(roots.filter((root) => root !== undefined && root.length > 3))] as string[],
  };
}

/** Homes of any machine: a manifest or card that was made elsewhere leaks that one's names. */
const HOMES = /(?<![\w.~-])(?:\/(?:home|Users)\/|[A-Za-z]:\\{1,2}Users\\{1,2})[^\s"'`)\\/<>]+|file:\/\/\/[^\s"'`)<>]+/;
const HUB_TOKEN = /hf_[A-Za-z0-9]{20,}/;

/** All leaks in a text, or in the bytes of a picture or header read as Latin-1. */
export function findLeaks(text: string, search: LeakSearch): Leak[] {
  const leaks: Leak[] = [];
  const note = (what: string, at: number) => leaks.push({ what, line: text.slice(0, at).split("\n").length });
  for (const secret of search.secrets) {
    const at = text.indexOf(secret);
    if (at >= 0) note("a secret of the environment", at);
  }
  const token = HUB_TOKEN.exec(text);
  if (token) note("an access token", token.index);
  for (const root of search.roots) {
    // Backslashes are doubled inside JSON.
    for (const form of new Set([root, root.replaceAll("\\", "\\\\")])) {
      const found = new RegExp(`(?<![\\w./~-])${form.replace(/[.*+?^$()|[\]{}\\]/g, "\\$&")}(?![\\w-])`).exec(text);
      if (found) note(`the path ${root}`, found.index);
    }
  }
  const home = HOMES.exec(text);
  if (home && !leaks.some(({ what }) => what.startsWith("the path"))) note(`the path ${home[0]}`, home.index);
  return leaks;
}
