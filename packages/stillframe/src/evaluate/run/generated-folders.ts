import { relative, resolve, sep } from "node:path";
import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import { readImageFolder } from "../../data/index.js";
import { listPictures } from "../inputs.js";
import type { Arm } from "./arms.js";
import { type ArmPictures, askedOf } from "./draw-arms.js";
import { type Prompt, plainPrompt } from "./prompts.js";

const KINDS: Readonly<Record<string, Arm["kind"]>> = { base: "base", lora: "lora" };

/**
 * Folders of pictures that are there already, as arms. Pictures of equal names are a pair: every folder must have the
 * same names.
 *
 * @param given `name=folder` each, the base first
 * @param prompts in the order of the names, as many for each as there are pictures to a prompt; null to take the captions
 * that lie with the first folder, if any
 */
export async function openGenerated(
  given: readonly string[],
  { prompts, captionColumn, minimum }: { prompts: readonly Prompt[] | null; captionColumn: string; minimum: number },
): Promise<ArmPictures[]> {
  const folders = given.map((text) => {
    const at = text.indexOf("=");
    return { name: text.slice(0, at).trim(), folder: text.slice(at + 1) };
  });
  const twin = folders.find(({ name }, i) => folders.findIndex((f) => f.name === name) < i);
  if (twin !== undefined) throw invalid("generated", "different names", twin.name);
  const listed = await Promise.all(
    folders.map(async ({ name, folder }) => ({ name, folder, paths: await listPictures(folder, { minimum }) })),
  );
  const [first] = listed as [(typeof listed)[number]];
  const keys = keysOf(first);
  for (const other of listed.slice(1)) checkPairs({ ...first, keys }, { ...other, keys: keysOf(other) });
  const asked = prompts === null ? await captionsOf(first, captionColumn) : spread(prompts, first.paths.length);
  const about = asked === null ? { asked, expected: null } : askedOf(asked);
  return listed.map(({ name, folder, paths }) => ({
    arm: {
      name,
      model: null,
      kind: KINDS[name.toLowerCase()] ?? "other",
      adapter: null,
      strength: name.toLowerCase() === "base" ? 0 : 1,
      prompts: [],
      generic: false,
    },
    folder,
    paths,
    seeds: null,
    ...about,
  }));
}

const keysOf = ({ folder, paths }: { folder: string; paths: readonly string[] }): string[] =>
  paths.map((path) => relative(resolve(folder), path).split(sep).join("/"));

interface Named {
  readonly name: string;
  readonly keys: readonly string[];
}

function checkPairs(first: Named, other: Named): void {
  const [a, b] = [new Set(first.keys), new Set(other.keys)];
  const missing = first.keys.filter((key) => !b.has(key));
  const added = other.keys.filter((key) => !a.has(key));
  const counts = `${first.keys.length} in ${first.name}, ${other.keys.length} in ${other.name}`;
  if (first.keys.length !== other.keys.length)
    throw new InvalidArgumentError(
      `expected as many pictures in every folder, because distances at different N cannot be compared, but received ${counts}`,
    );
  if (missing.length > 0)
    throw new InvalidArgumentError(
      `expected pictures of equal names in every folder, which are the pairs, but ${first.name} alone has ${missing.slice(0, 3).join(", ")} and ${other.name} alone has ${added.slice(0, 3).join(", ")}`,
    );
}

/** Each prompt for as many pictures in a row as there are to one. */
function spread(prompts: readonly Prompt[], pictures: number): Prompt[] {
  if (pictures % prompts.length !== 0)
    throw invalid("prompts", `a number of prompts that ${pictures} pictures can be shared among`, prompts.length);
  const each = pictures / prompts.length;
  return Array.from({ length: pictures }, (_, i) => prompts[Math.floor(i / each)] as Prompt);
}

/** The captions beside the pictures; null unless every one has its own. */
async function captionsOf(
  { folder, paths }: { folder: string; paths: readonly string[] },
  captionColumn: string,
): Promise<Prompt[] | null> {
  try {
    const { items } = await readImageFolder(folder, { captionColumn });
    const known = new Map(items.map((item) => [item.path, item.captions[0] as string]));
    const captions = paths.map((path) => known.get(path));
    return captions.every((caption) => caption !== undefined) ? captions.map(plainPrompt) : null;
  } catch (e) {
    if (e instanceof InvalidArgumentError) return null;
    throw e;
  }
}
