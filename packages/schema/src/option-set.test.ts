import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { option } from "./option.js";
import { OptionSet, rule } from "./option-set.js";
import { OptionsError } from "./options-error.js";

const sky = new OptionSet({
  command: "sky",
  summary: "Paint a sky",
  groups: [{ id: "look", title: "Look" }],
  shape: {
    clouds: option(z.int().min(0).max(9).default(3), { group: "look", effect: "result", help: "How many." }),
    stars: option(z.boolean().default(false), { group: "look", effect: "result", help: "Whether it is night." }),
    title: option(z.string().min(1), { group: "look", effect: "files", help: "What it is called.", aliases: ["name"] }),
    key: option(z.string().min(1).nullable().default(null), {
      group: "look",
      effect: "files",
      help: "Opens the studio.",
      secret: true,
    }),
    brush: option(z.enum(["round", "laser"]).default("round"), {
      group: "look",
      effect: "speed",
      help: "The tool.",
      instead: { laser: "there is no laser; the round brush is used" },
    }),
  },
  rules: [
    rule<{ clouds: number; stars: boolean }, "clouds" | "stars">(["clouds", "stars"], (o) =>
      o.stars && o.clouds === 9 ? "stars cannot be seen behind 9 clouds" : undefined,
    ),
  ],
});

function problemsOf(record: Record<string, unknown>): string[] {
  try {
    sky.parse(record);
  } catch (error) {
    assert.ok(error instanceof OptionsError);
    assert.equal(error.message, error.problems.map((problem) => problem.message).join("\n"));
    return error.problems.map((problem) => `${problem.kind}: ${problem.message}`);
  }
  return [];
}

test("defaults fill what is left out, undefined counts as left out", () => {
  const filled = { clouds: 3, stars: false, title: "dawn", key: null, brush: "round" };
  assert.deepEqual(sky.parse({ title: "dawn" }), filled);
  assert.deepEqual(sky.parse({ title: "dawn", clouds: undefined }), filled);
});

test("all problems come in one error", () => {
  assert.deepEqual(problemsOf({ cluods: 1, clouds: "many", stars: 1 }), [
    "unknown: unknown option cluods: did you mean clouds?",
    'invalid: expected an integer from 0 to 9 for clouds but received "many"',
    "invalid: expected true or false for stars but received 1",
    "missing: expected a value for title but received none",
  ]);
});

test("a rule is checked although another option is wrong", () => {
  assert.deepEqual(problemsOf({ stars: true, clouds: 9 }), [
    "missing: expected a value for title but received none",
    "conflict: stars cannot be seen behind 9 clouds",
  ]);
});

test("a rule whose options are wrong themselves stays silent", () => {
  assert.deepEqual(problemsOf({ title: "dawn", stars: true, clouds: 10 }), [
    "invalid: expected an integer from 0 to 9 for clouds but received 10",
  ]);
});

test("the schema alone refuses the same", () => {
  assert.equal(sky.schema.safeParse({ title: "dawn" }).success, true);
  assert.equal(sky.schema.safeParse({ title: "dawn", cluods: 1 }).success, false);
  const conflict = sky.schema.safeParse({ title: "dawn", stars: true, clouds: 9 });
  assert.equal(conflict.error?.issues[0]?.message, "stars cannot be seen behind 9 clouds");
});

test("a record has the schema's own names; other spellings are told, not taken", () => {
  assert.deepEqual(problemsOf({ title: "dawn", name: "dusk" }), ["unknown: unknown option name: did you mean title?"]);
  assert.equal(sky.find("name")?.name, "title");
  assert.equal(sky.find("nothing"), undefined);
});

test("names of Object's prototype are unknown options", () => {
  assert.deepEqual(problemsOf({ title: "dawn", constructor: 1 }), ["unknown: unknown option constructor"]);
});

test("a secret is neither shown in errors nor in what may be written", () => {
  assert.deepEqual(problemsOf({ title: "dawn", key: 12345 }), [
    "invalid: expected text that is not empty for key but received a number",
  ]);
  const options = sky.parse({ title: "dawn", key: "hf_abc", clouds: 3, stars: true });
  assert.deepEqual(sky.shown(options), { clouds: 3, stars: true, title: "dawn", brush: "round" });
  assert.deepEqual(sky.asked(options), { stars: true, title: "dawn" });
});

test("what cannot exist here says what is used instead, once, and only when asked for", () => {
  assert.deepEqual(sky.replacements(sky.parse({ title: "dawn", brush: "laser" })), [
    "brush: there is no laser; the round brush is used",
  ]);
  assert.deepEqual(sky.replacements(sky.parse({ title: "dawn" })), []);
});

test("a declaration with a mistake is refused", () => {
  const fine = { group: "look", effect: "files", help: "." } as const;
  const declare = (shape: z.ZodRawShape) =>
    new OptionSet({ command: "x", summary: "x", groups: [{ id: "look", title: "Look" }], shape });
  assert.throws(() => declare({ a: z.string() }), /expected a group, help and effect for option a/);
  assert.throws(
    () => declare({ a: option(z.string(), { ...fine, group: "no" }) }),
    /declared group for option a .* no/,
  );
  assert.throws(
    () => declare({ a: option(z.string(), fine), b: option(z.string(), { ...fine, aliases: ["a"] }) }),
    /each option name once but received a twice/,
  );
  assert.throws(() => declare({ a: option(z.object({}), fine) }), /type that the command line can read for option a/);
  assert.throws(() => declare({ a: option(z.union([z.string(), z.int()]), fine) }), /one type for option a/);
});
