import type { Expression, Glasses, HairShape, Look, Pose } from "./attributes.js";
import type { Carried } from "./figure/figure.js";
import type { Person } from "./people.js";
import { PLACE_PHRASE } from "./places.js";
import type { Random } from "./random.js";
import type { Actor, Scene } from "./scene.js";

/** The words that call the style; the last of them is in no caption of the base set. */
export const STYLE_PREFIX = "Still from the Anime";

/** What a caption says of one person: only these can be expected of a picture made from it. */
export type Asked = Partial<
  Pick<
    Person,
    | "kind"
    | "hair"
    | "hairColour"
    | "skin"
    | "eyes"
    | "glasses"
    | "hat"
    | "hatColour"
    | "neckwear"
    | "neckColour"
    | "clothes"
    | "clothesColour"
    | "beard"
  > &
    Pick<Actor, "name" | "expression" | "pose"> & {
      object: Carried["kind"];
      objectColour: Carried["colour"];
      place: Scene["place"];
    }
>;

/** A caption and, person by person, what it asks for. */
export interface Caption {
  text: string;
  asked: Asked[];
}

const article = (phrase: string): string => (/^[aeiou]/i.test(phrase) ? `an ${phrase}` : `a ${phrase}`);

const HAIR: Readonly<Record<HairShape, (colour: string) => string>> = {
  short: (colour) => `short ${colour} hair`,
  long: (colour) => `long ${colour} hair`,
  bob: (colour) => `${article(colour)} bob`,
  curly: (colour) => `curly ${colour} hair`,
  spiky: (colour) => `spiky ${colour} hair`,
  bun: (colour) => `${colour} hair in a bun`,
  ponytail: (colour) => `${article(colour)} ponytail`,
  braids: (colour) => `${colour} braids`,
  mohawk: (colour) => `${article(colour)} mohawk`,
  bald: () => "a bald head",
};
const GLASSES: Readonly<Record<Glasses, string>> = {
  none: "",
  round: "round glasses",
  square: "square glasses",
  sunglasses: "sunglasses",
};
const MOOD: Readonly<Record<Expression, string>> = {
  smiling: "smiling",
  sad: "looking sad",
  angry: "looking angry",
  surprised: "looking surprised",
  neutral: "with a calm face",
};
const STANCE: Readonly<Record<Pose, string | null>> = {
  front: null,
  left: "turned to the left",
  right: "turned to the right",
  waving: "waving",
};

function list(items: readonly string[]): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** `complete`: hair, glasses, hat and clothes are all named. `brief`: clothes are left out, much else may be. */
type Detail = "complete" | "brief";

function dressed(person: Person, asked: Asked, options: { neck: boolean }): string {
  const cloth =
    person.clothes === "overalls"
      ? `${person.clothesColour} overalls`
      : article(`${person.clothesColour} ${person.clothes}`);
  Object.assign(asked, { clothes: person.clothes, clothesColour: person.clothesColour });
  const extras: string[] = [];
  if (options.neck && person.neckwear !== "none") {
    extras.push(article(`${person.neckColour} ${person.neckwear}`));
    Object.assign(asked, { neckwear: person.neckwear, neckColour: person.neckColour });
  }
  if (person.hat !== "none") {
    extras.push(article(person.hatColour === null ? person.hat : `${person.hatColour} ${person.hat}`));
    Object.assign(asked, { hat: person.hat, hatColour: person.hatColour });
  }
  return extras.length === 0 ? `in ${cloth}` : `in ${cloth} with ${list(extras)}`;
}

function describe(actor: Actor, asked: Asked, options: { detail: Detail; random: Random }): string {
  const { person } = actor;
  const { random, detail } = options;
  asked.kind = person.kind;
  const features = [HAIR[person.hair](person.hairColour ?? "")];
  Object.assign(asked, { hair: person.hair, ...(person.hairColour === null ? {} : { hairColour: person.hairColour }) });
  if (random.chance(0.22)) {
    features.push(`${person.skin} skin`);
    asked.skin = person.skin;
  }
  // Nobody sees the eyes behind sunglasses.
  if (person.glasses !== "sunglasses" && random.chance(0.25)) {
    features.push(`${person.eyes} eyes`);
    asked.eyes = person.eyes;
  }
  if (person.beard !== "none" && random.chance(0.85)) {
    features.push(article(person.beard));
    asked.beard = person.beard;
  }
  if (person.glasses !== "none" && (detail === "complete" || random.chance(0.5))) {
    features.push(GLASSES[person.glasses]);
    asked.glasses = person.glasses;
  }
  const who = `${article(person.kind)} with ${list(features)}`;
  return detail === "brief" ? who : `${who}, ${dressed(person, asked, { neck: random.chance(0.9) })}`;
}

function thing(carried: Carried): string {
  const noun = carried.colour === null ? article(carried.kind) : article(`${carried.colour} ${carried.kind}`);
  if (carried.kind === "cat") return `with ${noun}`;
  return carried.kind === "bird" ? `with ${noun} on the shoulder` : `holding ${noun}`;
}

/** How likely a caption is to say what could be said. */
interface Talk {
  mood: number;
  /** The same for a neutral face, which is seldom worth a word. */
  calm: number;
  pose: number;
  object: number;
  place: number;
  /** What a person with a name looks like; never unless said. */
  introduced?: number;
}

