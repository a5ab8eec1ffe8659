import type { Place } from "./attributes.js";
import { classroom, kitchen, library, plain } from "./places/indoors.js";
import { beach, city, desert, park } from "./places/outdoors.js";
import type { Setting } from "./places/setting.js";
import { forest, mountains, snow } from "./places/wilds.js";
import type { Random } from "./random.js";

/** How a caption says where; a plain wall is not mentioned. */
export const PLACE_PHRASE: Readonly<Record<Place, string | null>> = {
  plain: null,
  beach: "at the beach",
  city: "in the city at night",
  classroom: "in a classroom",
  forest: "in the forest",
  snow: "in the snow",
  park: "in the park",
  kitchen: "in the kitchen",
  mountains: "in the mountains",
  desert: "in the desert",
  library: "in the library",
};

const DRAWN: Readonly<Record<Place, (random: Random) => Setting>> = {
  plain,
  beach,
  city,
  classroom,
  forest,
  snow,
  park,
  kitchen,
  mountains,
  desert,
  library,
};

/** A place, its details laid out by the given stream. */
export function place(kind: Place, random: Random): Setting {
  return DRAWN[kind](random);
}
