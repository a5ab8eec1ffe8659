import assert from "node:assert/strict";
import { test } from "node:test";
import { marked } from "marked";
import { code, codeBlock, measured, picture, plain, rough, table } from "./markdown.js";

const html = (markdown: string) => marked.parse(markdown, { gfm: true, async: false }).trim();
const unescaped = (text: string) =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

/** Texts that Markdown or HTML would read as something else. */
const NASTY = [
  "a_b_c *d* `e` ~f~ [g](h) #i",
  "<script>alert(1)</script> & <!-- x -->",
  "one | two",
  "`` ` `` ticks `",
  "$x$ ![y](z) \\ back",
  "line\n\nbreaks\tand   spaces",
];

test("plain text shows as it is", () => {
  for (const text of NASTY) assert.equal(unescaped(html(plain(text))), `<p>${text.replaceAll(/\s+/g, " ")}</p>`, text);
});

test("code shows as it is, in a paragraph and in a table", () => {
  for (const text of NASTY) {
    const line = text.replaceAll(/\s+/g, " ");
    assert.equal(unescaped(html(code(text))), `<p><code>${line}</code></p>`, text);
    const cells = html(table(["a", "b"], [[code(text), plain(text)]])).match(/<td>.*<\/td>/g);
    assert.deepEqual(cells?.map(unescaped), [`<td><code>${line}</code></td>`, `<td>${line}</td>`], text);
  }
  assert.equal(code(""), "");
});

test("a block of code holds fences", () => {
  assert.equal(html(codeBlock("a\n```\nb", "sh")), '<pre><code class="language-sh">a\n```\nb\n</code></pre>');
});

test("a picture's path and description cannot leave their places", () => {
  assert.equal(
    html(picture("samples/a (1) ü.png", "a ](b) *c*")),
    '<p><img src="samples/a%20%281%29%20%C3%BC.png" alt="a ](b) *c*"></p>',
  );
});

test("numbers as people read them", () => {
  assert.deepEqual(
    [measured(0.123456), measured(0), measured(1e-5), measured(1234.5)],
    ["0.1235", "0", "0.00001", "1235"],
  );
  assert.deepEqual([rough(9.981), rough(2.333), rough(15_432)], ["10", "2.3", "15,000"]);
});
