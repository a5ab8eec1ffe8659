import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "@stillframe/schema";
import { parse } from "yaml";
import { RepoCache } from "../hub/cache.js";
import { isRepoName } from "../hub/repo-file.js";
import { type Environment, hubSettings } from "../hub/settings.js";
import { HUB_LICENCES, KNOWN_BASES } from "./hub-licences.js";

/** A licence as front matter has it. */
export interface Licence {
  readonly license: (typeof HUB_LICENCES)[number];
  readonly license_name?: string;
  readonly license_link?: string;
}

/** A model that a run read, and what is known of it. */
export interface ModelOrigin {
  /** `organisation/name` on the Hub; `undefined` of a folder or file that may be anything. */
  readonly hub: string | undefined;
  readonly commit: string | null;
  /** What people call it: the name on the Hub, or the last part of a path. */
  readonly name: string;
}

export interface BaseModel extends ModelOrigin {
  /** `undefined` when neither its name nor its own card tells. */
  readonly licence: Licence | undefined;
}

/**
 * Where a model came from. One without a commit was read from this machine: it is on the Hub only when its name is that
 * of a well-known base.
 */
export function modelOrigin({ name_or_path, commit }: Pick<Manifest["model"], "name_or_path" | "commit">): ModelOrigin {
  const hub = isRepoName(name_or_path) && (commit !== null || KNOWN_BASES.has(name_or_path)) ? name_or_path : undefined;
  return { hub, commit, name: hub ?? lastPart(name_or_path) };
}

/** The base model of a run, with the licence that an adapter of it inherits. */
export function baseModel({ model }: Pick<Manifest, "model">, env: Environment = process.env): BaseModel {
  const origin = modelOrigin(model);
  return { ...origin, licence: knownLicence(origin) ?? ownLicence(model, origin, env) };
}

/** The last part of a path; of `C:\models\tiny` and of `models/tiny/` alike. */
export function lastPart(path: string): string {
  return path.split(/[\\/]+/).findLast((part) => part !== "" && part !== ".") ?? path;
}

function knownLicence({ hub }: ModelOrigin): Licence | undefined {
  const license = hub === undefined ? undefined : KNOWN_BASES.get(hub);
  return license === undefined ? undefined : { license };
}

/** What the base model's own card says, if it lies beside its weights. */
function ownLicence(
  { name_or_path, commit }: Manifest["model"],
  { hub }: ModelOrigin,
  env: Environment,
): Licence | undefined {
  try {
    const folder =
      hub === undefined || commit === null
        ? name_or_path
        : new RepoCache(hubSettings(env).cacheDir, { name: hub, type: "model" }).snapshotFolder(commit);
    return licenceIn(readFileSync(join(folder, "README.md"), "utf8"), hub);
  } catch {
    // No card, or none that can be read: then nothing is known.
    return undefined;
  }
}

/** The licence in a card's front matter, when it is one that the Hub would accept here. */
export function licenceIn(card: string, hub: string | undefined): Licence | undefined {
  const yaml = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(card)?.[1];
  if (yaml === undefined) return undefined;
  const { license, license_name: name, license_link: link } = Object(parse(yaml)) as Record<string, unknown>;
  const known = HUB_LICENCES.find((one) => one === license);
  if (known === undefined || known === "unknown") return undefined;
  if (known !== "other") return { license: known };
  if (typeof name !== "string" || name === "") return undefined;
  const address = typeof link === "string" ? absolute(link, hub) : undefined;
  return { license: "other", license_name: name, ...(address !== undefined && { license_link: address }) };
}

/** A link inside the base's repository as an address, because that file is not in this one. */
function absolute(link: string, hub: string | undefined): string | undefined {
  if (/^https?:\/\//.test(link)) return URL.canParse(link) ? link : undefined;
  return hub === undefined || link === ""
    ? undefined
    : `https://huggingface.co/${hub}/blob/main/${link.replace(/^\.?\/+/, "")}`;
}
