/** Every word that a picture can be asked for. The caption, the labels and the drawing all use these lists. */

export const KINDS = ["boy", "girl", "man", "woman"] as const;
export const HAIR_SHAPES = [
  "short",
  "long",
  "bob",
  "curly",
  "spiky",
  "bun",
  "ponytail",
  "braids",
  "mohawk",
  "bald",
] as const;
export const HAIR_COLOURS = ["black", "brown", "blond", "red", "white", "blue", "green", "pink", "purple"] as const;
export const SKINS = ["pale", "tan", "brown", "dark"] as const;
export const EYE_COLOURS = ["brown", "blue", "green"] as const;
export const GLASSES = ["none", "round", "square", "sunglasses"] as const;
export const HATS = ["none", "cap", "beanie", "top hat", "straw hat", "beret", "crown"] as const;
export const NECKWEAR = ["none", "bow tie", "scarf"] as const;
export const CLOTHES = ["t-shirt", "hoodie", "jacket", "striped shirt", "sweater", "dress", "overalls"] as const;
export const COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white"] as const;
export const BEARDS = ["none", "moustache", "beard"] as const;
export const EXPRESSIONS = ["smiling", "sad", "angry", "surprised", "neutral"] as const;
export const POSES = ["front", "left", "right", "waving"] as const;
export const PLACES = [
  "plain",
  "beach",
  "city",
  "classroom",
  "forest",
  "snow",
  "park",
  "kitchen",
  "mountains",
  "desert",
  "library",
] as const;
export const OBJECTS = ["balloon", "umbrella", "book", "cup", "ball", "flower", "ice cream", "cat", "bird"] as const;
export const LOOKS = ["render", "pencil", "watercolour", "clay", "anime"] as const;

export type Kind = (typeof KINDS)[number];
export type HairShape = (typeof HAIR_SHAPES)[number];
export type HairColour = (typeof HAIR_COLOURS)[number];
export type Skin = (typeof SKINS)[number];
export type EyeColour = (typeof EYE_COLOURS)[number];
export type Glasses = (typeof GLASSES)[number];
export type Hat = (typeof HATS)[number];
export type Neckwear = (typeof NECKWEAR)[number];
export type Clothes = (typeof CLOTHES)[number];
export type Colour = (typeof COLOURS)[number];
export type Beard = (typeof BEARDS)[number];
export type Expression = (typeof EXPRESSIONS)[number];
export type Pose = (typeof POSES)[number];
export type Place = (typeof PLACES)[number];
export type ObjectKind = (typeof OBJECTS)[number];
export type Look = (typeof LOOKS)[number];

/** Which colours a thing can have; a thing that is not listed, or lists none, has a colour of its own. */
export const HAT_COLOURS: Readonly<Record<Hat, readonly Colour[]>> = {
  none: [],
  cap: ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black"],
  beanie: ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white"],
  "top hat": [],
  "straw hat": [],
  beret: ["red", "yellow", "green", "blue", "purple", "black"],
  crown: [],
};
export const OBJECT_COLOURS: Readonly<Record<ObjectKind, readonly Colour[]>> = {
  balloon: ["red", "orange", "yellow", "green", "blue", "purple", "pink"],
  umbrella: ["red", "yellow", "green", "blue", "purple", "pink"],
  book: ["red", "green", "blue", "purple", "yellow"],
  cup: ["red", "yellow", "green", "blue", "white"],
  ball: ["red", "orange", "yellow", "green", "blue"],
  flower: ["red", "yellow", "purple", "pink", "white"],
  "ice cream": [],
  cat: ["orange", "black", "white"],
  bird: ["red", "yellow", "blue"],
};
export const CLOTHES_COLOURS: Readonly<Record<Clothes, readonly Colour[]>> = {
  "t-shirt": COLOURS,
  hoodie: COLOURS,
  jacket: ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black"],
  "striped shirt": ["red", "orange", "green", "blue", "purple", "pink", "black"],
  sweater: COLOURS,
  dress: ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white"],
  overalls: ["red", "green", "blue", "purple", "black"],
};

/** Hair that a hat would hide or crush: these people wear none. */
export const HATLESS: readonly HairShape[] = ["spiky", "bun", "mohawk", "bald"];
/** Clothes that reach up to the chin: no room for a bow tie or a scarf. */
export const HIGH_NECKED: readonly Clothes[] = ["hoodie", "sweater"];
