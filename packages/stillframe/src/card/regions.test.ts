import assert from "node:assert/strict";
import { test } from "node:test";
import { FileFormatError } from "@stillframe/torch/errors";
import { joinCard, mergeCard, type Region, region, splitCard } from "./regions.js";

const fresh = [region("title", "# one"), region("usage", "use"), region("data", "data")];
const written = joinCard(fresh);
const merge = (
  text: string,
  next: readonly Region[] = fresh,
  options: Partial<Parameters<typeof mergeCard>[2]> = {},
) => {
  const before = options.before ?? fresh.map(({ id }) => id);
  const merged = mergeCard(splitCard(text, "README.md"), next, { before, regenerate: options.regenerate ?? false });
  return { ...merged, text: joinCard(merged.parts) };
};

test("what was written comes back in the same parts, and a second writing changes nothing", () => {
  assert.deepEqual(splitCard(written, "README.md"), fresh);
  assert.deepEqual(merge(written), { parts: fresh, kept: [], removed: [], text: written });
});

test("new contents take the places of the old ones, a person's text stays where it is", () => {
  const mine = written
    .replace("<!-- stillframe:begin usage", "My words above usage.\n\n<!-- stillframe:begin usage")
    .concat("\n\n## Thanks\n\nTo my cat.\n");
  const { text, kept } = merge(mine, [region("title", "# one"), region("usage", "use it so"), region("data", "data")]);
  assert.deepEqual(kept, []);
  assert.match(
    text,
    /# one\n[\s\S]*My words above usage\.\n\n<!-- stillframe:begin usage \w+ -->\n\nuse it so\n[\s\S]*data\n[\s\S]*## Thanks\n\nTo my cat\.$/,
  );
});

test("a part that was edited by hand is kept until it is asked for anew", () => {
  const edited = written.replace("\nuse\n", "\nuse, said I\n");
  const next = [region("title", "# two"), region("usage", "use it"), region("data", "data")];
  const { text, kept } = merge(edited, next);
  assert.deepEqual(kept, ["usage"]);
  assert.ok(text.includes("use, said I") && text.includes("# two"));
  // Again: the hash in its mark is still that of what was generated.
  assert.deepEqual(merge(text, next).kept, ["usage"]);
  const anew = merge(text, next, { regenerate: true });
  assert.deepEqual([anew.kept, anew.text], [[], joinCard(next)]);
});

test("white space at the ends is no edit", () => {
  assert.deepEqual(merge(written.replace("\nuse\n", "\n\n\nuse  \n\n")).kept, []);
});

test("a part that was taken out stays out, a part that is new comes to its place", () => {
  const without = joinCard([fresh[0]!, fresh[2]!]);
  assert.deepEqual(merge(without).removed, ["usage"]);
  assert.equal(merge(without).text, without);
  assert.equal(merge(without, fresh, { regenerate: true }).text, written);
  assert.equal(merge(without, fresh, { before: ["title", "data"] }).text, written);
  assert.equal(merge(joinCard(fresh.slice(1)), fresh, { before: [] }).text, written);
  assert.deepEqual(merge("Only mine.", fresh, { before: [] }).text, `Only mine.\n\n${written}`);
});

test("a part that has nothing to say any more goes, unless it was edited", () => {
  assert.equal(merge(written, [fresh[0]!, fresh[2]!]).text, joinCard([fresh[0]!, fresh[2]!]));
  assert.deepEqual(merge(written.replace("\nuse\n", "\nmine\n"), [fresh[0]!]).kept, ["usage"]);
});

test("marks without their other halves are refused, because nobody knows then whose the text is", () => {
  const refused = (text: string, message: RegExp) =>
    assert.throws(
      () => splitCard(text, "run/README.md"),
      (error) => error instanceof FileFormatError && message.test(error.message),
    );
  refused(
    written.replace("<!-- stillframe:end usage -->", ""),
    /README\.md: expected the mark "stillframe:end usage" before "begin data" \(line \d+/,
  );
  refused(
    written.replace("<!-- stillframe:end data -->", ""),
    /expected the mark "stillframe:end data" behind its part/,
  );
  refused("<!-- stillframe:end data -->", /expected the mark "stillframe:begin data" before its end/);
  refused(`${written}\n${joinCard([fresh[1]!])}`, /expected one part usage but found a second/);
});
