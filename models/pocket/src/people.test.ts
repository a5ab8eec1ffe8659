import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOTHES_COLOURS, HAT_COLOURS, HATLESS, HIGH_NECKED } from "./attributes.js";
import { anonymous, difference, MIN_DIFFERENCE, NAMED_PEOPLE, type Person } from "./people.js";
import { Random } from "./random.js";

const named = Object.entries(NAMED_PEOPLE);

function assertWearable(who: string, person: Person): void {
  assert.ok(
    CLOTHES_COLOURS[person.clothes].includes(person.clothesColour),
    `${who}: ${person.clothesColour} ${person.clothes}`,
  );
  if (person.hat !== "none")
    assert.ok(!HATLESS.includes(person.hair), `${who}: a ${person.hat} on ${person.hair} hair`);
  const colours = HAT_COLOURS[person.hat];
  assert.equal(person.hatColour !== null, colours.length > 0, `${who}: colour of the ${person.hat}`);
  if (person.hatColour !== null)
    assert.ok(colours.includes(person.hatColour), `${who}: ${person.hatColour} ${person.hat}`);
  if (person.neckwear !== "none")
    assert.ok(!HIGH_NECKED.includes(person.clothes), `${who}: ${person.neckwear} under a ${person.clothes}`);
  assert.equal(person.neckColour !== null, person.neckwear !== "none", `${who}: colour of the ${person.neckwear}`);
  assert.notEqual(person.neckColour, person.clothesColour, `${who}: a ${person.neckwear} that cannot be seen`);
  assert.equal(person.hairColour === null, person.hair === "bald", `${who}: hair colour`);
  if (person.beard !== "none") assert.equal(person.kind, "man", `${who}: a bearded ${person.kind}`);
}

test("there are a few dozen named people, each with one short word for a name", () => {
  assert.ok(named.length >= 24 && named.length <= 40, `${named.length} people`);
  for (const [name] of named) assert.match(name, /^[A-Z][a-z]{1,5}$/);
});

test("any two named people differ in at least three things that are seen at a glance", () => {
  for (const [i, [name, person]] of named.entries())
    for (const [otherName, other] of named.slice(i + 1))
      assert.ok(
        difference(person, other) >= MIN_DIFFERENCE,
        `${name} and ${otherName} differ in ${difference(person, other)}`,
      );
});

test("what people wear goes together", () => {
  for (const [name, person] of named) assertWearable(name, person);
  const random = new Random("wardrobe");
  for (let i = 0; i < 2000; i++) assertWearable(`anonymous ${i}`, anonymous(random));
});

test("nobody without a name looks like somebody who has one", () => {
  const random = new Random("strangers");
  for (let i = 0; i < 3000; i++) {
    const person = anonymous(random);
    for (const [name, other] of named)
      assert.ok(difference(person, other) >= MIN_DIFFERENCE, `number ${i} looks like ${name}`);
  }
});

test("every attribute occurs among people without a name", () => {
  const random = new Random("variety");
  const people = Array.from({ length: 2000 }, () => anonymous(random));
  const count = (key: keyof Person): number => new Set(people.map((person) => person[key])).size;
  assert.deepEqual(
    {
      hair: count("hair"),
      hairColour: count("hairColour"),
      glasses: count("glasses"),
      hat: count("hat"),
      clothes: count("clothes"),
      skin: count("skin"),
    },
    { hair: 10, hairColour: 10, glasses: 4, hat: 7, clothes: 7, skin: 4 },
  );
});
