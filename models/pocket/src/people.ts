import {
  type Beard,
  CLOTHES_COLOURS,
  type Clothes,
  COLOURS,
  type Colour,
  EYE_COLOURS,
  type EyeColour,
  type Glasses,
  HAIR_COLOURS,
  HAIR_SHAPES,
  HAT_COLOURS,
  HATLESS,
  type HairColour,
  type HairShape,
  type Hat,
  HIGH_NECKED,
  KINDS,
  type Kind,
  type Neckwear,
  SKINS,
  type Skin,
} from "./attributes.js";
import type { Random } from "./random.js";

/** How someone looks, whatever they do and wherever they are. */
export interface Person {
  kind: Kind;
  hair: HairShape;
  /** null for a bald head. */
  hairColour: HairColour | null;
  skin: Skin;
  eyes: EyeColour;
  glasses: Glasses;
  hat: Hat;
  /** null where the hat has a colour of its own. */
  hatColour: Colour | null;
  neckwear: Neckwear;
  neckColour: Colour | null;
  clothes: Clothes;
  clothesColour: Colour;
  beard: Beard;
}

type Thing<T extends string> = T | readonly [T, Colour];

function person(
  who: readonly [Kind, Skin, EyeColour],
  hair: readonly [HairShape, HairColour | null],
  wears: {
    clothes: readonly [Clothes, Colour];
    glasses?: Glasses;
    hat?: Thing<Hat>;
    neck?: readonly [Neckwear, Colour];
    beard?: Beard;
  },
): Person {
  const hat = wears.hat ?? "none";
  return {
    kind: who[0],
    hair: hair[0],
    hairColour: hair[1],
    skin: who[1],
    eyes: who[2],
    glasses: wears.glasses ?? "none",
    hat: typeof hat === "string" ? hat : hat[0],
    hatColour: typeof hat === "string" ? null : hat[1],
    neckwear: wears.neck?.[0] ?? "none",
    neckColour: wears.neck?.[1] ?? null,
    clothes: wears.clothes[0],
    clothesColour: wears.clothes[1],
    beard: wears.beard ?? "none",
  };
}

/** The people whom the base model knows by name. Names are made up; each is one short word. */
export const NAMED_PEOPLE: Readonly<Record<string, Person>> = {
  Mara: person(["girl", "tan", "green"], ["bob", "red"], { clothes: ["striped shirt", "blue"], glasses: "round" }),
  Otto: person(["man", "pale", "blue"], ["short", "white"], {
    clothes: ["jacket", "black"],
    hat: "top hat",
    neck: ["bow tie", "red"],
    beard: "moustache",
  }),
  Juno: person(["woman", "dark", "brown"], ["curly", "black"], { clothes: ["dress", "yellow"] }),
  Pim: person(["boy", "pale", "blue"], ["short", "blond"], { clothes: ["overalls", "blue"], hat: ["cap", "red"] }),
  Kazo: person(["boy", "brown", "brown"], ["spiky", "blue"], { clothes: ["hoodie", "orange"] }),
  Vela: person(["woman", "pale", "green"], ["long", "purple"], { clothes: ["sweater", "black"], glasses: "square" }),
  Brond: person(["man", "tan", "brown"], ["bald", null], { clothes: ["t-shirt", "white"], beard: "beard" }),
  Lumi: person(["girl", "pale", "blue"], ["braids", "blond"], {
    clothes: ["overalls", "green"],
    hat: "straw hat",
  }),
  Nilo: person(["boy", "dark", "brown"], ["curly", "brown"], {
    clothes: ["jacket", "green"],
    glasses: "round",
    neck: ["bow tie", "yellow"],
  }),
  Sable: person(["woman", "brown", "brown"], ["mohawk", "pink"], { clothes: ["jacket", "black"] }),
  Tavi: person(["girl", "brown", "brown"], ["ponytail", "black"], { clothes: ["hoodie", "pink"] }),
  Fenn: person(["man", "pale", "green"], ["short", "red"], {
    clothes: ["sweater", "green"],
    glasses: "square",
    beard: "beard",
  }),
  Runa: person(["woman", "pale", "blue"], ["long", "white"], { clothes: ["dress", "blue"], hat: "crown" }),
  Dex: person(["boy", "tan", "green"], ["mohawk", "green"], { clothes: ["t-shirt", "black"], glasses: "sunglasses" }),
  Odile: person(["woman", "tan", "brown"], ["bob", "black"], {
    clothes: ["striped shirt", "red"],
    hat: ["beret", "red"],
  }),
  Bram: person(["man", "dark", "brown"], ["short", "black"], {
    clothes: ["t-shirt", "orange"],
    hat: ["beanie", "blue"],
    beard: "beard",
  }),
  Zuri: person(["girl", "dark", "brown"], ["bun", "purple"], { clothes: ["dress", "orange"], glasses: "round" }),
  Hollis: person(["man", "tan", "blue"], ["long", "brown"], {
    clothes: ["jacket", "blue"],
    hat: "straw hat",
    glasses: "sunglasses",
  }),
  Wren: person(["girl", "pale", "green"], ["short", "brown"], {
    clothes: ["sweater", "yellow"],
    hat: ["beanie", "red"],
  }),
  Isko: person(["boy", "tan", "brown"], ["spiky", "black"], {
    clothes: ["t-shirt", "red"],
    glasses: "square",
  }),
  Petra: person(["woman", "pale", "brown"], ["bun", "white"], {
    clothes: ["striped shirt", "purple"],
    glasses: "square",
    neck: ["scarf", "green"],
  }),
  Gus: person(["man", "pale", "brown"], ["bald", null], {
    clothes: ["overalls", "red"],
    glasses: "round",
    beard: "moustache",
  }),
  Nia: person(["woman", "brown", "green"], ["curly", "red"], {
    clothes: ["t-shirt", "green"],
    glasses: "sunglasses",
  }),
  Tomo: person(["boy", "pale", "brown"], ["bob", "blue"], {
    clothes: ["hoodie", "white"],
    hat: ["cap", "yellow"],
  }),
  Elka: person(["girl", "tan", "blue"], ["braids", "green"], { clothes: ["dress", "purple"], glasses: "square" }),
  Rook: person(["man", "brown", "brown"], ["ponytail", "black"], {
    clothes: ["jacket", "purple"],
    neck: ["bow tie", "white"],
    beard: "beard",
  }),
  Yuki: person(["woman", "pale", "brown"], ["ponytail", "blue"], {
    clothes: ["t-shirt", "yellow"],
    neck: ["scarf", "red"],
  }),
  Bo: person(["boy", "dark", "brown"], ["short", "white"], {
    clothes: ["striped shirt", "orange"],
    hat: ["cap", "green"],
    glasses: "round",
  }),
  Coral: person(["girl", "pale", "blue"], ["long", "pink"], {
    clothes: ["overalls", "purple"],
    hat: ["beret", "yellow"],
  }),
  Viggo: person(["man", "pale", "blue"], ["spiky", "blond"], {
    clothes: ["jacket", "red"],
    glasses: "sunglasses",
  }),
  Asa: person(["woman", "dark", "brown"], ["braids", "blue"], {
    clothes: ["sweater", "pink"],
    hat: ["beanie", "white"],
  }),
  Quill: person(["boy", "brown", "green"], ["curly", "blond"], {
    clothes: ["t-shirt", "purple"],
    hat: "top hat",
    neck: ["scarf", "yellow"],
  }),
};

