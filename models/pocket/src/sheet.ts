import { mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { invalid } from "@stillframe/torch/errors";
import sharp from "sharp";
import { EXPRESSIONS, LOOKS, type Look, OBJECT_COLOURS, OBJECTS, PLACES, POSES } from "./attributes.js";
import { DEFAULT_SIZE, draw } from "./draw.js";
import { NAMED_PEOPLE } from "./people.js";
import { Random } from "./random.js";
import type { Scene } from "./scene.js";

/** A scene with one of the named people; the index moves through places, moods and things. */
export function portrait(name: string, index: number): Scene {
  const person = NAMED_PEOPLE[name];
  if (!person) throw invalid("name", `one of ${Object.keys(NAMED_PEOPLE).join(", ")}`, name);
  const random = new Random(`portrait/${name}/${index}`);
  const kind = random.pick(OBJECTS);
  const side = random.pick([-1, 1] as const);
  const colours = OBJECT_COLOURS[kind];
  return {
    place: PLACES[1 + (index % (PLACES.length - 1))]!,
    actors: [
      {
        person,
        name,
        expression: index % 3 === 0 ? "smiling" : random.pick(EXPRESSIONS),
        pose: random.pick(POSES),
        carried: index % 2 === 0 ? { kind, colour: colours.length > 0 ? random.pick(colours) : null, side } : null,
        waveSide: side === 1 ? -1 : 1,
      },
    ],
    layout: String(random.integer(0, 1e9)),
    zoom: 1,
    shift: random.between(-8, 8),
    lean: random.between(-3, 3),
  };
}

/**
 * Draws a contact sheet: one row a look, one column a scene, as a palette PNG of at most `colours` colours.
 *
 * @throws InvalidArgumentError when there is nothing to show
 */
export async function contactSheet(
  scenes: readonly Scene[],
  options: { looks?: readonly Look[]; path: string; size?: number; colours?: number },
): Promise<void> {
  const { looks = LOOKS, path, size = DEFAULT_SIZE, colours = 256 } = options;
  if (scenes.length === 0 || looks.length === 0) throw invalid("scenes", "at least one scene and one look", scenes);
  const gap = Math.max(2, Math.round(size / 42));
  const cells = await Promise.all(
    looks.flatMap((look, row) =>
      scenes.map(async (scene, column) => ({
        input: Buffer.from((await draw(scene, { look, size })).data),
        raw: { width: size, height: size, channels: 3 as const },
        left: gap + column * (size + gap),
        top: gap + row * (size + gap),
      })),
    ),
  );
  const width = gap + scenes.length * (size + gap);
  const height = gap + looks.length * (size + gap);
  await mkdir(dirname(path), { recursive: true });
  await sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
    .composite(cells)
    .png({ palette: true, colours, effort: 10, compressionLevel: 9 })
    .toFile(`${path}.part`);
  await rename(`${path}.part`, path);
}
