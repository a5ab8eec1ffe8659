import { invalid } from "@stillframe/torch/errors";
import { LOOKS, type Look } from "./attributes.js";
import { anime } from "./looks/anime.js";
import { clay } from "./looks/clay.js";
import type { Draw } from "./looks/look.js";
import { pencil } from "./looks/pencil.js";
import { render } from "./looks/render.js";
import { watercolour } from "./looks/watercolour.js";
import type { Raster } from "./raster.js";
import type { Scene } from "./scene.js";

const DRAWN: Readonly<Record<Look, Draw>> = { render, pencil, watercolour, clay, anime };

/** The side of a picture in pixels when nobody says otherwise. */
export const DEFAULT_SIZE = 128;

/**
 * Draws a scene in a look: `size` × `size` pixels of RGB. The same scene, look and size give the same bytes.
 *
 * @throws InvalidArgumentError for a size outside 32 to 1024 or a look that is not known
 */
export async function draw(scene: Scene, options: { look: Look; size?: number }): Promise<Raster> {
  const { look, size = DEFAULT_SIZE } = options;
  if (!Number.isInteger(size) || size < 32 || size > 1024)
    throw invalid("size", "a whole number from 32 to 1024", size);
  const drawn = DRAWN[look];
  if (!drawn) throw invalid("look", `one of ${LOOKS.join(", ")}`, look);
  return drawn(scene, size);
}