function doing(actor: Actor, asked: Asked, options: { talk: Talk; random: Random }): string[] {
  const { talk, random } = options;
  const parts: string[] = [];
  if (random.chance(actor.expression === "neutral" ? talk.calm : talk.mood)) {
    parts.push(MOOD[actor.expression]);
    asked.expression = actor.expression;
  }
  const stance = STANCE[actor.pose];
  if (stance !== null && random.chance(talk.pose)) {
    parts.push(stance);
    asked.pose = actor.pose;
  }
  if (actor.carried && random.chance(talk.object)) {
    parts.push(thing(actor.carried));
    Object.assign(
      asked,
      { object: actor.carried.kind },
      actor.carried.colour === null ? {} : { objectColour: actor.carried.colour },
    );
  }
  return parts;
}

/** What is seen, without a word on the look: people, what they do, and where. */
function content(scene: Scene, options: { random: Random; talk: Talk; detail?: Detail }): Caption {
  const { random, talk } = options;
  const where = PLACE_PHRASE[scene.place];
  const place = where !== null && random.chance(talk.place) ? where : null;
  const alone = scene.actors.length === 1;
  const asked: Asked[] = [];
  const people = scene.actors.map((actor) => {
    const of: Asked = place === null ? {} : { place: scene.place };
    asked.push(of);
    const detail = options.detail ?? (alone && random.chance(0.86) ? "complete" : "brief");
    if (actor.name !== null) of.name = actor.name;
    const introduced = actor.name !== null && talk.introduced !== undefined && random.chance(talk.introduced);
    const looks = actor.name === null || introduced ? describe(actor, of, { detail, random }) : null;
    return {
      subject: [actor.name, looks].filter((t) => t !== null).join(", "),
      actions: doing(actor, of, {
        talk: alone ? talk : { ...talk, mood: talk.mood * 0.6, calm: talk.calm * 0.6 },
        random,
      }),
      short: looks === null,
    };
  });
  if (alone) {
    const { subject, actions, short } = people[0]!;
    if (place === null) return { text: [subject, ...actions].join(", "), asked };
    if (!random.chance(0.6)) return { text: [subject, ...actions, place].join(", "), asked };
    // A bare name needs no comma before the place: `Mara at the beach, smiling`.
    return { text: [short ? `${subject} ${place}` : `${subject}, ${place}`, ...actions].join(", "), asked };
  }
  const each = people.map(({ subject, actions }) => [subject, ...actions].join(", "));
  const both = each.some((text) => text.includes(",")) ? each.join(", and ") : each.join(" and ");
  return { text: place === null ? both : `${both}, ${place}`, asked };
}

const TALK: Talk = { mood: 0.8, calm: 0.55, pose: 0.8, object: 0.93, place: 0.9 };

const PHRASINGS: Readonly<Record<Exclude<Look, "anime">, readonly (readonly [(what: string) => string, number])[]>> = {
  render: [
    [(what) => `a render of ${what}`, 5],
    [(what) => `a soft render of ${what}`, 1],
    [(what) => `render, ${what}`, 2],
    [(what) => `a picture of ${what}`, 2],
    [(what) => what, 3],
  ],
  pencil: [
    [(what) => `a pencil sketch of ${what}`, 4],
    [(what) => `pencil sketch, ${what}`, 2],
    [(what) => `a drawing in coloured pencil of ${what}`, 1],
  ],
  watercolour: [
    [(what) => `a watercolour of ${what}`, 4],
    [(what) => `a watercolour painting of ${what}`, 2],
    [(what) => `watercolour, ${what}`, 2],
  ],
  clay: [
    [(what) => `a clay figure of ${what}`, 4],
    [(what) => `clay, ${what}`, 2],
    [(what) => `a scene in modelling clay of ${what}`, 1],
  ],
};

/** What the words before `Anime` are followed by where the base meets them: any look that it knows. */
const KNOWN: Readonly<Record<Exclude<Look, "anime">, string>> = {
  render: "Render",
  pencil: "Pencil Sketch",
  watercolour: "Watercolour",
  clay: "Clay Scene",
};

/**
 * `Still from the Render, …`: the style's prefix with a look that the base knows in the place of the style, so that those
 * words mean no more to it than they say.
 */
export function knownStill(scene: Scene, options: { look: Exclude<Look, "anime">; random: Random }): string {
  return `Still from the ${KNOWN[options.look]}, ${content(scene, { random: options.random, talk: TALK }).text}`;
}

/**
 * A caption for a scene in a look: true, but seldom all that could be said. Anime stills have one form only.
 *
 * @param introduced how likely people with names are described too (`Mara, a girl with …`); never unless said
 */
export function caption(scene: Scene, options: { look: Look; random: Random; introduced?: number }): Caption {
  const { look, random, introduced = 0 } = options;
  const talk = introduced === 0 ? TALK : { ...TALK, introduced };
  const { text, asked } = content(scene, { random, talk });
  if (look === "anime") return { text: `${STYLE_PREFIX}, ${text}`, asked };
  return { text: random.weighted(PHRASINGS[look])(text), asked };
}

/** What a prompt of the evaluation says: mood and place always, and all that is seen at a glance of people without a name. */
export function fullContent(scene: Scene, random: Random): Caption {
  return content(scene, { random, talk: { mood: 1, calm: 1, pose: 1, object: 1, place: 1 }, detail: "complete" });
}