/** What is seen of someone at a glance. Two people who share all of it cannot be told apart. */
const SEEN = ["hair", "hairColour", "glasses", "hat", "hatColour", "neckwear", "clothes", "clothesColour"] as const;

/** In how many of the things that are seen at a glance (hair, glasses, hat, clothes …) two people differ. */
export function difference(one: Person, other: Person): number {
  return SEEN.filter((key) => one[key] !== other[key]).length;
}

/** Nobody without a name comes nearer than this to anybody who has one. */
export const MIN_DIFFERENCE = 3;

/** A person without a name, unlike every named one. */
export function anonymous(random: Random): Person {
  for (;;) {
    const made = anybody(random);
    if (Object.values(NAMED_PEOPLE).every((named) => difference(named, made) >= MIN_DIFFERENCE)) return made;
  }
}

function anybody(random: Random): Person {
  const kind = random.pick(KINDS);
  const hair = random.pick(HAIR_SHAPES.filter((shape) => shape !== "bald" || kind === "man"));
  const hat = HATLESS.includes(hair)
    ? "none"
    : random.weighted<Hat>([
        ["none", 48],
        ["cap", 11],
        ["beanie", 11],
        ["top hat", 8],
        ["straw hat", 8],
        ["beret", 8],
        ["crown", 6],
      ]);
  const female = kind === "girl" || kind === "woman";
  const clothes = random.pick<Clothes>(
    female
      ? ["t-shirt", "hoodie", "jacket", "striped shirt", "sweater", "dress", "dress", "overalls"]
      : ["t-shirt", "hoodie", "jacket", "striped shirt", "sweater", "overalls"],
  );
  const clothesColour = random.pick(CLOTHES_COLOURS[clothes]);
  const neckwear: Neckwear = HIGH_NECKED.includes(clothes)
    ? "none"
    : random.weighted<Neckwear>([
        ["none", 50],
        ["bow tie", 32],
        ["scarf", 18],
      ]);
  return {
    kind,
    hair,
    hairColour: hair === "bald" ? null : random.pick(HAIR_COLOURS),
    skin: random.pick(SKINS),
    eyes: random.pick(EYE_COLOURS),
    glasses: random.weighted<Glasses>([
      ["none", 46],
      ["round", 20],
      ["square", 20],
      ["sunglasses", 14],
    ]),
    hat,
    hatColour: HAT_COLOURS[hat].length > 0 ? random.pick(HAT_COLOURS[hat]) : null,
    neckwear,
    neckColour: neckwear === "none" ? null : random.pick(COLOURS.filter((colour) => colour !== clothesColour)),
    clothes,
    clothesColour,
    beard:
      kind === "man"
        ? random.weighted<Beard>([
            ["none", 50],
            ["moustache", 22],
            ["beard", 28],
          ])
        : "none",
  };
}
